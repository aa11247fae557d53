//! Spans on their way out: a bounded queue that never makes anybody wait, and counts what it had to drop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};
use tokio::runtime::Handle;

use super::delivery::bounded;
use super::link::{Link, Signal};

/// How many spans wait at most, unless the standard variable says otherwise.
const QUEUE_SPANS_MAX: usize = 2_048;

/// The standard variable for the bound of the queue. The SDK reads it too, but does not tell what it read.
const QUEUE_VARIABLE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";

/// The SDK's batches, behind a door that counts: the SDK drops without a number.
#[derive(Debug)]
pub(super) struct BoundedSpans {
    batches: BatchSpanProcessor,
    queue: Arc<Queue>,
    link: Arc<Link>,
}

/// What has been let in and is not yet in the hands of the exporter.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: AtomicUsize,
    pub(super) capacity: usize,
}

impl Queue {
    fn new(capacity: usize) -> Self {
        Self { waiting: AtomicUsize::new(0), capacity }
    }

    /// Spans that wait now.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Takes a place, if there is one.
    fn enter(&self) -> bool {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < self.capacity {
            return true;
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        false
    }

    fn leave(&self, spans: usize) {
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
    }
}

impl BoundedSpans {
    /// A queue in front of `exporter`, whose deliveries run on `handle`.
    pub(super) fn new<E: SpanExporter + 'static>(exporter: E, handle: Handle, link: Arc<Link>) -> Self {
        let configured = std::env::var(QUEUE_VARIABLE).ok().and_then(|text| text.parse().ok());
        Self::with_capacity(exporter, handle, link, configured.unwrap_or(QUEUE_SPANS_MAX))
    }

    fn with_capacity<E: SpanExporter + 'static>(exporter: E, handle: Handle, link: Arc<Link>, capacity: usize) -> Self {
        let queue = Arc::new(Queue::new(capacity));
        let counting = CountingExporter {
            exporter: Arc::new(exporter),
            queue: Arc::clone(&queue),
            link: Arc::clone(&link),
            handle,
        };
        // The door admits no more than fits, so the queue behind it never drops.
        let config = BatchConfigBuilder::default().with_max_queue_size(capacity).build();
        let batches = BatchSpanProcessor::builder(counting).with_batch_config(config).build();
        Self { batches, queue, link }
    }

    pub(super) fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.queue)
    }
}

impl SpanProcessor for BoundedSpans {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.batches.on_start(span, context);
    }

    /// Runs where the span ends, in the middle of a request: two atomics and a push, and nothing that waits.
    fn on_end(&self, span: SpanData) {
        if self.queue.enter() {
            self.batches.on_end(span);
        } else {
            self.link.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// Tells the link how each delivery ended.
#[derive(Debug)]
struct CountingExporter<E> {
    exporter: Arc<E>,
    queue: Arc<Queue>,
    link: Arc<Link>,
    handle: Handle,
}

impl<E: SpanExporter + 'static> SpanExporter for CountingExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.queue.leave(spans);
        let exporter = Arc::clone(&self.exporter);
        let done = bounded(&self.handle, async move { exporter.export(batch).await }).await;
        let counter = if done.is_ok() { &self.link.delivered } else { &self.link.failed };
        counter.fetch_add(u64::try_from(spans).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.link.attempted(Signal::Traces, &done);
        self.link.log_losses(false);
        done
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        // Nobody else has it yet: resources are set before the first delivery.
        if let Some(exporter) = Arc::get_mut(&mut self.exporter) {
            exporter.set_resource(resource);
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Span as _, Tracer, TracerProvider};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;
    use crate::telemetry::export::delivery::Delivery;

    /// The collector that never answers.
    #[derive(Debug)]
    struct Hangs;

    impl SpanExporter for Hangs {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            std::future::pending().await
        }
    }

    /// The collector that is there.
    #[derive(Debug)]
    struct Takes;

    impl SpanExporter for Takes {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            Ok(())
        }
    }

    /// Ends `count` spans; answers how many were dropped, how many waited at most at any moment, and how many arrived within
    /// `bound`.
    fn ended<E: SpanExporter + 'static>(
        exporter: E,
        count: usize,
        capacity: usize,
        bound: Duration,
    ) -> (u64, usize, u64) {
        let delivery = Delivery::start().unwrap();
        let link = Arc::new(Link::new("http://127.0.0.1:1"));
        let spans = BoundedSpans::with_capacity(exporter, delivery.handle().clone(), Arc::clone(&link), capacity);
        let queue = spans.queue();
        let provider = SdkTracerProvider::builder().with_span_processor(spans).build();
        let tracer = provider.tracer("case-test");
        let mut waiting_max = 0;
        for _ in 0..count {
            tracer.start("a span").end();
            waiting_max = waiting_max.max(queue.waiting());
        }
        let dropped = link.dropped.load(Ordering::Relaxed);
        let _ = provider.shutdown_with_timeout(bound);
        (dropped, waiting_max, link.delivered.load(Ordering::Relaxed))
    }

    #[test]
    fn a_collector_that_hangs_costs_no_memory_and_what_finds_no_room_is_counted() {
        let (dropped, waiting_max, delivered) = ended(Hangs, 10_000, 16, Duration::from_millis(100));
        // One batch, of at most the whole queue, may be in the hands of the exporter.
        assert!((10_000 - 32..=10_000 - 16).contains(&dropped), "{dropped}");
        assert!(waiting_max <= 16, "{waiting_max}");
        assert_eq!(delivered, 0);
    }

    #[test]
    fn while_there_is_room_nothing_is_dropped_and_all_of_it_arrives() {
        let (dropped, _, delivered) = ended(Takes, 100, 1_000, Duration::from_secs(20));
        assert_eq!((dropped, delivered), (0, 100));
    }
}
