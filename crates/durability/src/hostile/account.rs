//! Whether the history has exactly the events that accepted inputs account for.

use std::collections::BTreeMap;

use case_api::event_pb::{Evidence, RecordedEvent};

use super::tally::Told;

/// What does not fit.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// Accepted commands whose version is not there, or was not by the time of their answer.
    pub(super) lost: usize,
    /// Events beyond one for each request: an input may have been given the id of another one, so they are counted by id.
    pub(super) doubled: usize,
    /// Events of requests that were refused, or that nobody has sent.
    pub(super) unaccounted: usize,
    /// Positions or versions with a gap or a repeat.
    pub(super) disordered: usize,
}

/// Compares a history with what callers were told, `unsure` being the requests that may have been carried out or not.
pub(super) fn account(events: &[RecordedEvent], told: &[Told], unsure: &[String]) -> Account {
    let evidence: Vec<Evidence> = events.iter().map(|event| event.evidence.clone().unwrap_or_default()).collect();
    let places = evidence.iter().map(|event| ((event.case_id.as_str(), event.case_version), event)).collect();
    let lost = told.iter().filter(|told| is_lost(told, &places)).count();
    let mut account = Account { lost, ..Account::default() };
    let mut requests = BTreeMap::<&str, usize>::new();
    for id in told.iter().map(|told| &told.request_id).chain(unsure) {
        *requests.entry(id).or_default() += 1;
    }
    let mut versions = BTreeMap::<&str, u64>::new();
    for (event, position) in evidence.iter().zip(1..) {
        match requests.get_mut(event.request_id.as_str()) {
            None => account.unaccounted += 1,
            Some(0) => account.doubled += 1,
            Some(left) => *left -= 1,
        }
        let version = versions.entry(&event.case_id).or_default();
        *version += 1;
        account.disordered += usize::from(event.position != position || event.case_version != *version);
    }
    account
}

/// Where the history has each version of each case.
type Places<'a> = BTreeMap<(&'a str, u64), &'a Evidence>;

/// The version that was told must be there, made by then; and made just then if this very request has made it. One that had
/// nothing to change is told the version and the position that there were.
fn is_lost(told: &Told, places: &Places<'_>) -> bool {
    let made = places.get(&(told.case_id.as_str(), told.version));
    !made.is_some_and(|event| {
        event.position == told.position || (event.position < told.position && event.request_id != told.request_id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(position: u64, request_id: &str) -> RecordedEvent {
        let evidence = Evidence {
            position,
            case_id: "CASE-001".to_owned(),
            case_version: position,
            request_id: request_id.to_owned(),
            ..Evidence::default()
        };
        RecordedEvent { evidence: Some(evidence), content: None }
    }

    fn told(position: u64, request_id: &str) -> Told {
        Told { request_id: request_id.to_owned(), case_id: "CASE-001".to_owned(), version: position, position }
    }

    #[test]
    fn a_history_of_what_was_told_and_of_what_may_have_been_balances() {
        let events = [event(1, "a"), event(2, "b")];
        // The last one had nothing to change at the first version, though another case had moved on.
        let unchanged = Told { version: 1, ..told(2, "c") };
        assert_eq!(account(&events, &[told(1, "a"), unchanged], &["b".to_owned()]), Account::default());
    }

    #[test]
    fn two_inputs_under_one_id_may_have_an_event_each_and_no_more() {
        let both = [told(1, "a"), told(2, "a")];
        assert_eq!(account(&[event(1, "a"), event(2, "a")], &both, &[]), Account::default());
        let third = [event(1, "a"), event(2, "a"), event(3, "a")];
        assert_eq!(account(&third, &both, &[]).doubled, 1);
    }

    #[test]
    fn each_thing_that_does_not_fit_is_found() {
        let both = [told(1, "a"), told(2, "b")];
        assert_eq!(account(&[event(1, "a")], &both, &[]), Account { lost: 1, ..Account::default() });
        let later = [told(2, "a"), Told { position: 1, ..told(2, "b") }];
        assert_eq!(account(&[event(1, "a"), event(2, "b")], &later, &["a".to_owned()]).lost, 1);
        let again = [event(1, "a"), event(2, "b"), event(3, "b")];
        assert_eq!(account(&again, &both, &[]), Account { doubled: 1, ..Account::default() });
        let unknown = [event(1, "a"), event(2, "b"), event(3, "c")];
        assert_eq!(account(&unknown, &both, &[]), Account { unaccounted: 1, ..Account::default() });
        let gap = [event(1, "a"), event(3, "b")];
        assert_eq!(account(&gap, &both[..1], &["b".to_owned()]), Account { disordered: 1, ..Account::default() });
    }
}
