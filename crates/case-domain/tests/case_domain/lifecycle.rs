//! A lifecycle holds together or says everything that is wrong with it.

use case_domain::{InvalidStatus, LifecycleProblem, RequiredField, Status, Transition};

use crate::given::{CLOSED, Desk, Edge, OPEN, PAUSED, edge, guarded, lifecycle, status};

const STATUSES: [(&str, case_domain::StatusCategory); 2] = [("A", OPEN), ("B", CLOSED)];

fn problems_of(initial: &[&str], edges: &[Edge<'_>]) -> Vec<LifecycleProblem> {
    lifecycle(&STATUSES, initial, edges).unwrap_err()
}

#[test]
fn a_lifecycle_needs_a_status_and_an_initial_one() {
    let problems = lifecycle(&[], &[], &[]).unwrap_err();
    assert_eq!(problems, [LifecycleProblem::NoStatus, LifecycleProblem::NoInitialStatus]);
}

#[test]
fn a_status_is_defined_once() {
    let statuses = [("A", OPEN), ("B", OPEN), ("A", PAUSED), ("A", OPEN)];
    let twice = |index| LifecycleProblem::DuplicateStatus { index, status: status("A") };
    assert_eq!(lifecycle(&statuses, &["A"], &[]).unwrap_err(), [twice(2), twice(3)]);
}

#[test]
fn an_initial_status_is_defined_and_named_once() {
    let unknown = |index| LifecycleProblem::UnknownInitialStatus { index, status: status("X") };
    let twice = |index, name| LifecycleProblem::DuplicateInitialStatus { index, status: status(name) };
    assert_eq!(problems_of(&["A", "X", "A", "X"], &[]), [unknown(1), twice(2, "A"), unknown(3), twice(3, "X")]);
}

#[test]
fn a_transition_joins_statuses_that_are_defined() {
    let edges = [("X", "B", false), ("A", "Y", false), ("X", "Y", false)];
    let unknown = |index: usize, name| LifecycleProblem::UnknownTransitionStatus {
        index,
        from: status(edges[index].0),
        to: status(edges[index].1),
        unknown: status(name),
    };
    assert_eq!(problems_of(&["A"], &edges), [unknown(0, "X"), unknown(1, "Y"), unknown(2, "X"), unknown(2, "Y")]);
}

#[test]
fn a_transition_is_defined_once_whatever_it_requires() {
    let edges = [("A", "B", false), ("B", "A", false), ("A", "B", true)];
    let twice = LifecycleProblem::DuplicateTransition { index: 2, from: status("A"), to: status("B") };
    assert_eq!(problems_of(&["A"], &edges), [twice]);
}

#[test]
fn a_transition_goes_somewhere_and_an_unknown_status_is_told_once() {
    let nowhere = |index, name| LifecycleProblem::SelfTransition { index, status: status(name) };
    let unknown = LifecycleProblem::UnknownTransitionStatus {
        index: 1,
        from: status("X"),
        to: status("X"),
        unknown: status("X"),
    };
    assert_eq!(
        problems_of(&["A"], &[("A", "A", false), ("X", "X", false)]),
        [nowhere(0, "A"), unknown, nowhere(1, "X")]
    );
}

#[test]
fn the_status_whose_actor_is_excluded_is_defined_and_told_once() {
    let excluding = |from, to, other| Transition { other_actor_than: Some(status(other)), ..edge((from, to, false)) };
    let unknown = |index, from, to, unknown| LifecycleProblem::UnknownTransitionStatus {
        index,
        from: status(from),
        to: status(to),
        unknown: status(unknown),
    };
    let edges = vec![
        excluding("A", "B", "X"),
        excluding("X", "B", "X"),
        excluding("A", "X", "X"),
        // The controls: any status of the lifecycle may be excluded, either end of the transition too.
        excluding("B", "A", "A"),
    ];
    let problems = guarded(&STATUSES, &["A"], edges).unwrap_err();
    assert_eq!(problems, [unknown(0, "A", "B", "X"), unknown(1, "X", "B", "X"), unknown(2, "A", "X", "X")]);
}

#[test]
fn a_field_is_required_once() {
    let (team, tags) = (RequiredField::Team, RequiredField::Tags);
    let requiring = |fields: &[RequiredField]| {
        let edge = Transition { required_fields: fields.to_vec(), ..edge(("A", "B", false)) };
        guarded(&STATUSES, &["A"], vec![edge])
    };
    let twice =
        |field| LifecycleProblem::DuplicateRequiredField { index: 0, from: status("A"), to: status("B"), field };
    assert_eq!(requiring(&[tags, team, tags, team, tags]).unwrap_err(), [twice(team), twice(tags)]);
    let required = requiring(&[tags, team]).unwrap();
    assert_eq!(required.transitions()[0].required_fields, [tags, team]);
}

#[test]
fn every_field_that_can_be_required_is_read_by_its_name() {
    for field in RequiredField::ALL {
        assert_eq!(RequiredField::parse(field.as_str()), Some(field));
    }
    assert_eq!(RequiredField::parse("title"), None);
}

#[test]
fn every_problem_is_told_at_once() {
    let statuses = [("A", OPEN), ("A", OPEN)];
    let edges = [("A", "X", false), ("A", "A", false)];
    assert_eq!(lifecycle(&statuses, &[], &edges).unwrap_err().len(), 4);
}

#[test]
fn without_a_problem_a_lifecycle_says_what_it_was_given_in_its_order() {
    // The control of the tests above.
    let lifecycle = Desk::new().lifecycle;
    let to = |from| -> Vec<String> {
        let from = status(from);
        let edges = lifecycle.transitions_from(&from);
        edges.map(|edge| edge.to.to_string()).collect()
    };
    assert_eq!(to("SUBMITTED"), ["WAITING", "CLOSED"]);
    assert_eq!(to("ARCHIVED"), [""; 0]);
    assert_eq!(lifecycle.category(&status("WAITING")), Some(PAUSED));
    assert_eq!(lifecycle.category(&status("NOWHERE")), None);
    assert!(lifecycle.transition(&status("DRAFT"), &status("CLOSED")).unwrap().requires_reason);
    assert!(lifecycle.transition(&status("CLOSED"), &status("DRAFT")).is_none());
}

#[test]
fn a_status_has_a_name_of_capitals_digits_and_underscores() {
    let longest = "A".repeat(64);
    for name in ["A", "IN_REVIEW", "A1_", &longest] {
        assert_eq!(Status::new(name).unwrap().as_str(), name);
    }
    let too_long = "A".repeat(65);
    for name in ["", "a", "1A", "_A", "A B", "A-B", "Ä", "A\n", &too_long] {
        assert_eq!(Status::new(name), Err(InvalidStatus), "{name}");
    }
}
