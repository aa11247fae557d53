//! Reads that must be as fresh as something the caller has seen.

use std::time::Duration;

use case_api::pb::{GetCaseRequest, ListCasesRequest};
use tonic::Code;

use crate::history::History;
use crate::system::{EPOCH, OTHER_EPOCH, Query, Surroundings, at_least, get_at_least, get_case, refusal, token};

#[tokio::test]
async fn a_read_waits_until_the_projection_is_there() {
    let mut history = History::of_cases(1);
    let (surroundings, query) = Surroundings::projected(&history).await;
    history.create("second");
    let publish = async {
        // Nothing happens before the read has begun to wait, or not: it is right both ways.
        tokio::task::yield_now().await;
        surroundings.publish(&history);
    };
    let (answer, ()) = tokio::join!(query.get(get_at_least("CASE-002", 2)), publish);
    assert_eq!(answer.unwrap().as_of, token(EPOCH, 2));
    query.stop().await;
}

#[tokio::test]
async fn who_waits_in_vain_is_told_the_lag() {
    let history = History::of_cases(2);
    let surroundings = Surroundings::with(&history).await;
    let mut settings = surroundings.settings();
    settings.query.freshness_wait = Duration::from_millis(10);
    let query = Query::start(settings).await;
    query.ready().await;
    let listing =
        ListCasesRequest { consistency: Some(at_least([token(EPOCH, 1), token(EPOCH, 5)])), ..Default::default() };
    for refusal in [refusal(query.get(get_at_least("CASE-001", 5)).await), refusal(query.list(listing).await)] {
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Unavailable, "PROJECTION_LAGGING"));
        let metadata = |key: &str| refusal.metadata[key].as_str();
        assert_eq!([metadata("lag_events"), metadata("position"), metadata("wanted")], ["3", "2", "5"]);
        assert!(refusal.retry);
    }
    query.stop().await;
}

#[tokio::test]
async fn tokens_of_other_stores_and_nonsense_are_refused() {
    let (_surroundings, query) = Surroundings::projected(&History::of_cases(1)).await;
    let good = token(EPOCH, 1);
    for bad in ["", "nonsense", &token(OTHER_EPOCH, 1), &good[1..]] {
        let consistency = Some(at_least([good.clone(), bad.to_owned()]));
        let refusal = refusal(query.get(GetCaseRequest { consistency, ..get_case("CASE-001") }).await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::InvalidArgument, "INVALID_CONSISTENCY_TOKEN"));
        assert_eq!(refusal.fields, ["consistency.at_least_as_fresh[1]"]);
    }
    let many = |count: usize| GetCaseRequest {
        consistency: Some(at_least(vec![good.clone(); count])),
        ..get_case("CASE-001")
    };
    assert!(query.get(many(64)).await.is_ok());
    assert_eq!(refusal(query.get(many(65)).await).reason, "VALIDATION_FAILED");
    query.stop().await;
}

#[tokio::test]
async fn before_the_feed_was_ever_open_nobody_is_answered() {
    let surroundings = Surroundings::with(&History::new()).await;
    let mut settings = surroundings.settings();
    settings.query.freshness_wait = Duration::from_millis(10);
    // Nobody listens there.
    settings.query.feed_url = "http://127.0.0.1:1".to_owned();
    let query = Query::start(settings).await;
    query.not_ready().await;
    for request in [get_case("CASE-001"), get_at_least("CASE-001", 1)] {
        let refusal = refusal(query.get(request).await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Unavailable, "PROJECTION_LAGGING"));
        assert!(refusal.retry);
    }
    query.stop().await;
}
