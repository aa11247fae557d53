//! Several cases at one moment.

use std::collections::BTreeMap;

use case_api::pb::BatchGetCasesRequest;
use tonic::Code;

use crate::history::History;
use crate::stage::{Stage, id, position, versions_at_each_position};
use crate::system::{EPOCH, Query, Surroundings, at_least, refusal, token};

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers.into_iter().map(id).collect()
}

#[tokio::test]
async fn cases_come_in_the_order_asked_for_and_as_often() {
    let history = History::of_cases(20);
    let stage = Stage::of(&history).await;
    for wanted in [vec![3, 1, 3], (1..=20).rev().chain([7]).collect()] {
        let answer = stage.batch(ids(wanted.clone())).await.unwrap();
        let got: Vec<String> = answer.cases.iter().map(|case| case.case_id.clone()).collect();
        assert_eq!(got, ids(wanted));
        assert_eq!(answer.as_of, token(EPOCH, 20));
        assert_eq!(answer.cases[0], stage.case(history_number(&answer.cases[0].case_id)).await);
    }
    stage.query.stop().await;
}

fn history_number(case_id: &str) -> u64 {
    case_id.trim_start_matches("CASE-").parse().unwrap()
}

#[tokio::test]
async fn every_missing_case_is_named() {
    let stage = Stage::of(&History::of_cases(2)).await;
    let wanted = ["CASE-002", "CASE-009", "nonsense", "CASE-001", "CASE-1", "CASE-009"].map(ToOwned::to_owned);
    let refused = refusal(stage.batch(wanted.to_vec()).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "CASE_NOT_FOUND"));
    assert_eq!(refused.resource.as_deref(), Some("CASE-009"));
    assert_eq!(refused.metadata["case_id"], "CASE-009");
    assert_eq!(refused.metadata["case_ids"], "CASE-009, nonsense, CASE-1");
    assert_eq!(refused.metadata["missing"], "3");
    // As large as it gets: it still has to reach the caller.
    let long = (0..1_000).map(|nth| format!("{nth:0>128}")).collect();
    let refused = refusal(stage.batch(long).await);
    assert_eq!((refused.reason.as_str(), refused.metadata["missing"].as_str()), ("CASE_NOT_FOUND", "1000"));
    let wide = (0..1_000).map(|nth| format!("{nth}{}", "\u{1f4a7}".repeat(124))).collect();
    assert_eq!(refusal(stage.batch(wide).await).reason, "CASE_NOT_FOUND");
    stage.query.stop().await;
}

#[tokio::test]
async fn invalid_batches_name_every_invalid_field() {
    let stage = Stage::of(&History::of_cases(1)).await;
    for (case_ids, fields) in [
        (vec![], vec!["case_ids"]),
        (vec!["CASE-001".to_owned(); 1_001], vec!["case_ids"]),
        (vec![String::new(), id(1), "x".repeat(129)], vec!["case_ids[0]", "case_ids[2]"]),
    ] {
        let refused = refusal(stage.batch(case_ids).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::InvalidArgument, "VALIDATION_FAILED"));
        assert_eq!(refused.fields, fields);
    }
    let unfounded = BatchGetCasesRequest { case_ids: ids([1]), consistency: Some(at_least(["x".to_owned()])) };
    let refused = refusal(stage.query.client().batch_get_cases(unfounded).await);
    assert_eq!(refused.reason, "INVALID_CONSISTENCY_TOKEN");
    stage.query.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_into_an_answer_is_refused_with_its_limit() {
    let history = History::of_cases(300);
    let surroundings = Surroundings::with(&history).await;
    let mut settings = surroundings.settings();
    settings.limits.message_bytes = 16 * 1_024;
    let query = Query::start(settings).await;
    query.ready().await;
    let batch = async |case_ids| {
        let request = BatchGetCasesRequest { case_ids, consistency: None };
        query.client().batch_get_cases(request).await
    };
    let refused = refusal(batch(ids(1..=300)).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
    assert!(refused.quota && refused.metadata["limit"] == "16384");
    let missing = refusal(batch(ids(1..=301)).await);
    assert_eq!((missing.reason.as_str(), missing.metadata["case_ids"].as_str()), ("CASE_NOT_FOUND", "CASE-301"));
    assert_eq!(batch(ids(1..=20)).await.unwrap().into_inner().cases.len(), 20, "the control");
    query.stop().await;
}

/// While cases change, a batch shows all of them as they were at one position.
#[tokio::test]
async fn a_batch_is_of_one_moment() {
    const CASES: u64 = 12;
    let mut history = History::of_cases(CASES);
    let stage = Stage::of(&history).await;
    for nth in 0..300 {
        history.comment(nth % CASES + 1, "again");
    }
    let expected = versions_at_each_position(&history);
    let mut seen = BTreeMap::new();
    for head in usize::try_from(CASES).unwrap()..=history.events.len() {
        let events = history.events[..head].to_vec();
        stage.surroundings.feed.change(|content| content.events = events);
        // Few cases are read on the runtime's own thread, many on another.
        for count in [CASES, 5] {
            let answer = stage.batch(ids(1..=count)).await.unwrap();
            let at = position(&answer.as_of);
            let versions = answer.cases.iter().map(|case| (history_number(&case.case_id), case.version));
            let wanted = expected[at].clone().into_iter().take(answer.cases.len());
            assert!(versions.eq(wanted), "as of {at}");
            *seen.entry(at).or_insert(0) += 1;
        }
    }
    assert!(seen.len() > 10, "the cases changed between the reads: {seen:?}");
    stage.query.stop().await;
}
