//! What a case of a log means: which commands, and what each of them changes.

use std::collections::BTreeSet;

use case_api::pb;
use case_domain::CustomFields;
use serde::Serialize;
use serde_json::{Map, Value};
use service_kit::exit::{Exit, ExitCode};
use sha2::{Digest, Sha256};

use crate::log::{CaseRecord, Entry, MISTAKES_MAX};

/// The longest idempotency key.
const KEY_CHARS_MAX: usize = case_api::IDEMPOTENCY_KEY_CHARS_MAX;
/// The custom field that holds what the log calls the case.
const EXTERNAL_ID_FIELD: &str = "external_id";
/// The custom field that holds when the case was really opened.
const OPENED_TIME_FIELD: &str = "opened_time";

/// What commands did, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Cases that were opened.
    pub created: u64,
    /// Cases that were moved to another status.
    pub transitioned: u64,
    /// Cases that were handed over without a move.
    pub assigned: u64,
    /// Accepted commands that found everything as they wanted it.
    pub unchanged: u64,
    /// Of all of these: answers of an earlier run.
    pub replayed: u64,
}

impl Tally {
    pub(super) const fn add(&mut self, other: Self) {
        self.created += other.created;
        self.transitioned += other.transitioned;
        self.assigned += other.assigned;
        self.unchanged += other.unchanged;
        self.replayed += other.replayed;
    }

    pub(super) const fn count(&mut self, step: Step) {
        match step {
            Step::Create => self.created += 1,
            Step::Transition => self.transitioned += 1,
            Step::Assign => self.assigned += 1,
            Step::Nothing => self.unchanged += 1,
        }
    }

    /// Commands that made an event.
    pub(super) const fn changes(&self) -> u64 {
        self.created + self.transitioned + self.assigned
    }
}

/// What one entry does to its case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Opens it.
    Create,
    /// Moves it, and hands it over in the same change.
    Transition,
    /// Only hands it over.
    Assign,
    /// Leaves it as it is: a hand-over to those who have it.
    Nothing,
}

/// What each entry of a case does, in order.
pub(super) fn steps(record: &CaseRecord) -> impl Iterator<Item = (Step, &Entry)> {
    let mut before: Option<&Entry> = None;
    let mut team = "";
    record.history.iter().map(move |entry| {
        let next_team = entry.group.as_deref().unwrap_or(team);
        let step = match before {
            None => Step::Create,
            Some(before) if before.status != entry.status => Step::Transition,
            Some(before) if before.actor != entry.actor || team != next_team => Step::Assign,
            Some(_) => Step::Nothing,
        };
        (before, team) = (Some(entry), next_team);
        (step, entry)
    })
}

/// The team that a case lies with in the end; empty: none.
pub(super) fn last_team(record: &CaseRecord) -> &str {
    record.history.iter().rev().find_map(|entry| entry.group.as_deref()).unwrap_or_default()
}

/// The key of an entry, from 1: the same in every run, so that a second run is answered as the first one was.
pub(super) fn idempotency_key(external_id: &str, number: usize) -> String {
    let key = format!("replay/{external_id}/{number}");
    if key.chars().count() <= KEY_CHARS_MAX {
        return key;
    }
    format!("replay/{:x}/{number}", Sha256::digest(external_id))
}

/// The command that opens a case.
pub(super) fn create(record: &CaseRecord, first: &Entry, key: String) -> pb::CreateCaseRequest {
    pb::CreateCaseRequest {
        case: Some(pb::Case {
            title: format!("Replay of {}", record.external_id),
            assignee: first.actor.clone(),
            team: first.group.clone().unwrap_or_default(),
            // Checked before the first command: see `check_sendable`.
            custom_fields: custom_fields(record).ok().and_then(|fields| case_api::custom_fields_to_pb(&fields)),
            ..pb::Case::default()
        }),
        initial_status: first.status.to_string(),
        idempotency_key: key,
        ..pb::CreateCaseRequest::default()
    }
}

/// The fields of the log, and where the case comes from. What the log itself calls `opened_time` stays.
fn custom_fields(record: &CaseRecord) -> Result<CustomFields, usize> {
    let mut fields = Map::new();
    if let Some(first) = record.history.first() {
        fields.insert(OPENED_TIME_FIELD.to_owned(), first.time.clone().into());
    }
    fields.extend(record.fields.clone());
    fields.insert(EXTERNAL_ID_FIELD.to_owned(), record.external_id.clone().into());
    CustomFields::new(&Value::Object(fields).to_string())
}

/// Finds what no server would take, before anything is sent.
pub(super) fn check_sendable(records: &[CaseRecord]) -> Result<(), Exit> {
    let mut problems = Vec::new();
    for record in records {
        let line = record.line;
        if let Err(bytes) = custom_fields(record) {
            let max = case_domain::CUSTOM_FIELDS_BYTES_MAX;
            problems.push(format!(
                "line {line}: the fields of the case are {bytes} bytes as JSON, at most {max} are allowed"
            ));
        }
        let actors: BTreeSet<&str> = record.history.iter().map(|entry| entry.actor.as_str()).collect();
        for actor in actors.into_iter().filter(|actor| !actor.bytes().all(|byte| byte.is_ascii_graphic())) {
            problems.push(format!(
                "line {line}: the actor {actor:?} must be of visible ASCII characters to be named in a call"
            ));
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    let more = problems.len().saturating_sub(MISTAKES_MAX);
    problems.truncate(MISTAKES_MAX);
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    let text = format!("the log holds what cannot be replayed; nothing was sent:\n{}", problems.join("\n"));
    Err(Exit::new(ExitCode::DataCorrupt, text))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;

    use super::Step::{Assign, Create, Nothing, Transition};
    use super::*;

    fn record(entries: &[(&str, &str, Option<&str>)]) -> CaseRecord {
        let entry = |(status, actor, group): &(&str, &str, Option<&str>)| Entry {
            time: "2024-05-01T10:00:00Z".to_owned(),
            actor: (*actor).to_owned(),
            status: case_domain::Status::new(status).unwrap(),
            group: group.map(ToOwned::to_owned),
        };
        CaseRecord {
            line: 1,
            external_id: "x".to_owned(),
            fields: Map::new(),
            history: entries.iter().map(entry).collect(),
        }
    }

    #[test]
    fn an_entry_changes_what_differs_from_the_one_above() {
        let record = record(&[
            ("NEW", "amira", None),
            ("NEW", "amira", Some("")),
            ("NEW", "amira", Some("G1")),
            ("NEW", "amira", None),
            ("NEW", "budi", None),
            ("DONE", "budi", None),
            ("DONE", "budi", Some("G1")),
            ("DONE", "budi", Some("")),
        ]);
        let found: Vec<Step> = steps(&record).map(|(step, _)| step).collect();
        assert_eq!(found, [Create, Nothing, Assign, Nothing, Assign, Transition, Nothing, Assign]);
        assert_eq!(last_team(&record), "");
    }

    #[test]
    fn keys_are_stable_short_and_different() {
        assert_eq!(idempotency_key("1-364285768", 12), "replay/1-364285768/12");
        let long = "é".repeat(128);
        let key = idempotency_key(&long, 123);
        assert!(key.chars().count() <= KEY_CHARS_MAX, "{key}");
        assert_eq!(key, idempotency_key(&long, 123));
        assert_ne!(key, idempotency_key(&"e".repeat(128), 123));
    }

    #[test]
    fn the_real_log_means_what_its_truth_says() {
        let Some(path) = std::env::var_os("CASE_INCIDENT_LOG") else {
            // Written past the capture of test output: a check that did not run must be seen.
            let _ = writeln!(std::io::stderr(), "CASE_INCIDENT_LOG is not set: skipped");
            return;
        };
        let path = Path::new(&path);
        let truth = std::fs::read(path.with_file_name("incidents.truth.json")).unwrap();
        let truth: Value = serde_json::from_slice(&truth).unwrap();
        let records = crate::log::read(path).unwrap();
        check_sendable(&records).unwrap();
        let mut tally = Tally::default();
        for (step, _) in records.iter().flat_map(steps) {
            tally.count(step);
        }
        let told = |key: &str| truth["replay"][key].as_u64().unwrap();
        let (created, transitioned) = (told("created"), told("transitioned"));
        let (assigned, unchanged) = (told("assigned"), told("unchanged"));
        assert_eq!(tally, Tally { created, transitioned, assigned, unchanged, replayed: 0 });
    }
}
