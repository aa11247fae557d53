//! What clients were promised, and how to find out whether it was kept.

use std::collections::BTreeMap;

use case_api::pb::{AuditEvent, Case};

/// What the clients know: each acknowledged case with its acknowledged version.
pub(crate) type Ledger = BTreeMap<String, u64>;

/// Everything in which read model and audit log differ from what was acknowledged.
pub(crate) fn broken_promises(ledger: &Ledger, cases: &[Case], events: &[AuditEvent]) -> Vec<String> {
    let mut broken = Vec::new();
    let read: BTreeMap<_, _> = cases.iter().map(|case| (case.case_id.clone(), case.version)).collect();
    if read != *ledger {
        broken.push(format!("the read model has {} cases, the ledger {}", read.len(), ledger.len()));
    }
    if read.len() != cases.len() {
        broken.push("a case is listed twice".to_owned());
    }
    let indexes: Vec<_> = events.iter().map(|event| event.index).collect();
    let contiguous: Vec<_> = (0..).take(events.len()).map(Some).collect();
    if indexes != contiguous {
        broken.push("the audit log has a gap or a repeat".to_owned());
    }
    let mut versions: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for event in events {
        versions.entry(event.case_id.clone()).or_default().push(event.case_version);
    }
    let promised: BTreeMap<_, Vec<u64>> =
        ledger.iter().map(|(id, version)| (id.clone(), (1..=*version).collect())).collect();
    if versions != promised {
        broken.push("an event is missing from the audit log, or there twice".to_owned());
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> (Ledger, Vec<Case>, Vec<AuditEvent>) {
        let ledger = Ledger::from([("CASE-001".to_owned(), 2)]);
        let case = Case { case_id: "CASE-001".to_owned(), version: 2, ..Case::default() };
        let event = |index: u64| AuditEvent {
            index: Some(index),
            case_id: "CASE-001".to_owned(),
            case_version: index + 1,
            ..AuditEvent::default()
        };
        (ledger, vec![case], vec![event(0), event(1)])
    }

    #[test]
    fn kept_promises_are_found_kept() {
        let (ledger, cases, events) = told();
        assert!(broken_promises(&ledger, &cases, &events).is_empty());
    }

    #[test]
    fn a_lost_case_a_lost_event_and_a_doubled_event_are_found() {
        let (ledger, cases, events) = told();
        assert_eq!(broken_promises(&ledger, &[], &events).len(), 1);
        assert_eq!(broken_promises(&ledger, &cases, &events[..1]).len(), 1);
        let doubled = [events.clone(), events.clone()].concat();
        assert_eq!(broken_promises(&ledger, &cases, &doubled).len(), 2);
        let older = Case { version: 1, ..cases[0].clone() };
        assert_eq!(broken_promises(&ledger, &[older], &events).len(), 1);
    }
}
