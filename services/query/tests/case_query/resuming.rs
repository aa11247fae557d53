//! Restarts of either side, and rebuilding.

use case_api::pb::ListCasesRequest;
use service_kit::exit::ExitCode;

use crate::history::History;
use crate::system::{EPOCH, OTHER_EPOCH, Query, Surroundings, get_at_least, get_case, refusal, token};

async fn titles(query: &Query) -> Vec<String> {
    let request = ListCasesRequest { order_by: "case_id".to_owned(), ..ListCasesRequest::default() };
    query.list(request).await.unwrap().cases.into_iter().map(|case| case.title).collect()
}

#[tokio::test]
async fn after_a_restart_it_goes_on_where_it_was_and_doubles_nothing() {
    let mut history = History::of_cases(5);
    let (surroundings, query) = Surroundings::projected(&history).await;
    query.stop().await;
    history.transition(1, "SUBMITTED");
    history.create("while it was away");
    surroundings.publish(&history);
    let query = surroundings.start().await;
    let case = query.get(get_at_least("CASE-001", 7)).await.unwrap().case.unwrap();
    assert_eq!((case.version, case.status.as_str()), (2, "SUBMITTED"));
    assert_eq!(titles(&query).await.len(), 6);
    let starts: Vec<u64> = surroundings.feed.starts().iter().map(|start| start.after_position).collect();
    assert_eq!(starts, [0, 5]);
    query.stop().await;
}

#[tokio::test]
async fn without_its_feed_it_answers_from_what_it_has_but_is_not_ready() {
    let history = History::of_cases(2);
    let (surroundings, query) = Surroundings::projected(&history).await;
    query.stop().await;
    let mut settings = surroundings.settings();
    settings.query.feed_url = "http://127.0.0.1:1".to_owned();
    let query = Query::start(settings).await;
    query.not_ready().await;
    let answer = query.get(get_case("CASE-002")).await.unwrap();
    assert_eq!(answer.as_of, token(EPOCH, 2));
    assert_eq!(answer.case.unwrap().allowed_transitions.len(), 2, "the lifecycle was kept");
    query.stop().await;
}

#[tokio::test]
async fn another_epoch_rebuilds_everything() {
    let (surroundings, query) = Surroundings::projected(&History::of_cases(5)).await;
    let mut restored = History::new();
    restored.create("restored");
    surroundings.feed.change(|content| {
        content.epoch = OTHER_EPOCH;
        content.events.clone_from(&restored.events);
    });
    surroundings.feed.break_links();
    surroundings.feed.started(3).await;
    query.ready().await;
    assert_eq!(titles(&query).await, ["restored"]);
    assert_eq!(query.get(get_case("CASE-001")).await.unwrap().as_of, token(OTHER_EPOCH, 1));
    assert_eq!(refusal(query.get(get_at_least("CASE-001", 1)).await).reason, "INVALID_CONSISTENCY_TOKEN");
    query.stop().await;
}

#[tokio::test]
async fn a_feed_that_is_shorter_rebuilds_everything() {
    let (surroundings, query) = Surroundings::projected(&History::of_cases(5)).await;
    query.stop().await;
    surroundings.publish(&History::of_cases(3));
    let query = surroundings.start().await;
    surroundings.feed.started(3).await;
    query.ready().await;
    assert_eq!(titles(&query).await.len(), 3);
    query.stop().await;
}

#[tokio::test]
async fn a_feed_with_another_event_at_the_same_position_rebuilds_everything() {
    let (surroundings, query) = Surroundings::projected(&History::of_cases(2)).await;
    query.stop().await;
    // The store lost its last event, and gave position and number to another one.
    let mut history = History::of_cases(1);
    history.create("given twice");
    surroundings.publish(&history);
    surroundings.feed.change(|content| {
        let evidence = content.events[1].evidence.as_mut().unwrap();
        evidence.event_id = "01a208cd-888e-75a4-ba0b-a6781beadf31".to_owned();
    });
    let query = surroundings.start().await;
    surroundings.feed.started(3).await;
    query.ready().await;
    assert!(titles(&query).await.contains(&"given twice".to_owned()));
    query.stop().await;
}

#[tokio::test]
async fn an_event_that_is_not_known_here_halts_and_what_was_read_before_stays() {
    let mut history = History::of_cases(3);
    let (surroundings, query) = Surroundings::projected(&history).await;
    history.create("of a newer version");
    if let Some(evidence) = history.events.last_mut().and_then(|event| event.evidence.as_mut()) {
        evidence.action = 99;
    }
    surroundings.publish(&history);
    query.not_ready().await;
    assert_eq!(titles(&query).await.len(), 3);
    assert_eq!(surroundings.feed.acknowledged_now(), 3);
    query.stop().await;
}

#[tokio::test]
async fn a_second_service_on_the_same_store_is_refused() {
    let (surroundings, query) = Surroundings::projected(&History::of_cases(1)).await;
    let second = surroundings.start().await;
    assert_eq!(second.ended().await.unwrap_err().code, ExitCode::InUse);
    query.stop().await;
}
