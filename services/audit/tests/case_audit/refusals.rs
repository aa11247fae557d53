//! Errors, with everything that the contract promises in them.

use case_api::pb::{AuditEventFilter, ListAuditEventsRequest};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::events::{CANARY, event_id, of_cases};
use crate::system::{Surroundings, of_case};
use crate::telemetry::Logs;

/// The reason of a failure, after checking what every failure has.
fn reason(status: &Status) -> String {
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.domain, "casetracker");
    assert_eq!(status.get_details_request_info().unwrap().request_id, "test-request");
    info.reason
}

fn fields(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request().unwrap().field_violations;
    violations.into_iter().map(|violation| violation.field).collect()
}

#[tokio::test]
async fn an_event_that_does_not_exist_is_not_found() {
    let (_surroundings, audit) = Surroundings::recorded(of_cases(1)).await;
    for id in [&event_id(99), "nonsense", &event_id(1).to_uppercase()] {
        let status = audit.get(id).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "AUDIT_EVENT_NOT_FOUND"));
        let resource = status.get_details_resource_info().unwrap();
        assert_eq!(resource.resource_type, "casetracker.v1.AuditEvent");
        assert_eq!(resource.resource_name, *id);
        assert_eq!(status.get_details_error_info().unwrap().metadata["audit_event_id"], *id);
    }
    audit.stop().await;
}

#[tokio::test]
async fn invalid_requests_name_every_invalid_field() {
    let (_surroundings, audit) = Surroundings::recorded(of_cases(1)).await;
    for id in ["", &"x".repeat(129)] {
        let status = audit.get(id).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "VALIDATION_FAILED"));
        assert_eq!(fields(&status), ["audit_event_id"]);
    }
    let negative = ListAuditEventsRequest { page_size: -1, ..Default::default() };
    let token = ListAuditEventsRequest { page_token: "x".to_owned(), ..Default::default() };
    let both = ListAuditEventsRequest { page_token: "x".to_owned(), ..negative.clone() };
    let everything = ListAuditEventsRequest { filter: of_case(&"x".repeat(129)).filter, ..both.clone() };
    for (request, expected, invalid) in [
        (negative, "INVALID_PAGE_SIZE", &["page_size"][..]),
        (token, "INVALID_PAGE_TOKEN", &["page_token"]),
        (both, "INVALID_PAGE_SIZE", &["page_size", "page_token"]),
        (everything, "VALIDATION_FAILED", &["filter.case_id", "page_size", "page_token"]),
    ] {
        let status = audit.list(request).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, expected));
        assert_eq!(fields(&status), invalid);
    }
    audit.stop().await;
}

#[tokio::test]
async fn a_filter_names_every_invalid_field_and_what_there_is_instead() {
    let (_surroundings, audit) = Surroundings::recorded(of_cases(1)).await;
    let never = || Some(prost_types::Timestamp { seconds: 0, nanos: -1 });
    let filter = AuditEventFilter {
        case_id: "x".repeat(129),
        actor_id: CANARY.repeat(9),
        action: "case_closed".to_owned(),
        outcome: 9,
        time_from: never(),
        time_to: never(),
        request_id: "r".repeat(129),
        trace_id: "0af7".to_owned(),
    };
    let request = ListAuditEventsRequest { filter: Some(filter), page_size: -1, page_token: "x".to_owned() };
    let status = audit.list(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "VALIDATION_FAILED"));
    let filters = ["case_id", "actor_id", "action", "outcome", "time_from", "time_to", "request_id", "trace_id"];
    let mut found = fields(&status);
    found.sort();
    let mut wanted: Vec<String> = filters.iter().map(|name| format!("filter.{name}")).collect();
    wanted.extend(["page_size".to_owned(), "page_token".to_owned()]);
    wanted.sort();
    assert_eq!(found, wanted);
    assert!(status.message().contains("case_created, case_transitioned, case_updated"), "{}", status.message());
    audit.stop().await;
}

#[tokio::test]
async fn a_page_token_belongs_to_its_filter() {
    let (_surroundings, audit) = Surroundings::recorded(of_cases(2)).await;
    let first = ListAuditEventsRequest { page_size: 1, ..of_case("CASE-001") };
    let page_token = audit.list(first.clone()).await.unwrap().next_page_token;
    let next = ListAuditEventsRequest { page_token: page_token.clone(), ..first };
    assert_eq!(audit.list(next).await.unwrap().audit_events[0].index, Some(1), "the control");
    for other in ["", "CASE-002", "nobody"] {
        let moved = ListAuditEventsRequest { page_token: page_token.clone(), ..of_case(other) };
        let status = audit.list(moved).await.unwrap_err();
        assert_eq!(reason(&status), "INVALID_PAGE_TOKEN");
        assert!(status.message().contains("another filter"), "{}", status.message());
    }
    audit.stop().await;
}

#[tokio::test]
async fn a_record_that_was_tampered_with_is_not_served_as_evidence() {
    let tampering = [
        "DROP TRIGGER audit_log_keeps_evidence; UPDATE audit_log SET leaf = x'7b7d' WHERE log_index = 1",
        "UPDATE audit_log SET content = x'ff' WHERE log_index = 1",
        // Another reason: the text of the first event, which has a title and no reason.
        "UPDATE audit_log SET content = (SELECT content FROM audit_log WHERE log_index = 0) WHERE log_index = 1",
    ];
    for sql in tampering {
        let logs = Logs::from_now_on();
        let (surroundings, audit) = Surroundings::recorded(of_cases(1)).await;
        surroundings.tamper(sql);
        audit.get(&event_id(1)).await.expect("the control: another record is still good");
        let status = audit.get(&event_id(2)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::DataLoss, "AUDIT_LOG_CORRUPT"), "{sql}");
        let resource = status.get_details_resource_info().unwrap();
        assert_eq!(
            (resource.resource_type.as_str(), resource.resource_name.as_str()),
            ("casetracker.v1.AuditEvent", "1")
        );
        let line = logs.logged("audit_log_corrupted").await;
        assert!(line.contains("index 1") && !line.contains(CANARY), "{line}");
        audit.not_ready().await;
        let listed = audit.list(ListAuditEventsRequest::default()).await.unwrap_err();
        assert_eq!(reason(&listed), "AUDIT_LOG_CORRUPT");
        audit.stop().await;
    }
}

#[tokio::test]
async fn a_failed_statement_is_internal_and_says_no_more() {
    let (surroundings, audit) = Surroundings::recorded(of_cases(1)).await;
    surroundings.tamper("ALTER TABLE audit_log RENAME TO elsewhere");
    let status = audit.get(&event_id(1)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"));
    assert!(!status.message().contains("audit_log"), "nothing internal leaks: {}", status.message());
    surroundings.tamper("ALTER TABLE elsewhere RENAME TO audit_log");
    audit.get(&event_id(1)).await.expect("the control");
    audit.stop().await;
}
