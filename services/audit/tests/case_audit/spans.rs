//! Which spans and lines the service leaves of an event and of a read.

use opentelemetry::trace::SpanId;

use crate::events::{CANARY, event_id, of_cases};
use crate::system::{Surroundings, of_case};
use crate::telemetry::{lines, spans, spans_of};

/// The span that an event was decided in.
const CAUSE: u64 = 0xab;

#[tokio::test]
async fn an_event_is_recorded_in_the_trace_of_its_request() {
    let (surroundings, audit) = Surroundings::recorded(Vec::new()).await;
    let mut events = of_cases(1);
    let trace = 0x5a11;
    let evidence = events[1].evidence.as_mut().unwrap();
    evidence.traceparent = format!("00-{trace:032x}-{CAUSE:016x}-01");
    evidence.request_id = "the-request".to_owned();
    surroundings.feed.change(|content| content.events = events);
    surroundings.feed.acknowledged(2).await;
    audit.stop().await;

    let spans = spans_of(trace);
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let (record, append) = (named("audit.record"), named("store.append"));
    assert_eq!(spans.len(), 2, "{spans:?}");
    assert_eq!(record.parent_span_id, SpanId::from(CAUSE));
    assert_eq!(append.parent_span_id, record.span_context.span_id());
    assert_eq!(record.instrumentation_scope.name(), "case-audit");
    let lines = lines();
    let recorded = lines.iter().filter(|line| line.name == "audit_event_recorded");
    let line = recorded.into_iter().find(|line| line.text.contains("the-request")).unwrap();
    for part in ["index=1", "CASE-001", "case_transitioned"] {
        assert!(line.text.contains(part), "{part}: {}", line.text);
    }
}

#[tokio::test]
async fn reads_have_a_span_and_one_of_the_store() {
    let (_surroundings, audit) = Surroundings::recorded(of_cases(1)).await;
    audit.get(&event_id(1)).await.unwrap();
    audit.list(of_case("CASE-001")).await.unwrap();
    audit.stop().await;
    let spans = spans();
    for name in ["audit.get_audit_event", "audit.list_audit_events"] {
        let mut outer = spans.iter().filter(|span| span.name == name).map(|span| span.span_context.span_id());
        let has_inner = |id| spans.iter().any(|span| span.name == "store.read" && span.parent_span_id == id);
        assert!(outer.any(has_inner), "{name}");
    }
}

/// The control is that the text was served.
#[tokio::test]
async fn no_text_of_a_case_is_in_spans_or_lines() {
    let (_surroundings, audit) = Surroundings::recorded(of_cases(1)).await;
    assert!(format!("{:?}", audit.all().await).contains(CANARY));
    assert!(audit.get(CANARY).await.is_err());
    audit.stop().await;
    assert!(!format!("{:?}", spans()).contains(CANARY));
    let told = lines().into_iter().find(|line| line.text.contains(CANARY));
    assert!(told.is_none(), "{told:?}");
}
