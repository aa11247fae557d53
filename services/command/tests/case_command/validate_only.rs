//! `validate_only` checks and leaves no trace.

use case_api::pb::{CreateCaseRequest, TransitionCaseRequest};

use crate::{Bench, creation, refused, transition};

#[tokio::test]
async fn a_validated_creation_has_no_id_uses_no_number_and_leaves_no_key() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    let dry = CreateCaseRequest { validate_only: true, ..creation("t", "k1") };
    let answer = client.create_case(dry).await.unwrap().into_inner();
    let case = answer.case.unwrap();
    assert_eq!((case.case_id.as_str(), case.version, case.status.as_str()), ("", 1, "DRAFT"));
    assert!(answer.consistency_token.is_empty() && !answer.replayed);
    let real = client.create_case(creation("another", "k1")).await.unwrap().into_inner();
    assert!(!real.replayed);
    assert_eq!(real.case.unwrap().case_id, "CASE-001");
    server.stop().await;
}

#[tokio::test]
async fn a_validated_transition_shows_the_case_as_it_would_be_and_leaves_it() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "k1")).await.unwrap();
    // The key was used for another request: a validation does not look it up.
    let dry = TransitionCaseRequest {
        validate_only: true,
        idempotency_key: "k1".to_owned(),
        expected_version: 1,
        ..transition("CASE-001", "SUBMITTED")
    };
    let case = client.transition_case(dry.clone()).await.unwrap().into_inner().case.unwrap();
    assert_eq!((case.case_id.as_str(), case.version, case.status.as_str()), ("CASE-001", 2, "SUBMITTED"));
    let again = client.transition_case(dry).await.unwrap().into_inner().case.unwrap();
    assert_eq!(again.version, 2, "nothing was stored");
    server.stop().await;
}

#[tokio::test]
async fn a_validation_is_refused_as_the_command_would_be() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "")).await.unwrap();
    let dry = TransitionCaseRequest { validate_only: true, ..transition("CASE-001", "CLOSED") };
    assert_eq!(refused(client.transition_case(dry).await).reason, "TRANSITION_NOT_ALLOWED");
    server.stop().await;
}
