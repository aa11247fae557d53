//! The rules once more, written so that a decision can be held against them.

use case_domain::{Action, Case, Change, Command, Event, Lifecycle, Rejection};

/// What is wrong with an accepted event under the lifecycle that it was decided under.
pub(crate) fn stray(lifecycle: &Lifecycle, event: &Event) -> Option<String> {
    let moves: Vec<_> = event
        .changes
        .iter()
        .filter_map(|change| if let Change::Status { from, to } = change { Some((from, to)) } else { None })
        .collect();
    let [(from, to)] = moves[..] else {
        return Some(format!("{} status changes", moves.len()));
    };
    let allowed = match (event.action, from) {
        (Action::CaseCreated, None) => lifecycle.initial().contains(to),
        (Action::CaseTransitioned, Some(from)) => lifecycle.transitions().iter().any(|edge| {
            let joined = edge.from == *from && edge.to == *to;
            joined && (event.reason.is_some() || !edge.requires_reason)
        }),
        (Action::CaseCreated, Some(_)) | (Action::CaseTransitioned, None) => false,
    };
    let defined = lifecycle.statuses().iter().find(|definition| definition.name == *to);
    let category = defined.map(|definition| definition.category);
    if !allowed {
        Some(format!("{from:?} -> {to} is not in the lifecycle"))
    } else if category != Some(event.status_category) {
        Some(format!("{to} is not {:?}", event.status_category))
    } else {
        None
    }
}

/// What becomes of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Accepted,
    NothingToDo,
    NotFound,
    WrongVersion,
    NotInitial,
    NotAllowed,
    NoReason,
}

/// What a decision came to.
pub(crate) fn verdict(outcome: &Result<Option<Event>, Rejection>) -> Verdict {
    match outcome {
        Ok(Some(_)) => Verdict::Accepted,
        Ok(None) => Verdict::NothingToDo,
        Err(Rejection::CaseNotFound { .. }) => Verdict::NotFound,
        Err(Rejection::VersionMismatch { .. }) => Verdict::WrongVersion,
        Err(Rejection::NotAnInitialStatus { .. }) => Verdict::NotInitial,
        Err(Rejection::TransitionNotAllowed { .. }) => Verdict::NotAllowed,
        Err(Rejection::ReasonRequired { .. }) => Verdict::NoReason,
    }
}

/// What it must come to: the first check that fails, in the order of the API.
pub(crate) fn due(lifecycle: &Lifecycle, before: Option<&Case>, command: &Command) -> Verdict {
    match (command, before) {
        (Command::CreateCase(command), _) => match &command.initial_status {
            Some(status) if !lifecycle.initial().contains(status) => Verdict::NotInitial,
            Some(_) | None => Verdict::Accepted,
        },
        (Command::TransitionCase(_), None) => Verdict::NotFound,
        (Command::TransitionCase(command), Some(case)) => {
            let mut edges = lifecycle.transitions().iter();
            let edge = edges.find(|edge| edge.from == case.status && edge.to == command.to_status);
            if command.expected_version.is_some_and(|version| version != case.version) {
                Verdict::WrongVersion
            } else if edge.is_none() {
                Verdict::NotAllowed
            } else if command.reason.is_none() && edge.is_some_and(|edge| edge.requires_reason) {
                Verdict::NoReason
            } else {
                Verdict::Accepted
            }
        }
    }
}

/// The controls: an event that breaks a rule is noticed.
mod controls {
    use super::*;
    use crate::given::{Desk, OPEN, PAUSED, case_in, reason, status, transition_to};

    fn closing() -> Event {
        let mut command = transition_to("CLOSED");
        command.reason = Some(reason("done"));
        Desk::new().accept(Some(&case_in("DRAFT", OPEN)), Command::TransitionCase(command))
    }

    fn strays(break_rule: impl Fn(&mut Event)) -> bool {
        let mut event = closing();
        break_rule(&mut event);
        stray(&Desk::new().lifecycle, &event).is_some()
    }

    #[test]
    fn an_event_outside_the_lifecycle_is_noticed() {
        let to = |name: &str| Change::Status { from: Some(status("DRAFT")), to: status(name) };
        assert!(!strays(|_| {}));
        assert!(strays(|event| event.changes[0] = to("WAITING")));
        assert!(strays(|event| event.changes[0] = to("NOWHERE")));
        assert!(strays(|event| event.changes.push(to("CLOSED"))));
        assert!(strays(|event| event.changes.clear()));
        assert!(strays(|event| event.reason = None));
        assert!(strays(|event| event.status_category = PAUSED));
        assert!(strays(|event| event.action = Action::CaseCreated));
    }

    #[test]
    fn a_beginning_outside_the_lifecycle_is_noticed() {
        let begins = |name: &str| {
            strays(|event| {
                event.action = Action::CaseCreated;
                event.status_category = OPEN;
                event.changes[0] = Change::Status { from: None, to: status(name) };
            })
        };
        assert!(!begins("DRAFT"));
        assert!(begins("SUBMITTED"));
    }
}
