//! One case, as callers see it.

use case_api::case_to_pb;
use tonic::Code;

use crate::history::{History, lifecycle};
use crate::system::{EPOCH, Surroundings, get_at_least, get_case, refusal, token};

#[tokio::test]
async fn a_case_is_what_its_events_made_it() {
    let mut history = History::of_cases(3);
    history.transition(2, "SUBMITTED");
    history.transition(2, "CANCELLED");
    let (_surroundings, query) = Surroundings::projected(&history).await;
    for (number, id) in [(1, "CASE-001"), (2, "CASE-002"), (3, "CASE-003")] {
        let answer = query.get(get_case(id)).await.unwrap();
        assert_eq!(answer.case.unwrap(), case_to_pb(&history.cases[&number], &lifecycle()));
        assert_eq!(answer.as_of, token(EPOCH, 5));
    }
    query.stop().await;
}

#[tokio::test]
async fn what_no_case_is_called_is_not_found() {
    let (_surroundings, query) = Surroundings::projected(&History::of_cases(1)).await;
    for id in ["CASE-002", "CASE-1", "OTHER-001", "nonsense"] {
        let refusal = refusal(query.get(get_case(id)).await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::NotFound, "CASE_NOT_FOUND"), "{id}");
        assert_eq!(refusal.resource.as_deref(), Some(id));
        assert!(!refusal.request_id.is_empty());
    }
    query.stop().await;
}

#[tokio::test]
async fn another_lifecycle_changes_what_is_allowed_next() {
    let history = History::of_cases(1);
    let (surroundings, query) = Surroundings::projected(&history).await;
    let allowed = |answer: case_api::pb::GetCaseResponse| answer.case.unwrap().allowed_transitions.len();
    assert_eq!(allowed(query.get(get_case("CASE-001")).await.unwrap()), 2);
    let mut more = History::of_cases(1);
    more.create("after the lifecycle");
    surroundings.feed.change(|content| {
        content.lifecycle.version = 2;
        content.lifecycle.transitions.retain(|edge| edge.to_status != "CANCELLED");
        content.events.clone_from(&more.events);
    });
    assert_eq!(allowed(query.get(get_at_least("CASE-001", 2)).await.unwrap()), 1);
    query.stop().await;
}
