//! Handing a case over.

use case_domain::{Action, AssignCase, Change, ChangeCase, Moved, Operation, Person, Rejection, Team};

use crate::given::{CLOSED, Desk, OPEN, case_in, change, person, reason, team};

#[expect(clippy::option_option, reason = "as in the command: unchanged, no team, a team")]
fn assign(assignee: Option<Person>, team: Option<Option<Team>>) -> ChangeCase {
    change(Operation::Assign(AssignCase { assignee, team }))
}

#[test]
fn given_somebody_when_handed_over_then_the_event_says_from_whom_to_whom_and_the_team_stays() {
    let case = case_in("DRAFT", OPEN);
    let command = ChangeCase { reason: Some(reason("holiday")), ..assign(Some(person("citra")), None) };
    let event = Desk::new().change(&case, command);
    assert_eq!((event.action, event.case_version, event.status_category), (Action::CaseAssigned, 5, OPEN));
    assert_eq!(event.reason, Some(reason("holiday")));
    assert_eq!(event.changes, [Change::Assignee(Moved { from: Some(person("budi")), to: Some(person("citra")) })]);
}

#[test]
fn given_somebody_when_taken_from_everybody_then_nobody_has_it() {
    let event = Desk::new().change(&case_in("DRAFT", OPEN), assign(None, Some(None)));
    let expected = [
        Change::Assignee(Moved { from: Some(person("budi")), to: None }),
        Change::Team(Moved { from: Some(team("claims")), to: None }),
    ];
    assert_eq!(event.changes, expected);
}

#[test]
fn given_another_team_when_handed_over_to_the_same_person_then_only_the_team_changes() {
    let event = Desk::new().change(&case_in("DRAFT", OPEN), assign(Some(person("budi")), Some(Some(team("legal")))));
    assert_eq!(event.changes, [Change::Team(Moved { from: Some(team("claims")), to: Some(team("legal")) })]);
}

#[test]
fn given_those_who_have_it_when_handed_over_to_them_then_accepted_without_an_event() {
    let desk = Desk::new();
    let case = case_in("DRAFT", OPEN);
    for kept in [None, Some(Some(team("claims")))] {
        assert_eq!(desk.ask(&case, assign(Some(person("budi")), kept)), Ok(None));
    }
    let mut nobodys = case;
    (nobodys.assignee, nobodys.team) = (None, None);
    assert_eq!(desk.ask(&nobodys, assign(None, Some(None))), Ok(None));
}

#[test]
fn given_a_closed_case_when_handed_over_then_accepted_and_it_stays_closed() {
    let event = Desk::new().change(&case_in("CLOSED", CLOSED), assign(Some(person("citra")), None));
    assert_eq!((event.action, event.status_category), (Action::CaseAssigned, CLOSED));
}

#[test]
fn given_another_version_when_handed_over_then_refused_even_where_nothing_would_change() {
    let command = ChangeCase { expected_version: Some(3), ..assign(Some(person("budi")), None) };
    let refused = Desk::new().refuse(&case_in("DRAFT", OPEN), command);
    assert!(matches!(refused, Rejection::VersionMismatch { expected: 3, current: 4, .. }));
}
