//! Seven thousand real cases, driven through the real commands while everything is killed at random.
//!
//! The log is not part of the repository: `CASE_INCIDENT_LOG` says where it is, and the truth lies beside it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use case_api::ConsistencyToken;
use case_api::pb::{AuditEvent, Case, GetCaseRequest, ListAuditEventsRequest, ListCasesRequest};
use serde_json::Value;
use test_support::{Caller, SeededEntropy, Spec, poll_until};
use tokio::process::{Child, Command};

use crate::system::{AUDIT, COMMAND, QUERY, System};

const KILLS: u64 = 16;

/// The log, or nothing and a loud word.
fn incident_log() -> Option<PathBuf> {
    let log = std::env::var_os("CASE_INCIDENT_LOG").map(PathBuf::from);
    if log.is_none() {
        // Past the test's captured output: it must be heard.
        let _ = writeln!(
            std::io::stderr(),
            "NOT CHECKED: CASE_INCIDENT_LOG is not set, so the real cases were not replayed"
        );
    }
    log
}

fn casectl() -> PathBuf {
    Spec::sibling(env!("CARGO_BIN_EXE_case-tracker"), "casectl")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_cases_come_out_exactly_right_though_everything_is_killed_meanwhile() {
    let Some(log) = incident_log() else { return };
    let truth: Value =
        serde_json::from_slice(&std::fs::read(log.with_file_name("incidents.truth.json")).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let lifecycle = derived(&log, folder.path()).await;
    let mut system = System::apart(&[
        ("CASE_TRACKER__LIFECYCLE__PATH", lifecycle.to_str().unwrap()),
        // A line for each of 60,000 commands would only be kept in memory; where the services listen must be told.
        ("CASE_TRACKER__LOG__LEVEL", "warn,service_kit::host=info"),
    ])
    .await;
    let summary = replay_under_fire(&mut system, &log, &truth).await;
    assert_eq!(summary["agrees"], true, "{summary}");
    for part in ["created", "transitioned", "assigned", "unchanged"] {
        assert_eq!(summary["replay"][part], truth["replay"][part], "{part}");
    }
    check_with_our_own_eyes(&system, &truth).await;
    system.stop().await;
}

/// The lifecycle that the log needs.
async fn derived(log: &Path, folder: &Path) -> PathBuf {
    let output = Command::new(casectl()).args(["lifecycle", "derive"]).arg(log).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let path = folder.join("lifecycle.toml");
    std::fs::write(&path, output.stdout).unwrap();
    path
}

fn replay(system: &System, log: &Path) -> Child {
    Command::new(casectl())
        .args(["replay", "--output", "json", "--command"])
        .arg(system.address(COMMAND).to_string())
        .arg("--query")
        .arg(system.address(QUERY).to_string())
        .arg("--audit")
        .arg(system.address(AUDIT).to_string())
        .args(["--actor", "replayer"])
        .arg(log)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Kills each service and the replay itself, anywhere on the way, and begins them again.
async fn replay_under_fire(system: &mut System, log: &Path, truth: &Value) -> Value {
    let random = SeededEntropy::new(1_305);
    let changes = ["created", "transitioned", "assigned"].map(|part| truth["replay"][part].as_u64().unwrap());
    let share = changes.iter().sum::<u64>() / (KILLS + 1);
    let mut running = replay(system, log);
    for kill in 1..=KILLS {
        let after = kill * share + random.next() % (share / 2);
        reached(system, after).await;
        match random.next() % 4 {
            0 => system.kill_and_restart(COMMAND).await,
            1 => system.kill_and_restart(QUERY).await,
            2 => system.kill_and_restart(AUDIT).await,
            _ => {
                running.kill().await.unwrap();
                running = replay(system, log);
            }
        }
    }
    let output = running.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Waits until so many events have been projected, however long that takes, as long as it goes on.
async fn reached(system: &System, position: u64) {
    let mut seen = 0;
    while seen < position {
        seen = poll_until(&format!("more than {seen} events of {position}"), || async {
            let request = GetCaseRequest { case_id: "CASE-001".to_owned(), consistency: None };
            let answer = system.queries(Caller::actor("watcher")).get_case(request).await.ok()?.into_inner();
            let at = ConsistencyToken::decode(&answer.as_of).unwrap().position;
            (at > seen).then_some(at)
        })
        .await;
    }
}

/// Reads everything back and counts, without trusting what the replay says.
async fn check_with_our_own_eyes(system: &System, truth: &Value) {
    let (cases, position) = all_cases(system).await;
    let events = all_events(system).await;
    let versions: u64 = cases.iter().map(|case| case.version).sum();
    let count = u64::try_from(events.len()).unwrap();
    assert_eq!((versions, position), (count, count), "sum of versions, projection's position and audit records");
    assert!(events.iter().zip(0..).all(|(event, index)| event.index == Some(index)), "contiguous");
    let mut finals: BTreeMap<&str, u64> = BTreeMap::new();
    for case in &cases {
        *finals.entry(&case.status).or_default() += 1;
    }
    assert_eq!(serde_json::to_value(finals).unwrap(), truth["final"]);
    let mut initials: BTreeMap<&str, u64> = BTreeMap::new();
    let mut pairs: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for change in events.iter().flat_map(|event| &event.changes).filter(|change| change.field == "status") {
        if change.from.is_empty() {
            *initials.entry(&change.to).or_default() += 1;
        } else {
            *pairs.entry((&change.from, &change.to)).or_default() += 1;
        }
    }
    assert_eq!(serde_json::to_value(initials).unwrap(), truth["initial"]);
    let pairs: Vec<Value> = pairs.iter().map(|((from, to), count)| serde_json::json!([from, to, count])).collect();
    assert_eq!(Value::from(pairs), truth["pairs"]);
}

async fn all_cases(system: &System) -> (Vec<Case>, u64) {
    let mut queries = system.queries(Caller::actor("watcher"));
    let (mut cases, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListCasesRequest { page_size: 1_000, page_token, ..ListCasesRequest::default() };
        let page = queries.list_cases(request).await.unwrap().into_inner();
        cases.extend(page.cases);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return (cases, ConsistencyToken::decode(&page.as_of).unwrap().position);
        }
    }
}

async fn all_events(system: &System) -> Vec<AuditEvent> {
    let mut audit = system.audit(Caller::actor("watcher"));
    let (mut events, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListAuditEventsRequest { page_size: 1_000, page_token, ..ListAuditEventsRequest::default() };
        let page = audit.list_audit_events(request).await.unwrap().into_inner();
        events.extend(page.audit_events);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return events;
        }
    }
}
