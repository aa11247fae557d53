//! Changing fields.

use case_domain::{
    Action, Change, ChangeCase, CustomFields, Edit, Moved, Operation, Priority, Rejection, Severity, Tags, evolve,
};

use crate::given::{
    CLOSED, Desk, NOW_US, OPEN, PAUSED, case_in, change, description, person, reason, status, tags, team, time, title,
};

fn update(edits: impl Into<Vec<Edit>>) -> ChangeCase {
    change(Operation::Update(edits.into()))
}

/// One edit of each field, and the change that it makes to [`case_in`]'s case.
fn every_edit() -> Vec<(Edit, Change)> {
    let fields = CustomFields::new("{\"a\":1}").unwrap();
    let set = |to| Moved { from: None, to: Some(to) };
    vec![
        (Edit::Title(title("t")), Change::Title { from: Some(title("Water damage")), to: title("t") }),
        (
            Edit::Description(Some(description("d"))),
            Change::Description(Moved { from: None, to: Some(description("d")) }),
        ),
        (Edit::Priority(Some(Priority::High)), Change::Priority(Moved { from: None, to: Some(Priority::High) })),
        (Edit::Severity(Some(Severity::Low)), Change::Severity(Moved { from: None, to: Some(Severity::Low) })),
        (
            Edit::Assignee(Some(person("citra"))),
            Change::Assignee(Moved { from: Some(person("budi")), to: Some(person("citra")) }),
        ),
        (Edit::Team(None), Change::Team(Moved { from: Some(team("claims")), to: None })),
        (Edit::Reporter(Some(person("dewi"))), Change::Reporter(set(person("dewi")))),
        (Edit::Tags(tags(&["water"])), Change::Tags(Moved { from: None, to: Some(tags(&["water"])) })),
        (Edit::CustomFields(Some(fields.clone())), Change::CustomFields(Moved { from: None, to: Some(fields) })),
        (Edit::DueTime(Some(time(9))), Change::DueTime(Moved { from: None, to: Some(time(9)) })),
    ]
}

#[test]
fn given_a_case_when_a_field_is_changed_then_the_event_says_who_when_why_and_what() {
    let desk = Desk::new();
    let case = case_in("WAITING", PAUSED);
    let command = ChangeCase { reason: Some(reason("mistyped")), ..update([Edit::Title(title("t"))]) };
    let event = desk.change(&case, command);
    assert_eq!((&event.case_id, event.case_version), (&case.id, 5));
    assert_eq!((event.action, event.time), (Action::CaseUpdated, time(NOW_US)));
    assert_eq!((&event.request, event.lifecycle_version), (&desk.request, 3));
    assert_eq!((event.status_category, &event.reason), (PAUSED, &Some(reason("mistyped"))));
    assert_eq!(event.changes, [Change::Title { from: Some(title("Water damage")), to: title("t") }]);
}

#[test]
fn given_a_case_when_every_field_is_changed_then_one_event_says_all() {
    let case = case_in("DRAFT", OPEN);
    let (edits, changes): (Vec<_>, Vec<_>) = every_edit().into_iter().unzip();
    assert_eq!(Desk::new().change(&case, update(edits)).changes, changes);
}

#[test]
fn given_a_case_when_one_field_is_changed_then_only_that_one_is() {
    let case = case_in("DRAFT", OPEN);
    for (edit, expected) in every_edit() {
        assert_eq!(Desk::new().change(&case, update([edit])).changes, [expected]);
    }
}

#[test]
fn given_fields_that_are_set_when_emptied_then_they_are_unset() {
    let mut case = case_in("DRAFT", OPEN);
    (case.description, case.tags) = (Some(description("d")), tags(&["water"]));
    let event = Desk::new().change(&case, update([Edit::Description(None), Edit::Tags(Tags::default())]));
    let expected = [
        Change::Description(Moved { from: Some(description("d")), to: None }),
        Change::Tags(Moved { from: Some(tags(&["water"])), to: None }),
    ];
    assert_eq!(event.changes, expected);
    let after = evolve(Some(case), &event).unwrap();
    assert_eq!((after.description, after.tags), (None, Tags::default()));
}

#[test]
fn given_the_same_values_when_updated_then_accepted_without_an_event() {
    let desk = Desk::new();
    // As it is: some fields set, some not.
    let bare = case_in("DRAFT", OPEN);
    let same = [Edit::Title(bare.title.clone()), Edit::Assignee(bare.assignee.clone()), Edit::Tags(Tags::default())];
    assert_eq!(desk.ask(&bare, update(same)), Ok(None));
    // Everything set: made by one update, asked for a second time.
    let (edits, _): (Vec<_>, Vec<_>) = every_edit().into_iter().unzip();
    let full = evolve(Some(bare.clone()), &desk.change(&bare, update(edits.clone()))).unwrap();
    assert_eq!(desk.ask(&full, update(edits)), Ok(None));
    assert_eq!(desk.ask(&bare, update([])), Ok(None));
}

#[test]
fn given_some_of_the_same_values_when_updated_then_only_the_others_are_told() {
    let case = case_in("DRAFT", OPEN);
    let event = Desk::new().change(&case, update([Edit::Title(case.title.clone()), Edit::Assignee(None)]));
    assert_eq!(event.changes, [Change::Assignee(Moved { from: Some(person("budi")), to: None })]);
}

#[test]
fn given_one_field_several_times_when_updated_then_the_last_holds_and_is_told_once() {
    let (desk, case) = (Desk::new(), case_in("DRAFT", OPEN));
    let edits = [Edit::Title(title("a")), Edit::Reporter(None), Edit::Title(title("b")), Edit::Title(title("c"))];
    let event = desk.change(&case, update(edits));
    assert_eq!(event.changes, [Change::Title { from: Some(title("Water damage")), to: title("c") }]);
    // There and back again is no change.
    let back = [Edit::Title(title("a")), Edit::Title(case.title.clone())];
    assert_eq!(desk.ask(&case, update(back)), Ok(None));
}

#[test]
fn given_a_closed_case_when_updated_then_refused_even_where_nothing_would_change() {
    let case = case_in("CLOSED", CLOSED);
    let closed = Rejection::CaseClosed {
        case_id: case.id.clone(),
        status: status("CLOSED"),
        allowed: vec![status("ARCHIVED"), status("SUBMITTED")],
    };
    let mut updates: Vec<_> = every_edit().into_iter().map(|(edit, _)| update([edit])).collect();
    updates.extend([update([Edit::Title(case.title.clone())]), update([])]);
    for command in updates {
        assert_eq!(Desk::new().refuse(&case, command), closed);
    }
}

#[test]
fn given_a_closed_case_at_another_version_when_updated_then_the_version_is_told_first() {
    let command = ChangeCase { expected_version: Some(9), ..update([]) };
    let refused = Desk::new().refuse(&case_in("CLOSED", CLOSED), command);
    assert!(matches!(refused, Rejection::VersionMismatch { expected: 9, current: 4, .. }));
}

#[test]
fn given_a_closed_case_when_reopened_then_it_can_be_updated() {
    let desk = Desk::new();
    let closed = case_in("CLOSED", CLOSED);
    let reopening = ChangeCase { reason: Some(reason("again")), ..crate::given::transition_to("SUBMITTED") };
    let reopened = evolve(Some(closed.clone()), &desk.change(&closed, reopening)).unwrap();
    assert_eq!(desk.change(&reopened, update([Edit::Title(title("t"))])).action, Action::CaseUpdated);
}
