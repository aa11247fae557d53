//! What callers see of the log.

use case_api::pb::{AuditChange, ListAuditEventsRequest, Outcome};
use tonic::Code;

use crate::events::{CANARY, Happened, TRACE_ID, event_id, of_cases, record};
use crate::system::{Surroundings, of_case};
use crate::varied;

fn change(field: &str, from: &str, to: &str) -> AuditChange {
    AuditChange { field: field.to_owned(), from: from.to_owned(), to: to.to_owned() }
}

#[tokio::test]
async fn an_event_says_who_did_what_when_and_why() {
    let (_surroundings, audit) = Surroundings::recorded(of_cases(1)).await;
    let created = audit.get(&event_id(1)).await.unwrap();
    assert_eq!(created.index, Some(0));
    assert_eq!(created.changes, [change("status", "", "DRAFT"), change("title", "", CANARY)]);
    assert_eq!(created.reason, "");
    let moved = audit.get(&event_id(2)).await.unwrap();
    assert_eq!(moved.audit_event_id, event_id(2));
    assert_eq!((moved.index, moved.case_id.as_str(), moved.case_version), (Some(1), "CASE-001", 2));
    assert_eq!((moved.actor_id.as_str(), moved.action.as_str()), ("amira", "case_transitioned"));
    assert_eq!(moved.outcome(), Outcome::Accepted);
    assert_eq!(moved.changes, [change("status", "DRAFT", "CANCELLED")]);
    assert!(moved.reason.contains(CANARY));
    let time = moved.time.unwrap();
    assert_eq!((time.seconds, time.nanos), (1_795_426_200, 2_000));
    assert_eq!((moved.request_id.as_str(), moved.trace_id.as_str()), ("request-2", TRACE_ID));
    assert_eq!(moved.lifecycle_version, 3);
    audit.stop().await;
}

/// The control is in the same test: digest and text are where they belong.
#[tokio::test]
async fn the_leaf_is_canonical_and_has_no_free_text() {
    let (_surroundings, audit) = Surroundings::recorded(of_cases(1)).await;
    for event in audit.all().await {
        let leaf = String::from_utf8(event.leaf.clone()).unwrap();
        assert!(!leaf.contains(CANARY), "{leaf}");
        let recorded =
            record(Happened { position: event.index.unwrap() + 1, case_number: 1, case_version: event.case_version });
        let evidence = recorded.evidence.unwrap();
        let recomputed = case_audit::leaf::Leaf::of(&evidence).unwrap().to_bytes().unwrap();
        assert_eq!(event.leaf, recomputed, "anybody can recompute a leaf from the evidence");
        let digests = evidence.changes.iter().map(|change| &change.to_digest).chain([&evidence.reason_digest]);
        let digests: Vec<String> = digests.filter(|digest| !digest.is_empty()).map(|digest| hex(digest)).collect();
        assert_eq!(digests.len(), 1);
        assert!(digests.iter().all(|digest| leaf.contains(digest)), "{leaf}");
        let shown = format!("{}{:?}", event.reason, event.changes);
        assert!(shown.contains(CANARY), "{shown}");
    }
    audit.stop().await;
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[tokio::test]
async fn a_list_is_in_the_order_of_the_log_and_can_be_of_one_case() {
    let (_surroundings, audit) = Surroundings::recorded(of_cases(3)).await;
    let indexes = async |request| {
        let response = audit.list(request).await.unwrap();
        assert_eq!(response.next_page_token, "");
        response.audit_events.into_iter().map(|event| event.index.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(indexes(ListAuditEventsRequest::default()).await, [0, 1, 2, 3, 4, 5]);
    assert_eq!(indexes(of_case("CASE-002")).await, [2, 3]);
    // No such case, the same number with another prefix, and what can be no case.
    for nobody in ["CASE-099", "OTHER-002", "CASE-2", "none at all"] {
        assert_eq!(indexes(of_case(nobody)).await, [0; 0], "{nobody}");
    }
    audit.stop().await;
}

#[tokio::test]
async fn pages_neither_repeat_nor_skip() {
    let (surroundings, audit) = Surroundings::recorded(of_cases(30)).await;
    let (mut request, mut indexes) = (ListAuditEventsRequest { page_size: 7, ..Default::default() }, Vec::new());
    loop {
        let page = audit.list(request.clone()).await.unwrap();
        assert!(page.audit_events.len() <= 7);
        indexes.extend(page.audit_events.iter().map(|event| event.index.unwrap()));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
        if indexes.len() == 7 {
            // What is recorded on the way comes at the end.
            surroundings.feed.change(|content| content.events = of_cases(31));
            surroundings.feed.acknowledged(62).await;
        }
    }
    assert_eq!(indexes, (0..62).collect::<Vec<_>>());
    audit.stop().await;
}

#[tokio::test]
async fn page_sizes_have_a_default_and_a_maximum() {
    let (_surroundings, audit) = Surroundings::recorded(of_cases(510)).await;
    let page = |page_size| ListAuditEventsRequest { page_size, ..Default::default() };
    for (page_size, expected) in [(0, 50), (1, 1), (1_000, 1_000), (i32::MAX, 1_000)] {
        let response = audit.list(page(page_size)).await.unwrap();
        assert_eq!(response.audit_events.len(), expected, "{page_size}");
        assert_ne!(response.next_page_token, "");
    }
    let mut of_one_case = of_case("CASE-001");
    of_one_case.page_size = 1;
    of_one_case.page_token = audit.list(of_one_case.clone()).await.unwrap().next_page_token;
    let last = audit.list(of_one_case).await.unwrap();
    assert_eq!((last.audit_events[0].index, last.next_page_token.as_str()), (Some(1), ""));
    audit.stop().await;
}

/// Long texts make short pages: an answer always fits into a message.
#[tokio::test]
async fn a_page_fits_into_a_message() {
    let mut events = of_cases(150);
    for event in &mut events {
        lengthen_the_reason(event);
    }
    let (_surroundings, audit) = Surroundings::recorded(events).await;
    let all = ListAuditEventsRequest { page_size: 1_000, ..Default::default() };
    let page = audit.list(all).await.unwrap();
    assert!((50..300).contains(&page.audit_events.len()), "{}", page.audit_events.len());
    assert_eq!(audit.all().await.len(), 300);
    audit.stop().await;
}

/// The digest is that of the text, as case-command would have made it.
fn lengthen_the_reason(event: &mut case_api::event_pb::RecordedEvent) {
    use case_api::{Stamp, event_from_record, record_event};
    let mut recorded = event_from_record(event).unwrap();
    let mut long = recorded.event.clone();
    long.reason = Some(case_domain::Reason::new(&"\u{10348}".repeat(2_000)).unwrap());
    recorded.event = long;
    let stamp = Stamp { position: recorded.position, event_id: &recorded.event_id, salt: [7; 16] };
    *event = record_event(&recorded.event, stamp);
}

#[tokio::test]
async fn reads_without_an_actor_are_refused() {
    let (_surroundings, audit) = Surroundings::recorded(of_cases(1)).await;
    let anonymous = audit.client.clone().list_audit_events(ListAuditEventsRequest::default()).await.unwrap_err();
    assert_eq!(anonymous.code(), Code::Unauthenticated);
    audit.stop().await;
}

/// The body of a comment is free text, a link is not: what is in the leaf, and what is left when the text is erased.
#[tokio::test]
async fn every_action_is_recorded_and_only_free_text_can_be_erased() {
    let (surroundings, audit) = Surroundings::recorded(varied::events()).await;
    let shown = |events: &[case_api::pb::AuditEvent], action: &str| {
        let event = events.iter().find(|event| event.action == action).unwrap();
        (event.changes.clone(), String::from_utf8(event.leaf.clone()).unwrap())
    };
    let link = r#"{"case_id":"CASE-009","link_type":"DUPLICATES"}"#;
    let events = audit.all().await;
    for (action, expected) in [
        ("case_updated", change("priority", "", "HIGH")),
        ("case_assigned", change("assignee", "", "dewi")),
        ("case_commented", change("comment", "", CANARY)),
        ("case_linked", change("link", "", link)),
        ("case_unlinked", change("link", link, "")),
    ] {
        let (changes, leaf) = shown(&events, action);
        assert_eq!(changes, [expected], "{action}");
        assert!(!leaf.contains(CANARY) && leaf.contains(action), "{leaf}");
        assert_eq!(leaf.contains("CASE-009"), action.contains("link"), "{leaf}");
    }
    surroundings.tamper("UPDATE audit_log SET content = x''");
    let events = audit.all().await;
    assert_eq!(shown(&events, "case_commented").0, [change("comment", "", case_api::ERASED)]);
    assert_eq!(shown(&events, "case_linked").0, [change("link", "", link)]);
    audit.stop().await;
}
