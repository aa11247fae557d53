//! The lifecycle in force.

use case_api::lifecycle_to_client;
use case_api::pb::{Consistency, GetLifecycleRequest, Lifecycle};
use test_support::poll_until;
use tonic::Code;

use crate::history::{History, lifecycle};
use crate::stage::Stage;
use crate::system::{OTHER_EPOCH, Query, Surroundings, refusal, token};

async fn lifecycle_of(query: &Query) -> Lifecycle {
    query.client().get_lifecycle(GetLifecycleRequest::default()).await.unwrap().into_inner().lifecycle.unwrap()
}

#[tokio::test]
async fn it_is_answered_as_it_was_published_last() {
    let stage = Stage::of(&History::of_cases(1)).await;
    assert_eq!(lifecycle_of(&stage.query).await, lifecycle_to_client(1, &lifecycle()));
    // Another version, even if nothing else about it is new.
    for version in [2, 3] {
        stage.surroundings.feed.change(|content| {
            content.lifecycle.version = version;
            content.lifecycle.transitions.retain(|edge| edge.to_status != "CANCELLED");
        });
        let got = poll_until("the new version", async || {
            let got = lifecycle_of(&stage.query).await;
            (got.version == version).then_some(got)
        });
        let got = got.await;
        assert!(got.transitions.iter().all(|edge| edge.to_status != "CANCELLED"));
        assert_eq!(got.statuses.len(), lifecycle().statuses().len());
    }
    // It is kept.
    let Stage { surroundings, query, .. } = stage;
    query.stop().await;
    let mut settings = surroundings.settings();
    settings.query.feed_url = "http://127.0.0.1:1".to_owned();
    let query = Query::start(settings).await;
    assert_eq!(lifecycle_of(&query).await.version, 3);
    query.stop().await;
}

#[tokio::test]
async fn it_says_as_of_when_and_waits_like_every_read() {
    let stage = Stage::of(&History::of_cases(1)).await;
    let ask = |token: String| GetLifecycleRequest { consistency: Some(Consistency { at_least_as_fresh: vec![token] }) };
    let answer = stage.query.client().get_lifecycle(GetLifecycleRequest::default()).await.unwrap().into_inner();
    let again = stage.query.client().get_lifecycle(ask(answer.as_of.clone())).await.unwrap().into_inner();
    assert_eq!(again.as_of, answer.as_of);
    let other_store = refusal(stage.query.client().get_lifecycle(ask(token(OTHER_EPOCH, 1))).await);
    assert_eq!(other_store.reason, "INVALID_CONSISTENCY_TOKEN");
    stage.query.stop().await;
}

#[tokio::test]
async fn before_it_has_come_nobody_can_be_told() {
    let surroundings = Surroundings::with(&History::of_cases(1)).await;
    let mut settings = surroundings.settings();
    settings.query.feed_url = "http://127.0.0.1:1".to_owned();
    let query = Query::start(settings).await;
    let refused = refusal(query.client().get_lifecycle(GetLifecycleRequest::default()).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Unavailable, "PROJECTION_LAGGING"));
    assert!(refused.retry);
    query.stop().await;
}
