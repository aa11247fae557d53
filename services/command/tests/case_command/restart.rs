//! What was acknowledged is there after a restart.

use case_api::pb::TransitionCaseRequest;
use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};

use tonic::Code;

use crate::probing::{health, until};
use crate::{Bench, creation, refused, transition};

#[tokio::test]
async fn numbers_versions_and_states_go_on_where_they_were() {
    let bench = Bench::new();
    let server = bench.start().await;
    server.client("amira").create_case(creation("a", "")).await.unwrap();
    server.client("amira").transition_case(transition("CASE-001", "SUBMITTED")).await.unwrap();
    server.stop().await;
    let server = bench.start().await;
    let mut client = server.client("amira");
    let stale = TransitionCaseRequest { expected_version: 1, ..transition("CASE-001", "IN_REVIEW") };
    assert_eq!(refused(client.transition_case(stale).await).metadata["current"], "2");
    let moved = client.transition_case(transition("CASE-001", "IN_REVIEW")).await.unwrap().into_inner();
    assert_eq!(moved.case.unwrap().version, 3);
    let next = client.create_case(creation("b", "")).await.unwrap().into_inner();
    assert_eq!(next.case.unwrap().case_id, "CASE-002");
    server.stop().await;
}

#[tokio::test]
async fn the_epoch_stays_over_a_restart_and_differs_between_stores() {
    let bench = Bench::new();
    let mut epochs = Vec::new();
    for _ in 0..2 {
        let server = bench.start().await;
        let token = server.client("amira").create_case(creation("a", "")).await.unwrap().into_inner().consistency_token;
        epochs.push(case_api::ConsistencyToken::decode(&token).unwrap().epoch);
        server.stop().await;
    }
    assert_eq!(epochs[0], epochs[1]);
    let mut other = Bench::new();
    other.entropy = std::sync::Arc::new(test_support::SeededEntropy::new(8));
    let server = other.start().await;
    let token = server.client("amira").create_case(creation("a", "")).await.unwrap().into_inner().consistency_token;
    assert_ne!(case_api::ConsistencyToken::decode(&token).unwrap().epoch, epochs[0]);
    server.stop().await;
}

#[tokio::test]
async fn a_store_with_fewer_commits_than_were_acknowledged_takes_no_command_from_the_very_first_moment() {
    let bench = Bench::new();
    let (store, copy) = (bench.folder.path().join("command.db"), bench.folder.path().join("copy"));
    let server = bench.start().await;
    server.client("amira").create_case(creation("a", "")).await.unwrap();
    server.stop().await;
    std::fs::copy(&store, &copy).unwrap();
    let server = bench.start().await;
    server.client("amira").create_case(creation("b", "")).await.unwrap();
    server.stop().await;

    std::fs::copy(&copy, &store).unwrap();
    for _ in 0..2 {
        let server = bench.start().await;
        let refusal = refused(server.client("amira").create_case(creation("c", "")).await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Unavailable, "STORE_UNAVAILABLE"));
        assert_eq!(health(server.address, "liveness").await, Some(Serving), "a restart does not help");
        assert_eq!(health(server.address, "readiness").await, Some(NotServing));
        server.stop().await;
    }
    // The control: who says that it is meant so is believed.
    std::fs::remove_file(bench.folder.path().join("command.db.head")).unwrap();
    let server = bench.start().await;
    until(server.address, Serving).await;
    let next = server.client("amira").create_case(creation("c", "")).await.unwrap().into_inner();
    assert_eq!(next.case.unwrap().case_id, "CASE-002");
    server.stop().await;
}
