//! What operators are told of a running case-query.

use service_kit::diagnostics::pb::diagnostics_service_client::DiagnosticsServiceClient;
use service_kit::diagnostics::pb::{BreakerState, Dependency, GetDiagnosticsRequest};
use test_support::{eventually, poll_until};

use crate::history::History;
use crate::system::{Query, Surroundings};

/// What is told of the feed as a dependency.
async fn feed(query: &Query) -> Dependency {
    let mut client = DiagnosticsServiceClient::new(query.channel());
    let answer = eventually("diagnostics", client.get_diagnostics(GetDiagnosticsRequest {})).await.unwrap();
    let dependencies = answer.into_inner().diagnostics.unwrap().dependencies;
    let [feed] = <[Dependency; 1]>::try_from(dependencies).unwrap();
    feed
}

#[tokio::test]
async fn operators_read_where_the_feed_is_and_whether_it_is_asked() {
    let (surroundings, query) = Surroundings::projected(&History::of_cases(1)).await;
    let told = feed(&query).await;
    assert_eq!((told.name.as_str(), &told.address), ("event-feed", &surroundings.feed.url()));
    assert_eq!((told.breaker_state(), told.last_failure.as_str()), (BreakerState::Closed, ""));
    query.stop().await;
    // The control: where nobody answers, the circuit opens in the end, and the reason is told.
    let mut settings = surroundings.settings();
    settings.query.feed_url = "http://127.0.0.1:1".to_owned();
    let query = Query::start(settings).await;
    let told = poll_until("an open circuit", || async {
        let told = feed(&query).await;
        (told.breaker_state() == BreakerState::Open).then_some(told)
    })
    .await;
    assert!(told.last_failure.contains("refused"), "{}", told.last_failure);
    query.stop().await;
}
