//! What a move can require: a reason, fields, another actor.

use case_domain::{
    Case, ChangeCase, CustomFields, Operation, Priority, Rejection, RequiredField, Requirement, Severity, Tags,
    Transition, TransitionCase, evolve,
};

use crate::given::{
    CLOSED, Desk, OPEN, case_in, change, description, edge, guarded, move_to, person, reason, request_of, status, tags,
    team, time, transition_to,
};

/// SUBMITTED -> APPROVED requires the given; everything else requires nothing.
fn approval(required_fields: &[RequiredField], other_actor_than: Option<&str>, requires_reason: bool) -> Desk {
    let statuses = [("DRAFT", OPEN), ("SUBMITTED", OPEN), ("APPROVED", OPEN), ("CLOSED", CLOSED)];
    let guard = Transition {
        required_fields: required_fields.to_vec(),
        other_actor_than: other_actor_than.map(status),
        ..edge(("SUBMITTED", "APPROVED", requires_reason))
    };
    let mut transitions = vec![guard];
    let free = [("DRAFT", "SUBMITTED"), ("SUBMITTED", "DRAFT"), ("APPROVED", "CLOSED"), ("CLOSED", "SUBMITTED")];
    transitions.extend(free.map(|(from, to)| edge((from, to, false))));
    Desk::with(guarded(&statuses, &["DRAFT"], transitions).unwrap())
}

/// Four eyes: whoever submitted it does not approve it.
fn four_eyes() -> Desk {
    approval(&[], Some("SUBMITTED"), false)
}

fn missing(desk: &Desk, case: &Case, command: ChangeCase) -> Vec<Requirement> {
    let refused = desk.refuse(case, command);
    let Rejection::RequirementsNotMet { case_id, from, to, missing } = refused else { panic!("{refused:?}") };
    assert_eq!((case_id, from, to), (case.id.clone(), status("SUBMITTED"), status("APPROVED")));
    missing
}

/// The case after each of these actors has moved it.
fn moved(desk: &mut Desk, case: Case, moves: &[(&str, &str)]) -> Case {
    moves.iter().fold(case, |case, (actor, to)| {
        desk.request = request_of(person(actor));
        let event = desk.change(&case, transition_to(to));
        evolve(Some(case), &event).unwrap()
    })
}

/// A case that amira has submitted.
fn submitted(desk: &mut Desk) -> Case {
    moved(desk, case_in("DRAFT", OPEN), &[("amira", "SUBMITTED")])
}

fn another_than(actor: &str) -> Vec<Requirement> {
    vec![Requirement::OtherActor { entered: status("SUBMITTED"), actor: person(actor) }]
}

/// A case where every field that can be required is set.
fn full() -> Case {
    Case {
        description: Some(description("d")),
        priority: Some(Priority::Low),
        severity: Some(Severity::Low),
        reporter: Some(person("dewi")),
        tags: tags(&["water"]),
        custom_fields: Some(CustomFields::new("{\"a\":1}").unwrap()),
        due_time: Some(time(9)),
        ..case_in("SUBMITTED", OPEN)
    }
}

/// The case without a field.
fn without(mut case: Case, field: RequiredField) -> Case {
    match field {
        RequiredField::Description => case.description = None,
        RequiredField::Priority => case.priority = None,
        RequiredField::Severity => case.severity = None,
        RequiredField::Assignee => case.assignee = None,
        RequiredField::Team => case.team = None,
        RequiredField::Reporter => case.reporter = None,
        RequiredField::Tags => case.tags = Tags::default(),
        RequiredField::CustomFields => case.custom_fields = None,
        RequiredField::DueTime => case.due_time = None,
    }
    case
}

#[test]
fn given_every_field_but_one_when_moved_then_that_one_is_missing() {
    let desk = approval(&RequiredField::ALL, None, false);
    for field in RequiredField::ALL {
        let lacking = without(full(), field);
        assert_eq!(missing(&desk, &lacking, transition_to("APPROVED")), [Requirement::Field(field)]);
    }
    assert!(matches!(desk.ask(&full(), transition_to("APPROVED")), Ok(Some(_))));
}

#[test]
fn given_a_field_that_is_not_required_when_it_is_not_set_then_moved() {
    for field in RequiredField::ALL {
        let others: Vec<_> = RequiredField::ALL.into_iter().filter(|other| *other != field).collect();
        let lacking = without(full(), field);
        assert!(matches!(approval(&others, None, false).ask(&lacking, transition_to("APPROVED")), Ok(Some(_))));
    }
}

#[test]
fn given_nothing_that_is_required_when_moved_then_all_is_told_at_once_in_the_lifecycle_s_order() {
    let mut desk = approval(&[RequiredField::DueTime, RequiredField::Description], Some("SUBMITTED"), true);
    let case = submitted(&mut desk);
    let expected = [
        Requirement::Reason,
        Requirement::Field(RequiredField::DueTime),
        Requirement::Field(RequiredField::Description),
        Requirement::OtherActor { entered: status("SUBMITTED"), actor: person("amira") },
    ];
    assert_eq!(missing(&desk, &case, transition_to("APPROVED")), expected);
    // A reason alone takes away one of them.
    let command = ChangeCase { reason: Some(reason("why")), ..transition_to("APPROVED") };
    assert_eq!(missing(&desk, &case, command), expected[1..]);
}

#[test]
fn given_nobody_when_moved_with_a_hand_over_then_it_counts() {
    let desk = approval(&[RequiredField::Assignee, RequiredField::Team], None, false);
    let nobodys = without(without(full(), RequiredField::Assignee), RequiredField::Team);
    let fields = [Requirement::Field(RequiredField::Assignee), Requirement::Field(RequiredField::Team)];
    assert_eq!(missing(&desk, &nobodys, transition_to("APPROVED")), fields);
    let mut to = TransitionCase { assignee: Some(Some(person("citra"))), ..move_to("APPROVED") };
    assert_eq!(missing(&desk, &nobodys, change(Operation::Transition(to.clone()))), fields[1..]);
    to.team = Some(Some(team("legal")));
    assert_eq!(desk.change(&nobodys, change(Operation::Transition(to))).changes.len(), 3);
}

#[test]
fn given_somebody_when_moved_and_taken_from_them_then_the_field_is_missing() {
    let desk = approval(&[RequiredField::Assignee], None, false);
    let to = TransitionCase { assignee: Some(None), ..move_to("APPROVED") };
    let expected = [Requirement::Field(RequiredField::Assignee)];
    assert_eq!(missing(&desk, &full(), change(Operation::Transition(to))), expected);
}

#[test]
fn given_who_submitted_it_when_they_approve_then_refused_and_another_may() {
    let mut desk = four_eyes();
    let case = submitted(&mut desk);
    assert_eq!(missing(&desk, &case, transition_to("APPROVED")), another_than("amira"));
    desk.request = request_of(person("budi"));
    assert!(matches!(desk.ask(&case, transition_to("APPROVED")), Ok(Some(_))));
}

#[test]
fn given_a_hand_over_to_another_when_they_approve_their_own_then_refused_all_the_same() {
    let mut desk = four_eyes();
    let case = submitted(&mut desk);
    let to = TransitionCase { assignee: Some(Some(person("citra"))), ..move_to("APPROVED") };
    assert_eq!(missing(&desk, &case, change(Operation::Transition(to))), another_than("amira"));
}

#[test]
fn given_a_case_that_another_submitted_again_when_approved_then_the_latest_submission_counts() {
    let mut desk = four_eyes();
    let case = submitted(&mut desk);
    let case = moved(&mut desk, case, &[("amira", "DRAFT"), ("budi", "SUBMITTED")]);
    assert_eq!(missing(&desk, &case, transition_to("APPROVED")), another_than("budi"));
    desk.request = request_of(person("amira"));
    assert!(matches!(desk.ask(&case, transition_to("APPROVED")), Ok(Some(_))));
}

#[test]
fn given_a_case_that_was_never_there_when_moved_then_anybody_may() {
    // It stands in SUBMITTED, but nobody has ever approved it.
    let desk = approval(&[], Some("CLOSED"), false);
    assert!(matches!(desk.ask(&case_in("SUBMITTED", OPEN), transition_to("APPROVED")), Ok(Some(_))));
}

#[test]
fn given_a_case_that_begins_there_when_moved_then_who_created_it_is_who_brought_it_there() {
    let statuses = [("SUBMITTED", OPEN), ("APPROVED", OPEN)];
    let guard = Transition { other_actor_than: Some(status("SUBMITTED")), ..edge(("SUBMITTED", "APPROVED", false)) };
    let mut desk = Desk::with(guarded(&statuses, &["SUBMITTED"], vec![guard]).unwrap());
    let mut created = desk.accept(None, case_domain::Command::CreateCase(crate::given::create()));
    created.case_id = crate::given::case_id("CASE-001");
    let case = evolve(None, &created).unwrap();
    assert_eq!(missing(&desk, &case, transition_to("APPROVED")), another_than("amira"));
    desk.request = request_of(person("budi"));
    assert!(matches!(desk.ask(&case, transition_to("APPROVED")), Ok(Some(_))));
}

#[test]
fn given_a_reopened_case_when_approved_then_who_reopened_it_into_review_is_who_counts() {
    let mut desk = four_eyes();
    let case = submitted(&mut desk);
    let round = [("budi", "APPROVED"), ("budi", "CLOSED"), ("citra", "SUBMITTED")];
    let case = moved(&mut desk, case, &round);
    assert_eq!(missing(&desk, &case, transition_to("APPROVED")), another_than("citra"));
    for actor in ["amira", "budi"] {
        desk.request = request_of(person(actor));
        assert!(matches!(desk.ask(&case, transition_to("APPROVED")), Ok(Some(_))));
    }
}

#[test]
fn given_a_reopened_case_when_the_status_was_not_entered_anew_then_the_first_time_counts() {
    // Who drafted it must not approve it, however often it has been closed and reopened since.
    let mut desk = approval(&[], Some("DRAFT"), false);
    let case = Case { entered_by: [(status("DRAFT"), person("amira"))].into(), ..case_in("DRAFT", OPEN) };
    let round = [("budi", "SUBMITTED"), ("budi", "APPROVED"), ("budi", "CLOSED"), ("budi", "SUBMITTED")];
    let case = moved(&mut desk, case, &round);
    desk.request = request_of(person("amira"));
    let expected = [Requirement::OtherActor { entered: status("DRAFT"), actor: person("amira") }];
    assert_eq!(missing(&desk, &case, transition_to("APPROVED")), expected);
}
