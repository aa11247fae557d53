//! Which spans the service leaves of an event and of a read.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor};
use service_kit::telemetry::Sampling;
use tracing_subscriber::layer::SubscriberExt;

use crate::history::{History, trace_id};
use crate::system::{Surroundings, get_at_least};

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

/// The service works on several threads, so the subscriber is the whole test binary's.
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

/// Positions that other tests reach only by rebuilding: all histories share the traces of their positions.
const POSITION: u64 = 777;
const REBUILT: [u64; 3] = [901, 902, 903];

#[tokio::test]
async fn an_event_is_projected_in_the_trace_of_its_request() {
    LazyLock::force(&KEPT);
    let mut history = History::of_cases(POSITION - 1);
    let (surroundings, query) = Surroundings::projected(&history).await;
    history.create("traced");
    surroundings.publish(&history);
    query.get(get_at_least("CASE-777", POSITION)).await.unwrap();
    query.stop().await;

    let kept = KEPT.0.lock().unwrap().clone();
    let of_trace = |id: TraceId| kept.iter().filter(move |span| span.span_context.trace_id() == id);
    let spans: Vec<&SpanData> = of_trace(TraceId::from_bytes(trace_id(POSITION))).collect();
    let named = |name: &str| *spans.iter().find(|span| span.name == name).unwrap();
    let (project, save) = (named("query.project"), named("query.store.save"));
    assert_eq!(spans.len(), 2, "{spans:?}");
    assert_eq!(project.parent_span_id, SpanId::from_bytes([1; 8]));
    assert_eq!(save.parent_span_id, project.span_context.span_id());
    assert_eq!(project.instrumentation_scope.name(), "case-query");
    let batch: Vec<_> = of_trace(project.links.links[0].span_context.trace_id()).collect();
    assert_eq!(batch.len(), 1);
    assert_eq!(batch[0].name, "query.apply_batch");

    let inner_of = |name: &str| {
        let outer = kept.iter().filter(move |span| span.name == name);
        outer.flat_map(|outer| kept.iter().filter(|span| span.parent_span_id == outer.span_context.span_id())).count()
    };
    assert!(inner_of("query.get_case") > 0, "a read has a span of the store");
}

#[tokio::test]
async fn what_is_rebuilt_leaves_no_span() {
    LazyLock::force(&KEPT);
    let (_surroundings, query) = Surroundings::projected(&History::of_cases(REBUILT[2])).await;
    query.stop().await;
    let kept = KEPT.0.lock().unwrap();
    // The other test is the control.
    let rebuilt = |span: &&SpanData| {
        REBUILT.iter().any(|position| span.span_context.trace_id() == TraceId::from_bytes(trace_id(*position)))
    };
    let found = kept.iter().filter(|span| span.name == "query.project").find(rebuilt);
    assert!(found.is_none(), "{found:?}");
}
