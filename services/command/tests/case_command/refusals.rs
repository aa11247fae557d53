//! The errors of the contract that commands can meet, with their details.

use case_api::pb::{Case, CreateCaseRequest, TransitionCaseRequest};
use test_support::{Caller, Refusal, poll_until};
use tonic::Code;

use crate::{Bench, Running, creation, refused, transition};

async fn with_case(bench: &Bench) -> Running {
    let server = bench.start().await;
    server.client("amira").create_case(creation("t", "")).await.unwrap();
    server
}

async fn move_case(server: &Running, request: TransitionCaseRequest) -> Refusal {
    refused(server.client("amira").transition_case(request).await)
}

#[tokio::test]
async fn every_invalid_field_is_named_at_once() {
    let bench = Bench::new();
    let server = bench.start().await;
    let case = Case {
        title: "x".repeat(201),
        assignee: "a\nb".to_owned(),
        priority: 99,
        tags: (0..33).map(|n| format!("tag{n}")).collect(),
        ..Case::default()
    };
    let request = CreateCaseRequest {
        case: Some(case),
        initial_status: "NOWHERE".to_owned(),
        reason: "x".repeat(2_001),
        idempotency_key: "k".repeat(129),
        expected_version: 1,
        ..CreateCaseRequest::default()
    };
    let refusal = refused(server.client("amira").create_case(request).await);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::InvalidArgument, "VALIDATION_FAILED"));
    assert_eq!(refusal.domain, "casetracker");
    let expected = [
        "case.title",
        "case.priority",
        "case.assignee",
        "case.tags",
        "initial_status",
        "reason",
        "idempotency_key",
        "expected_version",
    ];
    assert_eq!(refusal.fields, expected);
    server.stop().await;
}

#[tokio::test]
async fn a_request_without_its_required_fields_is_invalid() {
    let bench = Bench::new();
    let server = bench.start().await;
    let empty = refused(server.client("amira").create_case(CreateCaseRequest::default()).await);
    assert_eq!(empty.fields, ["case"]);
    let refusal = move_case(&server, TransitionCaseRequest::default()).await;
    assert_eq!(refusal.fields, ["case_id", "to_status"]);
    server.stop().await;
}

#[tokio::test]
async fn an_unknown_status_is_invalid_and_a_known_one_without_an_edge_is_not_allowed() {
    let bench = Bench::new();
    let server = with_case(&bench).await;
    let unknown = move_case(&server, transition("CASE-001", "FROZEN")).await;
    assert_eq!((unknown.reason.as_str(), unknown.fields), ("VALIDATION_FAILED", vec!["to_status".to_owned()]));
    for known in ["APPROVED", "DRAFT"] {
        let refusal = move_case(&server, transition("CASE-001", known)).await;
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::FailedPrecondition, "TRANSITION_NOT_ALLOWED"));
        assert_eq!(refusal.metadata["from"], "DRAFT");
        assert_eq!(refusal.metadata["to"], known);
        assert_eq!(refusal.metadata["allowed"], "SUBMITTED, CANCELLED");
        assert_eq!(refusal.precondition.as_deref(), Some("LIFECYCLE"));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_transition_that_needs_a_reason_says_so() {
    let bench = Bench::new();
    let server = with_case(&bench).await;
    let refusal = move_case(&server, transition("CASE-001", "CANCELLED")).await;
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::FailedPrecondition, "TRANSITION_REQUIREMENT_NOT_MET"));
    assert_eq!(refusal.precondition.as_deref(), Some("REASON_REQUIRED"));
    let request = TransitionCaseRequest { reason: "a duplicate".to_owned(), ..transition("CASE-001", "CANCELLED") };
    server.client("amira").transition_case(request).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_stale_version_is_aborted_with_both_versions() {
    let bench = Bench::new();
    let server = with_case(&bench).await;
    let request = TransitionCaseRequest { expected_version: 7, ..transition("CASE-001", "SUBMITTED") };
    let refusal = move_case(&server, request).await;
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Aborted, "CASE_VERSION_MISMATCH"));
    assert_eq!((refusal.metadata["expected"].as_str(), refusal.metadata["current"].as_str()), ("7", "1"));
    assert_eq!(refusal.resource.as_deref(), Some("CASE-001"));
    server.stop().await;
}

#[tokio::test]
async fn a_text_that_names_no_case_is_not_found_whatever_it_looks_like() {
    let bench = Bench::new();
    let server = with_case(&bench).await;
    for id in ["CASE-002", "CASE-1", "OTHER-001", "no such thing"] {
        let refusal = move_case(&server, transition(id, "SUBMITTED")).await;
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::NotFound, "CASE_NOT_FOUND"), "{id}");
        assert_eq!(refusal.resource.as_deref(), Some(id));
    }
    server.stop().await;
}

#[tokio::test]
async fn checks_are_made_in_the_promised_order() {
    let bench = Bench::new();
    let server = with_case(&bench).await;
    let stale = |request| TransitionCaseRequest { expected_version: 7, ..request };
    // Existence before version, version before lifecycle, lifecycle before requirements.
    assert_eq!(move_case(&server, stale(transition("CASE-002", "APPROVED"))).await.reason, "CASE_NOT_FOUND");
    assert_eq!(move_case(&server, stale(transition("CASE-001", "APPROVED"))).await.reason, "CASE_VERSION_MISMATCH");
    assert_eq!(move_case(&server, transition("CASE-001", "REJECTED")).await.reason, "TRANSITION_NOT_ALLOWED");
    // Syntax before idempotency, and that before existence.
    let used = TransitionCaseRequest { idempotency_key: "k".to_owned(), ..transition("CASE-001", "SUBMITTED") };
    server.client("amira").transition_case(used.clone()).await.unwrap();
    let reused = TransitionCaseRequest { case_id: "CASE-002".to_owned(), ..used.clone() };
    assert_eq!(move_case(&server, reused).await.reason, "IDEMPOTENCY_KEY_REUSED");
    let malformed = TransitionCaseRequest { to_status: String::new(), ..used };
    assert_eq!(move_case(&server, malformed).await.reason, "VALIDATION_FAILED");
    server.stop().await;
}

#[tokio::test]
async fn nobody_is_refused_before_anything_else_and_the_request_id_is_echoed() {
    let bench = Bench::new();
    let server = bench.start().await;
    let caller = Caller::nobody().with("x-request-id", "req-77");
    let refusal = refused(caller.commands(server.address).create_case(CreateCaseRequest::default()).await);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Unauthenticated, "CREDENTIALS_MISSING"));
    assert_eq!((refusal.request_id.as_str(), refusal.echoed_request_id.as_deref()), ("req-77", Some("req-77")));
    server.stop().await;
}

#[tokio::test]
async fn commands_wait_for_the_audit_log_only_up_to_the_configured_backlog() {
    let bench = Bench::new().with(|settings| settings.command.audit_max_backlog = 2);
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("a", "k1")).await.unwrap();
    client.create_case(creation("b", "")).await.unwrap();
    let refusal = refused(client.create_case(creation("c", "")).await);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Unavailable, "AUDIT_BACKLOG_FULL"));
    assert!(refusal.retry);
    assert_eq!(refusal.metadata["consumer"], "case-audit");
    let replay = client.create_case(creation("a", "k1")).await.unwrap().into_inner();
    assert!(replay.replayed, "what was accepted is still answered");
    // The audit log catches up.
    let (outbox, mut feed) = crate::feed::follow(&server, "case-audit", 0).await;
    crate::feed::next_batch(&mut feed).await;
    crate::feed::acknowledge(&outbox, 2).await;
    poll_until("commands to be taken again", || {
        let mut client = client.clone();
        async move { client.create_case(creation("c", "")).await.ok() }
    })
    .await;
    server.stop().await;
}
