//! Connecting cases. Whether a case may be connected to itself is for the border to say: nothing here minds.

use case_domain::{Action, Case, Change, ChangeCase, Command, LINKS_MAX, Link, LinkType, Moved, Operation, Rejection};

use crate::given::{CLOSED, Desk, OPEN, case_id, case_in, change, link, reason};

fn blocks_two() -> Link {
    link("CASE-002", LinkType::Blocks)
}

fn linking(link: Link) -> ChangeCase {
    change(Operation::Link(link))
}

fn unlinking(link: Link) -> ChangeCase {
    change(Operation::Unlink(link))
}

/// A desk that knows no other case.
fn alone() -> Desk {
    Desk { linked_case_exists: false, ..Desk::new() }
}

/// A case that has [`blocks_two`] and no other link.
fn linked() -> Case {
    Case { links: vec![blocks_two()], ..case_in("DRAFT", OPEN) }
}

#[test]
fn given_another_case_when_linked_then_the_event_says_so() {
    let command = ChangeCase { reason: Some(reason("same pipe")), ..linking(blocks_two()) };
    let event = Desk::new().change(&case_in("DRAFT", OPEN), command);
    assert_eq!((event.action, event.case_version, event.status_category), (Action::CaseLinked, 5, OPEN));
    assert_eq!((event.case_id, event.reason), (case_id("CASE-001"), Some(reason("same pipe"))));
    assert_eq!(event.changes, [Change::Link(Moved { from: None, to: Some(blocks_two()) })]);
}

#[test]
fn given_a_link_when_made_again_then_refused_and_another_kind_or_case_is_another_link() {
    let desk = Desk::new();
    let exists = Rejection::LinkExists { case_id: case_id("CASE-001"), link: blocks_two() };
    assert_eq!(desk.refuse(&linked(), linking(blocks_two())), exists);
    for other in [link("CASE-002", LinkType::RelatesTo), link("CASE-003", LinkType::Blocks)] {
        assert_eq!(desk.change(&linked(), linking(other)).action, Action::CaseLinked);
    }
}

#[test]
fn given_no_other_case_when_linked_then_the_other_is_not_found() {
    let command = linking(blocks_two());
    assert_eq!(Command::Change(command.clone()).linked_case_id(), Some(&case_id("CASE-002")));
    let missing = Rejection::CaseNotFound { case_id: case_id("CASE-002") };
    assert_eq!(alone().refuse(&case_in("DRAFT", OPEN), command), missing);
}

#[test]
fn given_several_faults_when_linked_then_the_first_check_speaks() {
    // Neither case exists, the version is wrong and the link is there: one after the other is put right.
    let mut command = ChangeCase { expected_version: Some(9), ..linking(blocks_two()) };
    let missing = |id| Rejection::CaseNotFound { case_id: case_id(id) };
    let nobody = alone().decide(None, Command::Change(command.clone()));
    assert_eq!(nobody, Err(missing("CASE-001")));
    assert_eq!(alone().refuse(&linked(), command.clone()), missing("CASE-002"));
    let desk = Desk::new();
    assert!(matches!(desk.refuse(&linked(), command.clone()), Rejection::VersionMismatch { expected: 9, .. }));
    command.expected_version = Some(4);
    assert!(matches!(desk.refuse(&linked(), command.clone()), Rejection::LinkExists { .. }));
    assert!(matches!(desk.ask(&case_in("DRAFT", OPEN), command), Ok(Some(_))));
}

#[test]
fn given_as_many_links_as_there_may_be_when_linked_then_refused_until_one_goes() {
    let desk = Desk::new();
    let mut case = case_in("DRAFT", OPEN);
    let all = (0..LINKS_MAX).map(|n| link(&format!("CASE-{}", 1_000 + n), LinkType::RelatesTo));
    case.links = all.collect();
    let full = Rejection::TooManyLinks { case_id: case.id.clone(), max: 256 };
    assert_eq!(desk.refuse(&case, linking(blocks_two())), full);
    // What is there already is told as such, not as one too many.
    let again = case.links[0].clone();
    assert!(matches!(desk.refuse(&case, linking(again)), Rejection::LinkExists { .. }));
    case.links.pop();
    assert_eq!(desk.change(&case, linking(blocks_two())).action, Action::CaseLinked);
}

#[test]
fn given_a_link_when_taken_away_then_the_event_says_so_whether_or_not_the_other_case_is_there() {
    for desk in [Desk::new(), alone()] {
        let event = desk.change(&linked(), unlinking(blocks_two()));
        assert_eq!((event.action, event.case_version), (Action::CaseUnlinked, 5));
        assert_eq!(event.changes, [Change::Link(Moved { from: Some(blocks_two()), to: None })]);
    }
    assert_eq!(Command::Change(unlinking(blocks_two())).linked_case_id(), None);
}

#[test]
fn given_no_such_link_when_taken_away_then_refused() {
    // Another kind of link, and another case.
    for other in [link("CASE-002", LinkType::ChildOf), link("CASE-003", LinkType::Blocks)] {
        let missing = Rejection::LinkNotFound { case_id: case_id("CASE-001"), link: other.clone() };
        assert_eq!(Desk::new().refuse(&linked(), unlinking(other)), missing);
    }
}

#[test]
fn given_another_version_when_taken_away_then_the_version_is_told_first() {
    let command = ChangeCase { expected_version: Some(9), ..unlinking(link("CASE-003", LinkType::Blocks)) };
    assert!(matches!(Desk::new().refuse(&linked(), command), Rejection::VersionMismatch { .. }));
}

#[test]
fn given_a_closed_case_when_linked_and_unlinked_then_accepted_and_it_stays_closed() {
    let closed = Case { links: vec![blocks_two()], ..case_in("CLOSED", CLOSED) };
    for command in [linking(link("CASE-003", LinkType::Duplicates)), unlinking(blocks_two())] {
        assert_eq!(Desk::new().change(&closed, command).status_category, CLOSED);
    }
}
