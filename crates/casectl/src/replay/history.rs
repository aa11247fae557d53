//! What was recorded of a case, against what the log means.

use case_api::pb;

use crate::log::{CaseRecord, Entry};

use super::plan::{Step, steps};

/// One recorded change of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recorded {
    /// The version after it.
    version: u64,
    actor: String,
    action: String,
    /// From which status to which, if that changed.
    pub(super) status: Option<(String, String)>,
}

impl From<pb::AuditEvent> for Recorded {
    fn from(event: pb::AuditEvent) -> Self {
        let status = event.changes.into_iter().find(|change| change.field == "status");
        Self {
            version: event.case_version,
            actor: event.actor_id,
            action: event.action,
            status: status.map(|change| (change.from, change.to)),
        }
    }
}

impl From<pb::TimelineEntry> for Recorded {
    fn from(entry: pb::TimelineEntry) -> Self {
        let status = entry.changes.into_iter().find(|change| change.field == "status");
        Self {
            version: entry.case_version,
            actor: entry.actor_id,
            action: entry.action,
            status: status.map(|change| (change.from, change.to)),
        }
    }
}

/// What must be recorded of a case: one change for each entry that changes something, with versions from 1.
fn expected(record: &CaseRecord) -> Vec<Recorded> {
    let mut changes = Vec::new();
    let mut before: Option<&Entry> = None;
    for (step, entry) in steps(record) {
        let moved = || {
            let from = before.map(|before| before.status.to_string()).unwrap_or_default();
            Some((from, entry.status.to_string()))
        };
        let change = match step {
            Step::Create => Some(("case_created", moved())),
            Step::Transition => Some(("case_transitioned", moved())),
            Step::Assign => Some(("case_assigned", None)),
            Step::Nothing => None,
        };
        if let Some((action, status)) = change {
            let version = changes.len() as u64 + 1;
            changes.push(Recorded { version, actor: entry.actor.clone(), action: action.to_owned(), status });
        }
        before = Some(entry);
    }
    changes
}

/// How many changes must be recorded of a case; this is its version in the end.
pub(super) fn changes_of(record: &CaseRecord) -> u64 {
    steps(record).filter(|(step, _)| *step != Step::Nothing).count() as u64
}

/// The first difference between what is recorded of a case and what the log means.
pub(super) fn difference(record: &CaseRecord, recorded: &[Recorded]) -> Option<String> {
    let expected = expected(record);
    let pairs = expected.iter().zip(recorded);
    if let Some((wanted, found)) = pairs.into_iter().find(|(wanted, found)| wanted != found) {
        return Some(format!("change {} is {}, the log means {}", wanted.version, shown(found), shown(wanted)));
    }
    let (wanted, found) = (expected.len(), recorded.len());
    (wanted != found).then(|| format!("{found} changes are recorded, the log means {wanted}"))
}

fn shown(change: &Recorded) -> String {
    let Recorded { version, actor, action, status } = change;
    let status = status.as_ref().map(|(from, to)| format!(" from {from:?} to {to}")).unwrap_or_default();
    format!("version {version}, {action}{status} by {actor}")
}
