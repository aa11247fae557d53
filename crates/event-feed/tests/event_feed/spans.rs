//! Which spans a consumer leaves.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use case_api::event_pb::{Evidence, RecordedEvent};
use event_feed::TRACE_AGE_MAX;
use event_feed::fake::{Content, FakeFeed};
use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, TraceId};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor};
use service_kit::clock::{Clock, SystemClock};
use service_kit::telemetry::Sampling;
use tracing_subscriber::layer::SubscriberExt;

use crate::following::{begin, event};
use crate::notebook::Notebook;

/// Keeps every span that ends.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Kept {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Consumers work on threads of the runtime's, so the subscriber is the whole test binary's.
static KEPT: LazyLock<Kept> = LazyLock::new(|| {
    let kept = Kept::default();
    let sampling = Sampling::new(Sampler::AlwaysOn);
    let provider =
        SdkTracerProvider::builder().with_sampler(sampling.clone()).with_span_processor(kept.clone()).build();
    let subscriber =
        tracing_subscriber::registry().with(service_kit::telemetry::spans(&provider, &sampling, "test", "0"));
    tracing::subscriber::set_global_default(subscriber).unwrap();
    kept
});

fn spans_of(trace: u128) -> Vec<SpanData> {
    let spans = KEPT.0.lock().unwrap();
    spans.iter().filter(|span| span.span_context.trace_id() == TraceId::from(trace)).cloned().collect()
}

fn traced(position: u64, trace: u128, age: Duration) -> RecordedEvent {
    let age_us = i64::try_from(age.as_micros()).unwrap();
    let evidence = Evidence {
        position,
        time_unix_us: SystemClock.unix_us() - age_us,
        case_id: "CASE-001".to_owned(),
        traceparent: format!("00-{trace:032x}-00000000000000ab-01"),
        ..Evidence::default()
    };
    RecordedEvent { evidence: Some(evidence), content: None }
}

#[tokio::test]
async fn an_event_is_a_span_in_the_trace_of_its_request_linked_to_the_batch() {
    LazyLock::force(&KEPT);
    let feed = FakeFeed::start(Content::default()).await.unwrap();
    let notebook = Notebook::new([]);
    let following = begin(&notebook, &feed);
    notebook.lifecycles.subscribe().wait_for(|seen| !seen.is_empty()).await.unwrap();
    feed.change(|content| content.events.push(traced(1, 0xfeed, Duration::ZERO)));
    feed.acknowledged(1).await;
    following.end().await;

    let spans = spans_of(0xfeed);
    assert_eq!(spans.len(), 1, "{spans:?}");
    let span = &spans[0];
    assert_eq!((&*span.name, &span.span_kind), ("notebook.note", &SpanKind::Consumer));
    assert_eq!(span.parent_span_id.to_string(), "00000000000000ab");
    assert_eq!(span.instrumentation_scope.name(), "notebook");
    let link = &span.links.links[0].span_context;
    let batch = spans_of(u128::from_be_bytes(link.trace_id().to_bytes()));
    assert_eq!(batch.len(), 1, "the batch is a trace of its own");
    assert_eq!(&*batch[0].name, "notebook.apply_batch");
    assert_eq!(batch[0].span_context.span_id(), link.span_id());
}

#[tokio::test]
async fn what_is_rebuilt_or_old_or_untraced_leaves_no_span() {
    LazyLock::force(&KEPT);
    let rebuilt = traced(1, 0x01d, Duration::ZERO);
    let feed = FakeFeed::start(Content { events: vec![rebuilt], ..Content::default() }).await.unwrap();
    let notebook = Notebook::new([]);
    let following = begin(&notebook, &feed);
    feed.acknowledged(1).await;
    feed.change(|content| {
        content.events.push(traced(2, 0x02d, TRACE_AGE_MAX + Duration::from_secs(1)));
        content.events.push(event(3));
        content.events.push(traced(4, 0x04d, Duration::ZERO));
    });
    feed.acknowledged(4).await;
    following.end().await;
    assert_eq!(spans_of(0x01d).len(), 0);
    assert_eq!(spans_of(0x02d).len(), 0);
    assert_eq!(spans_of(0x04d).len(), 1, "the control: a fresh event after the rebuild");
}
