//! Every error says what to do next, with the request id, and ends in its exit code.

use case_api::rejection;
use case_domain::{CaseId, Rejection, RequiredField, Requirement, Status as Name};
use rpc_error::{Failure, Reason};
use std::time::Duration;
use tokio::net::TcpListener;
use tonic::{Code, Status};

use super::desk::{REQUEST_ID, refused};
use super::{Desk, Setting};

fn case() -> CaseId {
    CaseId::parse("CASE-001").unwrap()
}

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

const MOVE: [&str; 3] = ["transition", "CASE-001", "CLOSED"];

#[tokio::test]
async fn a_move_that_is_not_allowed_names_those_that_are() {
    let allowed = vec![name("IN_REVIEW"), name("ON_HOLD")];
    let rejection =
        Rejection::TransitionNotAllowed { case_id: case(), from: name("DRAFT"), to: name("CLOSED"), allowed };
    let said = refused(rejection::failure(&rejection), &MOVE).await;
    assert_eq!(said.code, 1);
    assert!(said.err.lines().next().unwrap().contains(&format!("(TRANSITION_NOT_ALLOWED, request {REQUEST_ID})")));
    assert!(said.err.contains("\n  allowed: casectl transition CASE-001 IN_REVIEW\n"), "{}", said.err);
    assert!(said.err.contains("\n  allowed: casectl transition CASE-001 ON_HOLD\n"), "{}", said.err);
}

#[tokio::test]
async fn everything_that_a_move_needs_is_in_one_command() {
    let missing = vec![Requirement::Reason, Requirement::Field(RequiredField::Assignee)];
    let rejection = Rejection::RequirementsNotMet { case_id: case(), from: name("DRAFT"), to: name("CLOSED"), missing };
    let said = refused(rejection::failure(&rejection), &MOVE).await;
    let command = "\n  try: casectl transition CASE-001 CLOSED --reason WHY --assignee NAME\n";
    assert!(said.err.contains(command), "{}", said.err);
}

#[tokio::test]
async fn a_closed_case_says_how_it_is_reopened() {
    let allowed = vec![name("IN_REVIEW")];
    let rejection = Rejection::CaseClosed { case_id: case(), status: name("CLOSED"), allowed };
    let said =
        refused(rejection::failure(&rejection), &["update", "CASE-001", "--title", "x", "--expected-version", "2"])
            .await;
    let command = "\n  to reopen it: casectl transition CASE-001 IN_REVIEW --reason WHY\n";
    assert!(said.err.contains(command), "{}", said.err);
}

#[tokio::test]
async fn a_case_that_moved_on_names_its_version() {
    let rejection = Rejection::VersionMismatch { case_id: case(), expected: 2, current: 5 };
    let said = refused(rejection::failure(&rejection), &MOVE).await;
    assert!(said.err.contains("--expected-version 5\n"), "{}", said.err);
}

#[tokio::test]
async fn every_reason_has_its_line_and_its_exit_code() {
    for reason in Reason::ALL {
        // What is transient is refused as often as casectl tries.
        let (desk, address) = Desk::open().await;
        for _ in 0..5 {
            desk.refuse(Failure::new(reason, "the server's words").with_metadata("case_id", "CASE-001"));
        }
        let said = Setting::at(address).run(&MOVE).await;
        let first = said.err.lines().next().unwrap();
        let reason_name = reason.as_str();
        assert_eq!(first, format!("casectl: the server's words ({reason_name}, request {REQUEST_ID})"));
        let is_late = [Code::Unavailable, Code::DeadlineExceeded].contains(&reason.code());
        let code = if is_late {
            69
        } else if reason.code() == Code::DataLoss {
            65
        } else {
            1
        };
        assert_eq!(said.code, code, "{reason:?}");
        // Invalid fields are told by the message; those that have a flag say so.
        assert_eq!(said.err.lines().count() > 1, reason != Reason::ValidationFailed, "{}", said.err);
    }
}

#[tokio::test]
async fn hints_name_flags_variables_and_keys() {
    for (reason, hint) in [
        (Reason::IdempotencyKeyReused, "leave out --idempotency-key"),
        (Reason::InvalidConsistencyToken, "read without --fresh"),
        (Reason::DeadlineExceeded, "with --idempotency-key 01"),
    ] {
        let said = refused(Failure::new(reason, "no"), &MOVE).await;
        assert!(said.err.contains(hint), "{}", said.err);
    }
    let invalid = Failure::new(Reason::ValidationFailed, "no").with_violation("case.tags[3]", "is too long", "INVALID");
    let said = refused(invalid, &MOVE).await;
    assert!(said.err.ends_with("\n  --tag: is too long\n"), "{}", said.err);
}

#[tokio::test]
async fn refused_credentials_say_which_ones_and_how_to_give_others() {
    let missing = |header| Failure::new(Reason::CredentialsMissing, "no").with_metadata("header", header);
    let invalid = |check| Failure::new(Reason::CredentialsInvalid, "no").with_metadata("check", check);
    let hasty = Failure::new(Reason::RateLimited, "no").with_retry_after(Duration::from_secs(90));
    let denied = Failure::new(Reason::PermissionDenied, "no").with_metadata("permission", "cases.create");
    for (failure, hint) in [
        (missing("x-actor-id"), "--actor NAME, or CASECTL_ACTOR=NAME, or actor = \"NAME\" in casectl.toml"),
        (missing("authorization"), "--token-file FILE, or CASECTL_TOKEN_FILE=FILE, or token_file = \"FILE\""),
        (Failure::new(Reason::CredentialsMissing, "no"), "show a client certificate: --certificate FILE --key FILE"),
        (invalid("audience"), "the token is for another service"),
        (invalid("signature"), "the server does not believe the token"),
        (Failure::new(Reason::CredentialsExpired, "no"), "get a new token from the identity provider"),
        (denied, "the permission cases.create;"),
        (hasty, "run the same command again; the server says: in 1m 30s"),
    ] {
        let said = refused(failure, &MOVE).await;
        assert!(said.err.contains(hint), "{hint}: {}", said.err);
    }
}

#[tokio::test]
async fn several_missing_cases_are_all_named() {
    let missing = |ids: &str, count: &str| {
        let failure = Failure::new(Reason::CaseNotFound, "no").with_metadata("case_id", "CASE-007");
        failure.with_metadata("case_ids", ids).with_metadata("missing", count)
    };
    let said = refused(missing("CASE-007, CASE-009", "2"), &["show", "CASE-007", "CASE-008", "CASE-009"]).await;
    assert!(said.err.contains("\n  missing: CASE-007 CASE-009\n"), "{}", said.err);
    let said = refused(missing("CASE-007, CASE-009", "40"), &["show", "CASE-007", "CASE-008"]).await;
    assert!(said.err.contains("\n  missing: CASE-007 CASE-009 and 38 more\n"), "{}", said.err);
    let said = refused(missing("CASE-007", "1"), &["show", "CASE-007", "CASE-008"]).await;
    assert!(!said.err.contains("missing:"), "the message has named it: {}", said.err);
}

#[tokio::test]
async fn what_is_transient_is_tried_again_as_the_same_request() {
    let (desk, address) = Desk::open().await;
    desk.refuse(Failure::new(Reason::Draining, "going"));
    desk.refuse_plainly(Status::unavailable("a proxy"));
    desk.refuse(Failure::new(Reason::QueueFull, "full").with_retry_after(Duration::from_millis(1)));
    let said = Setting::at(address).run(&[&MOVE[..], &["--no-wait"]].concat()).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let calls = desk.calls();
    assert_eq!(calls.len(), 4);
    assert!(calls.iter().all(|call| call.message == calls[0].message && call.request_id == calls[0].request_id));
}

#[tokio::test]
async fn what_is_decided_is_not_tried_again() {
    let (desk, address) = Desk::open().await;
    desk.refuse(Failure::new(Reason::MessageTooLarge, "too large"));
    assert_eq!(Setting::at(address).run(&MOVE).await.code, 1);
    assert_eq!(desk.calls().len(), 1);
}

#[tokio::test]
async fn nobody_at_the_address_is_told_with_the_address_and_who_said_it() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let said = Setting::bare().run(&["list", "--query", &address.to_string()]).await;
    assert_eq!(said.code, 69);
    assert!(said.err.starts_with(&format!("casectl: cannot reach the query service at {address}: ")), "{}", said.err);
    assert!(said.err.contains("is it running? (request 01"), "{}", said.err);
    assert!(said.err.contains("the address comes from --query;"), "{}", said.err);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for_beyond_the_deadline() {
    // Connections are accepted by the operating system, and nobody speaks.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let arguments = [&MOVE[..], &["--timeout", "100ms", "--idempotency-key", "k-1"]].concat();
    let said = Setting::at(address).run(&arguments).await;
    assert_eq!(said.code, 69);
    assert!(said.err.contains("did not answer within 100ms (request 01"), "{}", said.err);
    assert!(said.err.contains("the same one again with --idempotency-key k-1 is safe"), "{}", said.err);
}

#[tokio::test]
async fn another_program_at_the_address_is_recognised() {
    let (desk, address) = Desk::open().await;
    desk.refuse_plainly(Status::not_found("no such page"));
    let said = Setting::at(address).run(&["show", "CASE-001"]).await;
    assert!(said.err.contains("is it another program?"), "{}", said.err);
}

#[tokio::test]
async fn programs_get_the_error_as_one_line() {
    let (desk, address) = Desk::open().await;
    let failure = rejection::failure(&Rejection::VersionMismatch { case_id: case(), expected: 2, current: 5 });
    desk.refuse(failure.with_violation("case.title", "is required", "REQUIRED"));
    let said = Setting::at(address).run(&[&MOVE[..], &["-o", "json", "--idempotency-key", "k-1"]].concat()).await;
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert_eq!(said.err, include_str!("golden/error.json"));
}
