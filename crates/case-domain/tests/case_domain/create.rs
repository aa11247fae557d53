//! Opening a case.

use case_domain::{
    Action, CaseDraft, Change, Command, CreateCase, CustomFields, Description, Moved, Priority, Rejection, Severity,
    Tag, Tags,
};

use crate::given::{
    CLOSED, Desk, NOW_US, OPEN, case_id, create, draft, lifecycle, person, reason, status, team, time, title,
};

fn set<T>(to: T) -> Moved<T> {
    Moved { from: None, to: Some(to) }
}

#[test]
fn given_nothing_when_created_then_the_event_says_who_when_and_what() {
    let desk = Desk::new();
    let event = desk.accept(None, Command::CreateCase(create()));
    assert_eq!(event.case_id, case_id("CASE-007"));
    assert_eq!(event.case_version, 1);
    assert_eq!(event.time, time(NOW_US));
    assert_eq!(event.action, Action::CaseCreated);
    assert_eq!(event.request, desk.request);
    assert_eq!(event.lifecycle_version, 3);
    assert_eq!(event.status_category, OPEN);
    assert_eq!(event.reason, None);
    let changes =
        [Change::Status { from: None, to: status("DRAFT") }, Change::Title { from: None, to: title("Water damage") }];
    assert_eq!(event.changes, changes);
}

#[test]
fn given_a_draft_with_everything_when_created_then_every_field_is_told_once() {
    let tags = Tags::new([Tag::new("water").unwrap()]).unwrap();
    let draft = CaseDraft {
        title: title("t"),
        description: Some(Description::new("d").unwrap()),
        priority: Some(Priority::High),
        severity: Some(Severity::Low),
        assignee: Some(person("budi")),
        team: Some(team("claims")),
        reporter: Some(person("citra")),
        tags: tags.clone(),
        custom_fields: Some(CustomFields::new("{\"a\":1}").unwrap()),
        due_time: Some(time(9)),
    };
    let command = CreateCase { draft, reason: Some(reason("by telephone")), ..create() };
    let event = Desk::new().accept(None, Command::CreateCase(command));
    assert_eq!(event.reason, Some(reason("by telephone")));
    let expected = [
        Change::Description(set(Description::new("d").unwrap())),
        Change::Priority(set(Priority::High)),
        Change::Severity(set(Severity::Low)),
        Change::Assignee(set(person("budi"))),
        Change::Team(set(team("claims"))),
        Change::Reporter(set(person("citra"))),
        Change::Tags(set(tags)),
        Change::CustomFields(set(CustomFields::new("{\"a\":1}").unwrap())),
        Change::DueTime(set(time(9))),
    ];
    assert_eq!(event.changes[2..], expected);
}

#[test]
fn given_another_initial_status_when_created_there_then_it_begins_there() {
    let command = CreateCase { initial_status: Some(status("CLOSED")), ..create() };
    let event = Desk::new().accept(None, Command::CreateCase(command));
    assert_eq!(event.status_category, CLOSED);
    let begins = Change::Status { from: None, to: status("CLOSED") };
    assert_eq!(event.changes[0], begins);
}

#[test]
fn given_a_status_that_is_not_initial_when_created_there_then_refused_with_those_that_are() {
    // One that the lifecycle has, and one that it does not have.
    for name in ["WAITING", "NOWHERE"] {
        let command = CreateCase { initial_status: Some(status(name)), ..create() };
        let rejection =
            Rejection::NotAnInitialStatus { status: status(name), allowed: vec![status("DRAFT"), status("CLOSED")] };
        assert_eq!(Desk::new().decide(None, Command::CreateCase(command)), Err(rejection));
    }
}

#[test]
fn the_first_initial_status_is_the_default_wherever_it_is_defined() {
    let statuses = [("A", OPEN), ("B", OPEN)];
    let desk = Desk::with(lifecycle(&statuses, &["B", "A"], &[]).unwrap());
    let event = desk.accept(None, Command::CreateCase(CreateCase { draft: draft(), ..create() }));
    let begins = Change::Status { from: None, to: status("B") };
    assert_eq!(event.changes[0], begins);
}
