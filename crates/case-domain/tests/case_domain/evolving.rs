//! From an event to the next state.

use std::collections::BTreeMap;

use case_domain::{
    AssignCase, Case, Change, ChangeCase, Command, Event, EvolveError, LinkType, Operation, StatusCategory, evolve,
};

use crate::given::{
    CLOSED, CREATED_US, Desk, NOW_US, OPEN, PAUSED, case_id, case_in, change, comment, create, link, person, reason,
    request_of, status, time, transition_to,
};

fn moved(case: &Case, to: &str) -> Event {
    Desk::new().change(case, ChangeCase { reason: Some(reason("why")), ..transition_to(to) })
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
    assert_eq!((case.links.len(), case.comment_count), (0, 0));
    assert_eq!(case.entered_by, BTreeMap::from([(status("DRAFT"), person("amira"))]));
}

#[test]
fn given_a_case_when_moved_then_it_keeps_what_the_event_does_not_name() {
    let case = case_in("SUBMITTED", OPEN);
    let expected = Case {
        version: 5,
        status: status("WAITING"),
        status_category: PAUSED,
        update_time: time(NOW_US),
        entered_by: BTreeMap::from([(status("SUBMITTED"), person("dewi")), (status("WAITING"), person("amira"))]),
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

/// The state after something other than a move.
fn changed(case: &Case, operation: Operation) -> Case {
    evolve(Some(case.clone()), &Desk::new().change(case, change(operation))).unwrap()
}

#[test]
fn given_a_case_when_moved_into_a_status_again_then_the_latest_who_did_it_counts() {
    let mut desk = Desk::new();
    let mut case = case_in("SUBMITTED", OPEN);
    for (actor, to) in [("amira", "WAITING"), ("budi", "SUBMITTED"), ("citra", "WAITING")] {
        desk.request = request_of(person(actor));
        case = evolve(Some(case.clone()), &desk.change(&case, transition_to(to))).unwrap();
    }
    let expected = [(status("SUBMITTED"), person("budi")), (status("WAITING"), person("citra"))];
    assert_eq!(case.entered_by, BTreeMap::from(expected));
}

#[test]
fn given_a_case_when_something_else_is_done_then_who_moved_it_where_stays() {
    let case = case_in("DRAFT", OPEN);
    let operations = [
        Operation::Comment(comment("c")),
        Operation::Assign(AssignCase { assignee: None, team: None }),
        Operation::Link(link("CASE-002", LinkType::Blocks)),
    ];
    for operation in operations {
        assert_eq!(changed(&case, operation).entered_by, case.entered_by);
    }
}

#[test]
fn given_comments_when_another_is_made_then_it_is_counted_and_nothing_else_changes() {
    let mut case = case_in("DRAFT", OPEN);
    case.comment_count = 7;
    let expected = Case { version: 5, update_time: time(NOW_US), comment_count: 8, ..case.clone() };
    assert_eq!(changed(&case, Operation::Comment(comment("c"))), expected);
}

#[test]
fn given_links_when_one_comes_and_one_goes_then_the_others_keep_their_order() {
    let links =
        [link("CASE-009", LinkType::Blocks), link("CASE-002", LinkType::Blocks), link("CASE-002", LinkType::RelatesTo)];
    let mut case = case_in("DRAFT", OPEN);
    for link in &links {
        case = changed(&case, Operation::Link(link.clone()));
    }
    assert_eq!(case.links, links);
    let case = changed(&case, Operation::Unlink(links[1].clone()));
    assert_eq!(case.links, [links[0].clone(), links[2].clone()]);
}

#[test]
fn given_a_closed_case_when_commented_on_then_it_keeps_its_close_time() {
    let case = changed(&case_in("CLOSED", CLOSED), Operation::Comment(comment("c")));
    assert_eq!((case.status_category, case.close_time), (CLOSED, Some(time(CREATED_US + 1))));
}
