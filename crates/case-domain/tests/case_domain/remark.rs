//! Commenting on a case.

use case_domain::{Action, Change, ChangeCase, Command, Operation, Rejection, evolve};

use crate::given::{CLOSED, Desk, OPEN, case_id, case_in, change, comment, reason};

fn remark(text: &str) -> ChangeCase {
    change(Operation::Comment(comment(text)))
}

#[test]
fn given_a_case_when_commented_on_then_the_event_holds_the_comment_and_nothing_else() {
    let command = ChangeCase { reason: Some(reason("for the record")), ..remark("Plumber booked.\nTuesday.") };
    let event = Desk::new().change(&case_in("DRAFT", OPEN), command);
    assert_eq!((event.action, event.case_version, event.status_category), (Action::CaseCommented, 5, OPEN));
    assert_eq!(event.reason, Some(reason("for the record")));
    assert_eq!(event.changes, [Change::Comment(comment("Plumber booked.\nTuesday."))]);
}

#[test]
fn given_a_comment_when_the_same_is_said_again_then_it_is_another_comment() {
    let desk = Desk::new();
    let mut case = case_in("DRAFT", OPEN);
    for count in 1..=3 {
        case = evolve(Some(case.clone()), &desk.change(&case, remark("Still waiting."))).unwrap();
        assert_eq!((case.comment_count, case.version), (count, 4 + count));
    }
}

#[test]
fn given_a_closed_case_when_commented_on_then_accepted_and_it_stays_closed() {
    let event = Desk::new().change(&case_in("CLOSED", CLOSED), remark("c"));
    assert_eq!((event.action, event.status_category), (Action::CaseCommented, CLOSED));
}

#[test]
fn given_no_case_or_another_version_when_commented_on_then_refused() {
    let missing = Rejection::CaseNotFound { case_id: case_id("CASE-001") };
    assert_eq!(Desk::new().decide(None, Command::Change(remark("c"))), Err(missing));
    let command = ChangeCase { expected_version: Some(5), ..remark("c") };
    let refused = Desk::new().refuse(&case_in("DRAFT", OPEN), command);
    assert!(matches!(refused, Rejection::VersionMismatch { expected: 5, current: 4, .. }));
}
