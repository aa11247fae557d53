//! Errors, with everything that the contract promises in them.

use case_api::pb::{CaseFilter, GetCaseRequest, ListCasesRequest};
use tonic::Code;

use crate::history::History;
use crate::system::{Surroundings, at_least, get_case, list_of, refusal};

#[tokio::test]
async fn invalid_requests_name_every_invalid_field() {
    let (_surroundings, query) = Surroundings::projected(&History::of_cases(1)).await;
    let request = GetCaseRequest { case_id: "x".repeat(129), consistency: Some(at_least(["x".to_owned()])) };
    let refused = refusal(query.get(request).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::InvalidArgument, "VALIDATION_FAILED"));
    assert_eq!(refused.fields, ["case_id", "consistency.at_least_as_fresh[0]"]);
    let size = ListCasesRequest { page_size: -1, ..Default::default() };
    let page = ListCasesRequest { page_token: "x".to_owned(), ..Default::default() };
    let malformed = CaseFilter { statuses: vec!["in review".to_owned()], ..CaseFilter::default() };
    let all = ListCasesRequest { page_size: -1, page_token: "x".to_owned(), ..list_of(malformed) };
    for (request, reason, fields) in [
        (size, "INVALID_PAGE_SIZE", &["page_size"][..]),
        (page, "INVALID_PAGE_TOKEN", &["page_token"]),
        (all, "VALIDATION_FAILED", &["filter.statuses[0]", "page_size", "page_token"]),
    ] {
        let refused = refusal(query.list(request).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::InvalidArgument, reason));
        assert_eq!(refused.fields, fields);
    }
    query.stop().await;
}

#[tokio::test]
async fn a_page_token_belongs_to_its_filter_and_order() {
    let (_surroundings, query) = Surroundings::projected(&History::of_cases(4)).await;
    let first = ListCasesRequest {
        page_size: 1,
        ..list_of(CaseFilter { tags_all: vec!["fire".to_owned()], ..CaseFilter::default() })
    };
    let page_token = query.list(first.clone()).await.unwrap().next_page_token;
    let next = ListCasesRequest { page_token, ..first };
    assert_eq!(query.list(next.clone()).await.unwrap().cases[0].case_id, "CASE-001", "the control");
    let other_order = ListCasesRequest { order_by: "case_id".to_owned(), ..next.clone() };
    for other in [other_order, ListCasesRequest { filter: None, ..next }] {
        assert_eq!(refusal(query.list(other).await).reason, "INVALID_PAGE_TOKEN");
    }
    query.stop().await;
}

#[tokio::test]
async fn a_damaged_row_is_internal_and_turns_readiness_off() {
    let (surroundings, query) = Surroundings::projected(&History::of_cases(2)).await;
    surroundings.tamper("UPDATE cases SET state = x'ff' WHERE number = 2");
    assert!(query.get(get_case("CASE-001")).await.is_ok(), "the control");
    let refused = refusal(query.get(get_case("CASE-002")).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Internal, "INTERNAL"));
    query.not_ready().await;
    query.stop().await;
}

#[tokio::test]
async fn a_failed_statement_is_internal_and_says_no_more() {
    let (surroundings, query) = Surroundings::projected(&History::of_cases(1)).await;
    surroundings.tamper("ALTER TABLE cases RENAME TO elsewhere");
    let status = query.get(get_case("CASE-001")).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(!status.message().contains("cases"), "nothing internal leaks: {}", status.message());
    surroundings.tamper("ALTER TABLE elsewhere RENAME TO cases");
    assert!(query.get(get_case("CASE-001")).await.is_ok(), "the control");
    query.stop().await;
}
