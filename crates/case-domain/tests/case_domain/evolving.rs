//! From an event to the next state.

use case_domain::{Case, Change, Command, Event, EvolveError, StatusCategory, TransitionCase, evolve};

use crate::given::{
    CLOSED, CREATED_US, Desk, NOW_US, OPEN, PAUSED, case_id, case_in, create, person, reason, status, time,
    transition_to,
};

fn moved(case: &Case, to: &str) -> Event {
    let command = TransitionCase { reason: Some(reason("why")), ..transition_to(to) };
    Desk::new().accept(Some(case), Command::TransitionCase(command))
}

fn created() -> Event {
    Desk::new().accept(None, Command::CreateCase(create()))
}

/// The state after a move.
fn after(case: &Case, to: &str) -> Case {
    evolve(Some(case.clone()), &moved(case, to)).unwrap()
}

#[test]
fn given_nothing_when_created_then_the_case_is_new() {
    let case = evolve(None, &created()).unwrap();
    assert_eq!((case.version, case.status.as_str()), (1, "DRAFT"));
    assert_eq!((case.create_time, case.update_time), (time(NOW_US), time(NOW_US)));
    assert_eq!(case.close_time, None);
}

#[test]
fn given_a_case_when_moved_then_it_keeps_what_the_event_does_not_name() {
    let case = case_in("SUBMITTED", OPEN);
    let expected = Case {
        version: 5,
        status: status("WAITING"),
        status_category: PAUSED,
        update_time: time(NOW_US),
        ..case.clone()
    };
    assert_eq!(after(&case, "WAITING"), expected);
}

#[test]
fn given_an_open_case_when_closed_then_its_close_time_is_the_event_s() {
    let case = after(&case_in("SUBMITTED", OPEN), "CLOSED");
    assert_eq!((case.status_category, case.close_time), (CLOSED, Some(time(NOW_US))));
}

#[test]
fn given_a_closed_case_when_moved_to_another_closed_status_then_it_keeps_its_close_time() {
    let case = after(&case_in("CLOSED", CLOSED), "ARCHIVED");
    assert_eq!((case.status_category, case.close_time), (CLOSED, Some(time(CREATED_US + 1))));
}

#[test]
fn given_a_closed_case_when_reopened_then_it_has_no_close_time() {
    let case = after(&case_in("CLOSED", CLOSED), "SUBMITTED");
    assert_eq!((case.status_category, case.close_time), (OPEN, None));
}

#[test]
fn given_a_reopened_case_when_closed_again_then_its_close_time_is_the_second() {
    let reopened = after(&case_in("CLOSED", CLOSED), "SUBMITTED");
    let mut closing = moved(&reopened, "CLOSED");
    closing.time = time(NOW_US + 1);
    let case = evolve(Some(reopened), &closing).unwrap();
    assert_eq!(case.close_time, Some(time(NOW_US + 1)));
}

#[test]
fn given_a_closed_initial_status_when_created_there_then_the_close_time_is_that_of_creation() {
    let mut command = create();
    command.initial_status = Some(status("CLOSED"));
    let event = Desk::new().accept(None, Command::CreateCase(command));
    let case = evolve(None, &event).unwrap();
    assert_eq!((case.status_category, case.close_time), (CLOSED, Some(time(NOW_US))));
}

#[test]
fn the_category_is_the_event_s_not_that_of_a_later_lifecycle() {
    let case = case_in("SUBMITTED", OPEN);
    let mut event = moved(&case, "WAITING");
    event.status_category = StatusCategory::Closed;
    assert_eq!(evolve(Some(case), &event).unwrap().status_category, CLOSED);
}

#[test]
fn given_a_case_when_the_event_is_not_its_next_then_there_is_a_gap() {
    let case = case_in("SUBMITTED", OPEN);
    let mut event = moved(&case, "WAITING");
    for version in [0, 4, 6, u64::MAX] {
        event.case_version = version;
        let gap = EvolveError::VersionGap { case_id: case.id.clone(), current: 4, event: version };
        assert_eq!(evolve(Some(case.clone()), &event), Err(gap));
    }
}

#[test]
fn given_the_last_version_that_can_be_counted_when_any_event_comes_then_there_is_a_gap() {
    let mut case = case_in("SUBMITTED", OPEN);
    let mut event = moved(&case, "WAITING");
    case.version = u64::MAX;
    event.case_version = 0;
    assert!(matches!(evolve(Some(case), &event), Err(EvolveError::VersionGap { .. })));
}

#[test]
fn given_nothing_when_the_first_event_is_not_version_one_then_there_is_a_gap() {
    let mut event = created();
    event.case_version = 2;
    let gap = EvolveError::VersionGap { case_id: event.case_id.clone(), current: 0, event: 2 };
    assert_eq!(evolve(None, &event), Err(gap));
}

#[test]
fn given_a_case_when_the_event_is_another_s_then_it_is_refused() {
    let case = case_in("SUBMITTED", OPEN);
    let mut event = moved(&case, "WAITING");
    event.case_id = case_id("CASE-002");
    let other = EvolveError::OtherCase { case_id: case.id.clone(), event: event.case_id.clone() };
    assert_eq!(evolve(Some(case), &event), Err(other));
}

#[test]
fn given_nothing_when_the_first_event_moves_then_the_case_was_not_created() {
    let mut event = moved(&case_in("SUBMITTED", OPEN), "WAITING");
    event.case_version = 1;
    assert!(matches!(evolve(None, &event), Err(EvolveError::NotCreated { .. })));
}

#[test]
fn given_a_case_when_created_again_then_it_is_refused() {
    let case = case_in("SUBMITTED", OPEN);
    let mut event = created();
    (event.case_id, event.case_version) = (case.id.clone(), 5);
    assert!(matches!(evolve(Some(case), &event), Err(EvolveError::NotCreated { .. })));
}

#[test]
fn given_nothing_when_created_without_status_or_title_then_it_is_refused() {
    for index in [0, 1] {
        let mut event = created();
        event.changes.remove(index);
        assert!(matches!(evolve(None, &event), Err(EvolveError::NotCreated { .. })));
    }
}

#[test]
fn given_a_hand_over_to_nobody_when_evolved_then_nobody_has_it() {
    let case = case_in("DRAFT", OPEN);
    let mut event = moved(&case, "SUBMITTED");
    event.changes.push(Change::Assignee(case_domain::Moved { from: Some(person("budi")), to: None }));
    assert_eq!(evolve(Some(case), &event).unwrap().assignee, None);
}
