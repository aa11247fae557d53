//! Lifecycles from logs: a made-up one, and the real one where it is at hand.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use case_domain::{Status, StatusCategory};
use casectl::derive::{self, Derived};
use casectl::log;
use serde_json::Value;

const SAMPLE: &str = include_str!("replay/sample.jsonl");

fn sample() -> Derived {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(SAMPLE.as_bytes()).unwrap();
    derive::derive(&log::read(file.path()).unwrap()).unwrap()
}

#[test]
fn a_log_has_the_lifecycle_that_it_needs() {
    let Derived { lifecycle, counts } = sample();
    assert_eq!((counts.cases, counts.entries), (4, 17));
    let names: Vec<&str> = lifecycle.statuses().iter().map(|status| status.name.as_str()).collect();
    let in_order_of_appearance = [
        "ACCEPTED_IN_PROGRESS",
        "QUEUED_AWAITING_ASSIGNMENT",
        "COMPLETED_RESOLVED",
        "COMPLETED_CLOSED",
        "ACCEPTED_WAIT_USER",
        "COMPLETED_IN_CALL",
    ];
    assert_eq!(names, in_order_of_appearance);
    let initial: Vec<&str> = lifecycle.initial().iter().map(Status::as_str).collect();
    assert_eq!(initial, ["ACCEPTED_IN_PROGRESS", "QUEUED_AWAITING_ASSIGNMENT", "COMPLETED_IN_CALL"]);
    assert_eq!(lifecycle.default_initial().as_str(), "ACCEPTED_IN_PROGRESS");
    assert_eq!(lifecycle.transitions().len(), 8);
    let free =
        |edge: &case_domain::Transition| *edge == case_domain::Transition::free(edge.from.clone(), edge.to.clone());
    assert!(lifecycle.transitions().iter().all(free), "what happened was allowed");
}

#[test]
fn the_text_reads_back_and_says_the_counts() {
    let derived = sample();
    let text = derive::to_toml(&derived);
    assert_eq!(lifecycle_file::parse(&text).unwrap(), derived.lifecycle);
    for part in [
        "# Derived from a log of 4 cases with 17 entries: 6 statuses, 3 initial, 8 transitions.\n",
        "category = \"open\" }, # 5 entries, 2 begin here\n",
        "to = \"QUEUED_AWAITING_ASSIGNMENT\" }, # 1\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn a_log_without_cases_needs_none() {
    assert_eq!(derive::derive([]), Err(derive::DeriveError::NoCase));
}

/// The real log, if this machine has it.
fn incident_log() -> Option<PathBuf> {
    let path = std::env::var_os("CASE_INCIDENT_LOG");
    if path.is_none() {
        // Written past the capture of test output: a check that did not run must be seen.
        let _ = writeln!(std::io::stderr(), "CASE_INCIDENT_LOG is not set: skipped");
    }
    path.map(PathBuf::from)
}

fn truth(log: &Path) -> Value {
    let text = std::fs::read_to_string(log.with_file_name("incidents.truth.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_real_log_is_counted_to_the_digit() {
    let Some(path) = incident_log() else { return };
    let truth = truth(&path);
    let derived = derive::derive(&log::read(&path).unwrap()).unwrap();
    let counts = &derived.counts;
    assert_eq!((counts.cases, counts.entries), (truth["cases"].as_u64().unwrap(), truth["events"].as_u64().unwrap()));

    let by_status = |count: fn(&derive::StatusCount) -> u64| -> BTreeMap<String, u64> {
        let counted = counts.statuses.iter().map(|status| (status.status.to_string(), count(status)));
        counted.filter(|(_, count)| *count > 0).collect()
    };
    let told = |key: &str| -> BTreeMap<String, u64> { serde_json::from_value(truth[key].clone()).unwrap() };
    assert_eq!(by_status(|status| status.initial), told("initial"));
    assert_eq!(by_status(|status| status.last), told("final"));
    assert_eq!(by_status(|status| status.entries), told("per_status"));

    let pairs = counts.transitions.iter().map(|pair| (pair.from.to_string(), pair.to.to_string(), pair.count));
    let pairs: std::collections::BTreeSet<(String, String, u64)> = pairs.collect();
    assert_eq!(pairs, serde_json::from_value(truth["pairs"].clone()).unwrap());
    assert_eq!(pairs.len(), 70);
    assert_eq!(lifecycle_file::parse(&derive::to_toml(&derived)).unwrap(), derived.lifecycle);
}

#[test]
fn the_real_log_has_the_categories_that_its_owners_gave() {
    let Some(path) = incident_log() else { return };
    let derived = derive::derive(&log::read(&path).unwrap()).unwrap();
    for status in derived.lifecycle.statuses() {
        let name = status.name.as_str();
        let category = match name {
            "COMPLETED_CLOSED" | "COMPLETED_CANCELLED" | "COMPLETED_IN_CALL" => StatusCategory::Closed,
            name if name.contains("WAIT") => StatusCategory::Paused,
            _ => StatusCategory::Open,
        };
        assert_eq!(status.category, category, "{name}");
    }
}
