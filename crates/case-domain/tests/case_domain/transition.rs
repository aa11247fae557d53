//! Moving a case.

use case_domain::{Action, Change, ChangeCase, Command, Moved, Operation, Rejection, Requirement, TransitionCase};

use crate::given::{
    CLOSED, Desk, NOW_US, OPEN, PAUSED, case_id, case_in, change, move_to, person, reason, status, team, time,
    transition_to,
};

fn status_change(from: &str, to: &str) -> Change {
    Change::Status { from: Some(status(from)), to: status(to) }
}

#[test]
fn given_a_case_when_moved_along_an_edge_then_the_event_says_who_when_and_what() {
    let desk = Desk::new();
    let case = case_in("SUBMITTED", OPEN);
    let event = desk.change(&case, transition_to("WAITING"));
    assert_eq!(event.case_id, case.id);
    assert_eq!(event.case_version, 5);
    assert_eq!(event.time, time(NOW_US));
    assert_eq!(event.action, Action::CaseTransitioned);
    assert_eq!(event.request, desk.request);
    assert_eq!(event.lifecycle_version, 3);
    assert_eq!(event.status_category, PAUSED);
    assert_eq!(event.reason, None);
    assert_eq!(event.changes, [status_change("SUBMITTED", "WAITING")]);
}

#[test]
fn given_no_case_when_moved_then_it_is_not_found() {
    let rejection = Rejection::CaseNotFound { case_id: case_id("CASE-001") };
    let command = Command::Change(transition_to("SUBMITTED"));
    assert_eq!(Desk::new().decide(None, command), Err(rejection));
}

#[test]
fn given_another_case_s_state_when_moved_then_it_is_not_found() {
    let mut other = case_in("DRAFT", OPEN);
    other.id = case_id("CASE-002");
    let rejection = Rejection::CaseNotFound { case_id: case_id("CASE-001") };
    let command = Command::Change(transition_to("SUBMITTED"));
    assert_eq!(Desk::new().decide(Some(&other), command), Err(rejection));
}

#[test]
fn given_the_expected_version_when_moved_then_accepted() {
    let command = ChangeCase { expected_version: Some(4), ..transition_to("SUBMITTED") };
    let case = case_in("DRAFT", OPEN);
    let event = Desk::new().change(&case, command);
    assert_eq!(event.case_version, 5);
}

#[test]
fn given_no_edge_when_moved_then_refused_with_those_there_are_in_their_order() {
    let case = case_in("SUBMITTED", OPEN);
    // No edge; the status where it stands; a status that the lifecycle does not have.
    for to in ["ARCHIVED", "SUBMITTED", "NOWHERE"] {
        let rejection = Rejection::TransitionNotAllowed {
            case_id: case.id.clone(),
            from: status("SUBMITTED"),
            to: status(to),
            allowed: vec![status("WAITING"), status("CLOSED")],
        };
        let decided = Desk::new().ask(&case, transition_to(to));
        assert_eq!(decided, Err(rejection));
    }
}

#[test]
fn given_a_status_that_the_lifecycle_no_longer_has_when_moved_then_refused_and_nothing_is_allowed() {
    let case = case_in("FORGOTTEN", OPEN);
    let rejection = Rejection::TransitionNotAllowed {
        case_id: case.id.clone(),
        from: status("FORGOTTEN"),
        to: status("DRAFT"),
        allowed: vec![],
    };
    let decided = Desk::new().ask(&case, transition_to("DRAFT"));
    assert_eq!(decided, Err(rejection));
}

#[test]
fn given_an_edge_that_requires_a_reason_when_moved_without_then_refused_and_with_one_it_is_kept() {
    let case = case_in("DRAFT", OPEN);
    let rejection = Rejection::RequirementsNotMet {
        case_id: case.id.clone(),
        from: status("DRAFT"),
        to: status("CLOSED"),
        missing: vec![Requirement::Reason],
    };
    let decided = Desk::new().ask(&case, transition_to("CLOSED"));
    assert_eq!(decided, Err(rejection));
    let command = ChangeCase { reason: Some(reason("duplicate")), ..transition_to("CLOSED") };
    let event = Desk::new().change(&case, command);
    assert_eq!(event.reason, Some(reason("duplicate")));
    assert_eq!(event.status_category, CLOSED);
}

#[test]
fn given_an_edge_that_requires_no_reason_when_one_is_given_then_it_is_kept() {
    let command = ChangeCase { reason: Some(reason("complete")), ..transition_to("SUBMITTED") };
    let event = Desk::new().change(&case_in("DRAFT", OPEN), command);
    assert_eq!(event.reason, Some(reason("complete")));
}

#[test]
fn given_several_faults_when_moved_then_the_first_check_speaks() {
    let desk = Desk::new();
    // Existence, version, lifecycle and requirements all fail; one after the other is put right.
    let mut command = ChangeCase { expected_version: Some(9), ..transition_to("WAITING") };
    let case = case_in("DRAFT", OPEN);
    let refused = |state, command: &ChangeCase| desk.decide(state, Command::Change(command.clone())).unwrap_err();
    assert!(matches!(refused(None, &command), Rejection::CaseNotFound { .. }));
    let mismatch = Rejection::VersionMismatch { case_id: case.id.clone(), expected: 9, current: 4 };
    assert_eq!(refused(Some(&case), &command), mismatch);
    command.expected_version = Some(4);
    assert!(matches!(refused(Some(&case), &command), Rejection::TransitionNotAllowed { .. }));
    command.operation = Operation::Transition(move_to("CLOSED"));
    assert!(matches!(refused(Some(&case), &command), Rejection::RequirementsNotMet { .. }));
    command.reason = Some(reason("why"));
    assert!(matches!(desk.ask(&case, command), Ok(Some(_))));
}

#[test]
fn given_a_hand_over_when_moved_then_one_event_says_both() {
    let command = change(Operation::Transition(TransitionCase {
        assignee: Some(Some(person("citra"))),
        team: Some(None),
        ..move_to("SUBMITTED")
    }));
    let event = Desk::new().change(&case_in("DRAFT", OPEN), command);
    let expected = [
        status_change("DRAFT", "SUBMITTED"),
        Change::Assignee(Moved { from: Some(person("budi")), to: Some(person("citra")) }),
        Change::Team(Moved { from: Some(team("claims")), to: None }),
    ];
    assert_eq!(event.changes, expected);
}

#[test]
fn given_a_hand_over_to_those_who_have_it_when_moved_then_only_the_status_changes() {
    let command = change(Operation::Transition(TransitionCase {
        assignee: Some(Some(person("budi"))),
        team: Some(Some(team("claims"))),
        ..move_to("SUBMITTED")
    }));
    let event = Desk::new().change(&case_in("DRAFT", OPEN), command);
    assert_eq!(event.changes, [status_change("DRAFT", "SUBMITTED")]);
}

#[test]
fn given_nobody_when_taken_from_nobody_then_only_the_status_changes() {
    let mut case = case_in("DRAFT", OPEN);
    (case.assignee, case.team) = (None, None);
    let command = change(Operation::Transition(TransitionCase {
        assignee: Some(None),
        team: Some(None),
        ..move_to("SUBMITTED")
    }));
    let event = Desk::new().change(&case, command);
    assert_eq!(event.changes, [status_change("DRAFT", "SUBMITTED")]);
}
