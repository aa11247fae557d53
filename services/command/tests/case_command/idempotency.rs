//! Idempotency keys make retries safe.

use case_api::pb::{Case, CreateCaseRequest, TransitionCaseRequest};
use tonic::Code;

use crate::{Bench, creation, refused, transition};

#[tokio::test]
async fn a_replay_answers_as_the_first_time_did_though_the_case_has_moved_on() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    let first = client.create_case(creation("t", "k1")).await.unwrap().into_inner();
    client.transition_case(transition("CASE-001", "SUBMITTED")).await.unwrap();
    let replay = client.create_case(creation("t", "k1")).await.unwrap().into_inner();
    assert!(replay.replayed && !first.replayed);
    assert_eq!((replay.case, replay.consistency_token), (first.case, first.consistency_token));
    let next = client.create_case(creation("t", "k2")).await.unwrap().into_inner();
    assert_eq!(next.case.unwrap().case_id, "CASE-002", "control: another key makes another case");
    server.stop().await;
}

#[tokio::test]
async fn a_key_survives_a_restart() {
    let bench = Bench::new();
    let server = bench.start().await;
    let first = server.client("amira").create_case(creation("t", "k1")).await.unwrap().into_inner();
    server.stop().await;
    let server = bench.start().await;
    let replay = server.client("amira").create_case(creation("t", "k1")).await.unwrap().into_inner();
    assert!(replay.replayed);
    assert_eq!((replay.case, replay.consistency_token), (first.case, first.consistency_token));
    let refusal = refused(server.client("amira").create_case(creation("other", "k1")).await);
    assert_eq!(refusal.reason, "IDEMPOTENCY_KEY_REUSED");
    server.stop().await;
}

#[tokio::test]
async fn a_key_with_another_request_or_another_method_is_refused() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "k1")).await.unwrap();
    let refusal = refused(client.create_case(creation("other", "k1")).await);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::InvalidArgument, "IDEMPOTENCY_KEY_REUSED"));
    let other_method =
        TransitionCaseRequest { idempotency_key: "k1".to_owned(), ..transition("CASE-001", "SUBMITTED") };
    assert_eq!(refused(client.transition_case(other_method).await).reason, "IDEMPOTENCY_KEY_REUSED");
    server.stop().await;
}

#[tokio::test]
async fn what_is_ignored_in_a_request_does_not_make_it_another_one() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "k1")).await.unwrap();
    let case = Case { title: "t".to_owned(), status: "CLOSED".to_owned(), version: 4, ..Case::default() };
    let again =
        CreateCaseRequest { case: Some(case), idempotency_key: "k1".to_owned(), ..CreateCaseRequest::default() };
    assert!(client.create_case(again).await.unwrap().into_inner().replayed);
    server.stop().await;
}

#[tokio::test]
async fn a_key_belongs_to_its_actor() {
    let bench = Bench::new();
    let server = bench.start().await;
    server.client("amira").create_case(creation("t", "k1")).await.unwrap();
    let other = server.client("budi").create_case(creation("t", "k1")).await.unwrap().into_inner();
    assert!(!other.replayed);
    assert_eq!(other.case.unwrap().case_id, "CASE-002");
    server.stop().await;
}

#[tokio::test]
async fn a_refused_command_leaves_its_key_free() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "")).await.unwrap();
    let request = TransitionCaseRequest { idempotency_key: "k1".to_owned(), ..transition("CASE-001", "APPROVED") };
    assert_eq!(refused(client.transition_case(request).await).reason, "TRANSITION_NOT_ALLOWED");
    let request = TransitionCaseRequest { idempotency_key: "k1".to_owned(), ..transition("CASE-001", "SUBMITTED") };
    assert!(!client.transition_case(request).await.unwrap().into_inner().replayed);
    server.stop().await;
}

#[tokio::test]
async fn the_same_key_sent_many_times_at_once_makes_one_case() {
    let bench = Bench::new();
    let server = bench.start().await;
    let client = server.client("amira");
    let call = |_| {
        let mut client = client.clone();
        tokio::spawn(async move { client.create_case(creation("t", "k1")).await.unwrap().into_inner() })
    };
    let calls: Vec<_> = (0..32).map(call).collect();
    let mut fresh = 0;
    for call in calls {
        let answer = call.await.unwrap();
        fresh += usize::from(!answer.replayed);
        assert_eq!(answer.case.unwrap().case_id, "CASE-001");
    }
    assert_eq!(fresh, 1);
    server.stop().await;
}

#[tokio::test]
async fn keys_are_collected_after_their_retention_and_not_before() {
    const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    for n in 0..200 {
        client.create_case(creation("t", &format!("k{n}"))).await.unwrap();
    }
    server.clock.advance_us(6 * DAY_US);
    assert!(client.create_case(creation("t", "k0")).await.unwrap().into_inner().replayed, "six days are kept");
    server.clock.advance_us(2 * DAY_US);
    // Each batch collects a few: these make sure that all of them have had their turn.
    for _ in 0..8 {
        client.create_case(creation("t", "")).await.unwrap();
    }
    for key in ["k0", "k199"] {
        assert!(!client.create_case(creation("t", key)).await.unwrap().into_inner().replayed, "{key} is free again");
    }
    assert!(client.create_case(creation("t", "k0")).await.unwrap().into_inner().replayed, "and remembered anew");
    server.stop().await;
}
