//! Idempotency keys make retries safe.

use case_api::pb::case_command_service_client::CaseCommandServiceClient;
use case_api::pb::{
    AddCommentRequest, AssignCaseRequest, Case, CreateCaseRequest, LinkCasesRequest, LinkType, TransitionCaseRequest,
    UnlinkCasesRequest, UpdateCaseRequest,
};
use test_support::CallerChannel;
use tonic::Code;

use crate::{Bench, creation, refused, transition};

/// Sends every command but the creation once, each with a key of its own; tells which answers are replays, and the cases.
async fn every_command(client: &mut CaseCommandServiceClient<CallerChannel>) -> Vec<(bool, Option<Case>)> {
    let ([case_id, linked_case_id], link_type) = (["CASE-001", "CASE-002"].map(str::to_owned), LinkType::Blocks.into());
    let key = |name: &str| name.to_owned();
    let case = Some(Case { case_id: case_id.clone(), title: "another".to_owned(), ..Case::default() });
    let update = UpdateCaseRequest { case, idempotency_key: key("update"), ..Default::default() };
    let assign = AssignCaseRequest {
        case_id: case_id.clone(),
        assignee: "citra".to_owned(),
        idempotency_key: key("assign"),
        ..Default::default()
    };
    let comment = AddCommentRequest {
        case_id: case_id.clone(),
        body: "Plumber booked.".to_owned(),
        idempotency_key: key("comment"),
        ..Default::default()
    };
    let link = LinkCasesRequest {
        case_id: case_id.clone(),
        linked_case_id: linked_case_id.clone(),
        link_type,
        idempotency_key: key("link"),
        ..Default::default()
    };
    let unlink =
        UnlinkCasesRequest { case_id, linked_case_id, link_type, idempotency_key: key("unlink"), ..Default::default() };
    let moved = TransitionCaseRequest { idempotency_key: key("move"), ..transition("CASE-001", "SUBMITTED") };
    let update = client.update_case(update).await.unwrap().into_inner();
    let assign = client.assign_case(assign).await.unwrap().into_inner();
    let comment = client.add_comment(comment).await.unwrap().into_inner();
    let link = client.link_cases(link).await.unwrap().into_inner();
    let unlink = client.unlink_cases(unlink).await.unwrap().into_inner();
    let moved = client.transition_case(moved).await.unwrap().into_inner();
    vec![
        (update.replayed, update.case),
        (assign.replayed, assign.case),
        (comment.replayed, comment.case),
        (link.replayed, link.case),
        (unlink.replayed, unlink.case),
        (moved.replayed, moved.case),
    ]
}

#[tokio::test]
async fn every_command_that_is_sent_again_under_its_key_answers_as_the_first_time() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    for title in ["t", "u"] {
        client.create_case(creation(title, "")).await.unwrap();
    }
    let first = every_command(&mut client).await;
    let versions: Vec<_> = first.iter().map(|(_, case)| case.as_ref().unwrap().version).collect();
    assert_eq!(versions, [2, 3, 4, 5, 6, 7], "the control: each of them was carried out");
    assert!(first.iter().all(|(replayed, _)| !replayed));
    let again = every_command(&mut client).await;
    assert!(again.iter().all(|(replayed, _)| *replayed));
    let cases = |answers: Vec<(bool, Option<Case>)>| answers.into_iter().map(|(_, case)| case).collect::<Vec<_>>();
    assert_eq!(cases(again), cases(first), "as it was then");
    server.stop().await;
}

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
