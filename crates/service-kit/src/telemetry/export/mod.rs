//! The way to the collector.
//!
//! Nothing on it can hold up a request or grow: spans wait in a bounded queue and are dropped, counted, when it is full;
//! deliveries run on a thread of their own, each with a bound.

mod channel;
mod delivery;
mod headers;
mod link;
mod measures;
mod spans;

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tonic::transport::Channel;

use crate::exit::{Exit, ExitCode};
use crate::settings::{Settings, TelemetrySettings};
use crate::telemetry::Sampling;
use delivery::{Delivery, EXPORT_TIMEOUT};
use headers::Headers;
use link::Link;
use spans::BoundedSpans;

/// How often metrics are sent, unless the standard variable says otherwise.
const METRIC_INTERVAL: Duration = Duration::from_secs(10);

/// The standard variable for the interval of metrics, in milliseconds; the SDK reads it.
const METRIC_INTERVAL_VARIABLE: &str = "OTEL_METRIC_EXPORT_INTERVAL";

/// Traces and metrics of a process, and the thread that delivers them.
#[derive(Debug)]
pub(crate) struct Providers {
    pub(crate) tracer: SdkTracerProvider,
    /// The tracer's sampler.
    pub(crate) sampling: Sampling,
    /// Without a collector nothing is measured: instruments that nobody reads only cost.
    pub(crate) meter: Option<SdkMeterProvider>,
    delivery: Option<Delivery>,
    link: Option<Arc<Link>>,
}

impl Providers {
    /// Providers that send to the configured collector, or to nobody: spans have trace ids all the same.
    pub(crate) fn new(settings: &Settings, resource: Resource) -> Result<Self, Exit> {
        match &settings.telemetry.otlp_endpoint {
            Some(endpoint) if settings.telemetry.traces || settings.telemetry.metrics => {
                Self::exporting(endpoint, settings, resource)
            }
            Some(_) | None => Ok(Self::silent(resource)),
        }
    }

    fn exporting(endpoint: &str, settings: &Settings, resource: Resource) -> Result<Self, Exit> {
        let delivery = Delivery::start()?;
        let link = Arc::new(Link::new(endpoint));
        let (spans, metrics) = exporters(endpoint, settings, &delivery)?;
        let spans = BoundedSpans::new(spans, delivery.handle().clone(), Arc::clone(&link));
        let queue = spans.queue();
        let (tracer, sampling) = if settings.telemetry.traces {
            let sampling = Sampling::new(Sampler::TraceIdRatioBased(settings.telemetry.sample_ratio));
            let builder = SdkTracerProvider::builder().with_resource(resource.clone()).with_span_processor(spans);
            (builder.with_sampler(sampling.clone()).build(), sampling)
        } else {
            let Self { tracer, sampling, .. } = Self::silent(resource.clone());
            (tracer, sampling)
        };
        let meter = settings.telemetry.metrics.then(|| {
            let reader = periodic(measures::LinkedMetrics { exporter: metrics, link: Arc::clone(&link) });
            let meter = SdkMeterProvider::builder().with_resource(resource).with_reader(reader).build();
            measures::observe(&meter, &link, &queue);
            meter
        });
        Ok(Self { tracer, sampling, meter, delivery: Some(delivery), link: Some(link) })
    }

    fn silent(resource: Resource) -> Self {
        // A caller's decision to sample is passed on; nothing is recorded for nobody.
        let sampling = Sampling::new(Sampler::AlwaysOff);
        let tracer = SdkTracerProvider::builder().with_resource(resource).with_sampler(sampling.clone()).build();
        Self { tracer, sampling, meter: None, delivery: None, link: None }
    }

    /// Sends what there is by now.
    pub(crate) fn flush(&self) -> bool {
        let spans = self.tracer.force_flush().is_ok();
        let metrics = self.meter.as_ref().is_none_or(|meter| meter.force_flush().is_ok());
        spans && metrics
    }

    /// Sends what is left, spans first, within `bound`. False if that may not have succeeded.
    pub(crate) fn shutdown(self, bound: Duration) -> bool {
        let (done, wait) = mpsc::channel();
        let Self { tracer, meter, delivery, link, .. } = self;
        // On a thread of its own: the meter's shutdown knows no bound.
        thread::spawn(move || {
            let spans = tracer.shutdown_with_timeout(bound).is_ok();
            let metrics = meter.is_none_or(|meter| meter.shutdown().is_ok());
            drop(delivery);
            let _ = done.send(spans && metrics);
        });
        let delivered = wait.recv_timeout(bound).unwrap_or(false);
        if let Some(link) = link {
            link.log_losses(true);
        }
        delivered
    }
}

/// Sends metrics every so often.
fn periodic<E: PushMetricExporter>(exporter: E) -> PeriodicReader<E> {
    let reader = PeriodicReader::builder(exporter);
    let reader = if std::env::var_os(METRIC_INTERVAL_VARIABLE).is_some() {
        reader
    } else {
        reader.with_interval(METRIC_INTERVAL)
    };
    reader.build()
}

/// Exporters of both signals, on one connection.
fn exporters(endpoint: &str, settings: &Settings, delivery: &Delivery) -> Result<(SpanExporter, MetricExporter), Exit> {
    // The channel lives on the runtime in which it is built.
    let _entered = delivery.handle().enter();
    let headers = usable_headers(&settings.telemetry)?;
    // The endpoint itself may hold credentials.
    let refused = |problem: String| {
        Exit::new(ExitCode::Configuration, format!("telemetry.otlp_endpoint cannot be used: {problem}"))
    };
    let channel: Channel = channel::connect(endpoint, settings.tls.ca.as_deref()).map_err(refused)?;
    let spans = SpanExporter::builder()
        .with_tonic()
        .with_channel(channel.clone())
        .with_interceptor(headers.clone())
        .with_timeout(EXPORT_TIMEOUT)
        .build();
    let metrics = MetricExporter::builder()
        .with_tonic()
        .with_channel(channel)
        .with_interceptor(headers)
        .with_timeout(EXPORT_TIMEOUT)
        .build();
    let spans = spans.map_err(|error| refused(error.to_string()))?;
    Ok((spans, metrics.map_err(|error| refused(error.to_string()))?))
}

fn usable_headers(settings: &TelemetrySettings) -> Result<Headers, Exit> {
    let (_, unusable) = settings.otlp_headers.with(headers::parse);
    if unusable == 0 {
        return Ok(Headers { secret: settings.otlp_headers.clone() });
    }
    let text = format!("telemetry.otlp_headers has {unusable} parts that are no headers: write key=value,key=value");
    Err(Exit::new(ExitCode::Configuration, text))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use opentelemetry::trace::{Span, Tracer, TracerProvider};

    use super::*;

    fn settings(endpoint: Option<String>) -> Settings {
        let mut settings = Settings::defaults().unwrap();
        settings.telemetry.otlp_endpoint = endpoint;
        settings
    }

    fn resource() -> Resource {
        Resource::builder_empty().build()
    }

    /// Takes connections, and never says a word: the collector that hangs.
    fn silent() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        (listener, endpoint)
    }

    #[test]
    fn a_collector_that_hangs_does_not_hold_up_the_end() {
        let (_listener, endpoint) = silent();
        let providers = Providers::new(&settings(Some(endpoint)), resource()).unwrap();
        providers.tracer.tracer("case-test").start("lost").end();
        let begun = std::time::Instant::now();
        assert!(!providers.shutdown(Duration::from_millis(50)));
        // Far from the time that a delivery may take; not a measure of anything else.
        assert!(begun.elapsed() < EXPORT_TIMEOUT);
    }

    #[test]
    fn without_a_collector_spans_have_ids_and_the_end_is_at_once() {
        let providers = Providers::new(&settings(None), resource()).unwrap();
        let span = providers.tracer.tracer("case-test").start("kept by nobody");
        assert!(span.span_context().is_valid());
        assert!(!span.is_recording());
        assert!(providers.shutdown(Duration::from_secs(5)));
    }

    #[test]
    fn a_signal_that_is_switched_off_is_not_sent_and_the_other_is() {
        let (_listener, endpoint) = silent();
        for (traces, metrics) in [(true, false), (false, true), (false, false)] {
            let mut settings = settings(Some(endpoint.clone()));
            (settings.telemetry.traces, settings.telemetry.metrics) = (traces, metrics);
            let providers = Providers::new(&settings, resource()).unwrap();
            assert_eq!(providers.tracer.tracer("case-test").start("a span").is_recording(), traces);
            assert_eq!(providers.meter.is_some(), metrics);
            providers.shutdown(Duration::from_millis(50));
        }
    }

    #[test]
    fn an_endpoint_that_is_none_is_refused() {
        let exit = Providers::new(&settings(Some("not a url".to_owned())), resource()).unwrap_err();
        assert_eq!(exit.code, ExitCode::Configuration);
        assert!(exit.message.contains("telemetry.otlp_endpoint"), "{exit}");
    }
}
