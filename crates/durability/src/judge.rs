//! Whether a store that is found after a disaster holds what was promised.

use std::collections::BTreeMap;

use case_api::event_pb::RecordedEvent;
use test_support::SeededEntropy;

use crate::ledger::Entry;
use crate::system::Running;

/// How many acknowledged commands are sent again on each store.
const SENT_AGAIN: usize = 5;

/// What is wrong with a history, against the commands that were acknowledged before the disaster.
pub(crate) fn broken_promises(promised: &[&Entry], events: &[RecordedEvent]) -> Vec<String> {
    let mut broken = Vec::new();
    let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
    for (event, position) in events.iter().zip(1..) {
        let Some(evidence) = &event.evidence else {
            broken.push(format!("event {position} has no evidence"));
            continue;
        };
        if evidence.position != position {
            broken.push(format!("position {} stands where {position} must", evidence.position));
        }
        let version = versions.entry(&evidence.case_id).or_default();
        *version += 1;
        if evidence.case_version != *version {
            broken.push(format!(
                "{} goes from version {} to {}",
                evidence.case_id,
                *version - 1,
                evidence.case_version
            ));
        }
    }
    for entry in promised {
        let index = usize::try_from(entry.position).unwrap_or(usize::MAX).wrapping_sub(1);
        let found = events.get(index).and_then(|event| event.evidence.as_ref());
        if !found.is_some_and(|found| found.case_id == entry.case_id && found.case_version == entry.version) {
            broken.push(format!("lost: {} version {} at position {}", entry.case_id, entry.version, entry.position));
        }
    }
    broken
}

/// Sends some acknowledged commands again: each must be answered as it was, and change nothing.
pub(crate) async fn forgotten_keys(store: &Running, promised: &[&Entry], random: &SeededEntropy) -> Vec<String> {
    let mut broken = Vec::new();
    for _ in 0..SENT_AGAIN.min(promised.len()) {
        let index = usize::try_from(random.next()).unwrap_or_default() % promised.len();
        let entry = promised[index];
        match entry.command.send(store.address).await {
            Ok(answer) if answer.replayed && answer.case_id == entry.case_id && answer.version == entry.version => {}
            other => broken.push(format!("{} version {} sent again: {other:?}", entry.case_id, entry.version)),
        }
    }
    broken
}
