//! Metrics on their way out, and what telemetry measures about itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{SdkMeterProvider, Temporality};

use super::link::{Link, Signal};
use super::spans::Queue;
use crate::telemetry::names;

/// Tells the link how each delivery ended.
pub(super) struct LinkedMetrics<E> {
    pub(super) exporter: E,
    pub(super) link: Arc<Link>,
}

impl<E: PushMetricExporter> PushMetricExporter for LinkedMetrics<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let done = self.exporter.export(metrics).await;
        self.link.attempted(Signal::Metrics, &done);
        // Here too: while no span ends, nobody else looks.
        self.link.log_losses(false);
        done
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}

/// Measures the queue of spans and what became of them, under the names that the conventions have for SDKs.
pub(super) fn observe(provider: &SdkMeterProvider, link: &Arc<Link>, queue: &Arc<Queue>) {
    let meter = provider.meter("service-kit");
    let processor = [KeyValue::new(names::OTEL_COMPONENT_TYPE, names::COMPONENT_PROCESSOR)];
    let exporter = [KeyValue::new(names::OTEL_COMPONENT_TYPE, names::COMPONENT_EXPORTER)];
    let of = Arc::clone(queue);
    gauge(&meter, names::SDK_SPAN_QUEUE_SIZE, "Spans that wait for their delivery.", &processor, move || of.waiting());
    let of = Arc::clone(queue);
    gauge(&meter, names::SDK_SPAN_QUEUE_CAPACITY, "Spans that can wait.", &processor, move || of.capacity);
    let of = Arc::clone(link);
    let dropped = [processor[0].clone(), KeyValue::new(names::ERROR_TYPE, names::QUEUE_FULL)];
    let _dropped = meter
        .u64_observable_counter(names::SDK_SPANS_PROCESSED)
        .with_unit("{span}")
        .with_description("Spans that were dropped because the queue was full.")
        .with_callback(move |observer| observer.observe(of.dropped.load(Ordering::Relaxed), &dropped))
        .build();
    let of = Arc::clone(link);
    let failed = [exporter[0].clone(), KeyValue::new(names::ERROR_TYPE, names::EXPORT_FAILED)];
    let _exported = meter
        .u64_observable_counter(names::SDK_SPANS_EXPORTED)
        .with_unit("{span}")
        .with_description("Spans whose delivery is over; those with error.type were lost.")
        .with_callback(move |observer| {
            observer.observe(of.delivered.load(Ordering::Relaxed), &exporter);
            observer.observe(of.failed.load(Ordering::Relaxed), &failed);
        })
        .build();
}

fn gauge(
    meter: &Meter,
    name: &'static str,
    description: &'static str,
    attributes: &[KeyValue],
    read: impl Fn() -> usize + Send + Sync + 'static,
) {
    let attributes = attributes.to_vec();
    let _observed = meter
        .i64_observable_up_down_counter(name)
        .with_unit("{span}")
        .with_description(description)
        .with_callback(move |observer| observer.observe(i64::try_from(read()).unwrap_or(i64::MAX), &attributes))
        .build();
}
