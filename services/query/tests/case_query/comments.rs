//! The comments on a case.

use std::collections::BTreeSet;

use case_api::pb::{Comment, ListCommentsRequest};
use case_api::timestamp_to_pb;
use tonic::Code;

use crate::history::History;
use crate::stage::{Stage, comments_of, timeline_of};
use crate::system::{Query, Surroundings, refusal};

/// Two cases, the first with so many comments.
fn commented(count: usize) -> History {
    let mut history = History::of_cases(2);
    for nth in 1..=count {
        history.comment(1, &format!("remark {nth}"));
    }
    history
}

fn bodies(comments: &[Comment]) -> Vec<&str> {
    comments.iter().map(|comment| comment.body.as_str()).collect()
}

#[tokio::test]
async fn comments_are_numbered_within_their_case_and_listed_oldest_first() {
    let mut history = commented(1);
    history.comment(2, "elsewhere");
    let second = history.comment(1, "line one\nline two").clone();
    let stage = Stage::of(&history).await;
    let comments = stage.comments(comments_of("CASE-001")).await.unwrap().comments;
    assert_eq!(bodies(&comments), ["remark 1", "line one\nline two"]);
    let expected = Comment {
        comment_id: "CASE-001#2".to_owned(),
        case_id: "CASE-001".to_owned(),
        actor_id: "amira".to_owned(),
        body: "line one\nline two".to_owned(),
        create_time: Some(timestamp_to_pb(second.update_time)),
    };
    assert_eq!(comments[1], expected);
    let elsewhere = stage.comments(comments_of("CASE-002")).await.unwrap();
    assert_eq!(elsewhere.comments[0].comment_id, "CASE-002#1");
    assert_eq!(elsewhere.next_page_token, "");
    assert_eq!(stage.case(1).await.comment_count, 2);
    stage.query.stop().await;
}

#[tokio::test]
async fn pages_go_on_where_the_one_before_ended_while_comments_are_made() {
    let mut history = commented(7);
    let stage = Stage::of(&history).await;
    let (mut walked, mut request) = (Vec::new(), ListCommentsRequest { page_size: 3, ..comments_of("CASE-001") });
    loop {
        let page = stage.comments(request.clone()).await.unwrap();
        walked.extend(page.comments.into_iter().map(|comment| comment.body));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
        if walked.len() < 9 {
            history.comment(1, "meanwhile");
            stage.publish(&history).await;
        }
    }
    let first: Vec<String> = (1..=7).map(|nth| format!("remark {nth}")).collect();
    assert_eq!(walked[..7], first);
    assert_eq!(walked[7..], ["meanwhile", "meanwhile"]);
    stage.query.stop().await;
}

#[tokio::test]
async fn a_case_without_comments_has_none_and_no_case_is_not_found() {
    let stage = Stage::of(&commented(0)).await;
    let none = stage.comments(comments_of("CASE-001")).await.unwrap();
    assert_eq!((none.comments.len(), none.next_page_token.as_str()), (0, ""));
    for id in ["CASE-003", "CASE-1", "OTHER-001"] {
        let refused = refusal(stage.comments(comments_of(id)).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "CASE_NOT_FOUND"), "{id}");
        assert_eq!(refused.resource.as_deref(), Some(id));
    }
    stage.query.stop().await;
}

#[tokio::test]
async fn a_page_token_belongs_to_its_case_and_to_comments() {
    let mut history = commented(2);
    history.comment(2, "a");
    let stage = Stage::of(&history).await;
    let first = ListCommentsRequest { page_size: 1, ..comments_of("CASE-001") };
    let page_token = stage.comments(first.clone()).await.unwrap().next_page_token;
    let next = ListCommentsRequest { page_token: page_token.clone(), ..first };
    assert_eq!(bodies(&stage.comments(next.clone()).await.unwrap().comments), ["remark 2"], "the control");
    let other_case = ListCommentsRequest { case_id: "CASE-002".to_owned(), ..next.clone() };
    let refused = refusal(stage.comments(other_case).await);
    assert_eq!((refused.reason.as_str(), refused.fields), ("INVALID_PAGE_TOKEN", vec!["page_token".to_owned()]));
    let mut other_part = timeline_of("CASE-001");
    other_part.page_token = page_token;
    assert_eq!(refusal(stage.timeline(other_part).await).reason, "INVALID_PAGE_TOKEN");
    let all_wrong = ListCommentsRequest {
        case_id: String::new(),
        page_size: -1,
        page_token: "x".to_owned(),
        ..ListCommentsRequest::default()
    };
    let refused = refusal(stage.comments(all_wrong).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::InvalidArgument, "VALIDATION_FAILED"));
    assert_eq!(refused.fields, ["case_id", "page_size", "page_token"]);
    stage.query.stop().await;
}

#[tokio::test]
async fn a_page_is_cut_where_the_message_is_full() {
    let mut history = History::of_cases(1);
    for nth in 0..40 {
        history.comment(1, &format!("{nth} {}", "x".repeat(1_000)));
    }
    let surroundings = Surroundings::with(&history).await;
    let mut settings = surroundings.settings();
    settings.limits.message_bytes = 16 * 1_024;
    let query = Query::start(settings).await;
    query.ready().await;
    let (mut met, mut pages, mut request) = (BTreeSet::new(), 0, comments_of("CASE-001"));
    loop {
        let page = query.client().list_comments(request.clone()).await.unwrap().into_inner();
        assert!(!page.comments.is_empty());
        met.extend(page.comments.into_iter().map(|comment| comment.comment_id));
        pages += 1;
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(met.len(), 40);
    assert!(pages > 2, "{pages}");
    query.stop().await;
}
