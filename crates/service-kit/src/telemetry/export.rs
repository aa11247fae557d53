//! The way to the collector, and what telemetry says about this process.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;

use crate::clock::{Clock, SystemClock, SystemEntropy, uuid_v7};
use crate::exit::{Exit, ExitCode};
use crate::settings::TelemetrySettings;
use crate::telemetry::names;

/// How often metrics are sent.
const METRIC_INTERVAL: Duration = Duration::from_secs(10);

/// How long one delivery may take.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Traces and metrics of a process, and the thread that delivers them.
#[derive(Debug)]
pub(crate) struct Providers {
    pub(crate) tracer: SdkTracerProvider,
    /// Without a collector nothing is measured: instruments that nobody reads only cost.
    pub(crate) meter: Option<SdkMeterProvider>,
    delivery: Option<Delivery>,
}

impl Providers {
    /// Providers that send to the configured collector, or to nobody: spans have trace ids all the same.
    pub(crate) fn new(settings: &TelemetrySettings, resource: Resource) -> Result<Self, Exit> {
        match &settings.otlp_endpoint {
            Some(endpoint) if settings.traces || settings.metrics => Self::exporting(endpoint, settings, resource),
            Some(_) | None => Ok(Self::silent(resource)),
        }
    }

    fn exporting(endpoint: &str, settings: &TelemetrySettings, resource: Resource) -> Result<Self, Exit> {
        let delivery = Delivery::start()?;
        // The exporters' channels live on the runtime in which they are built.
        let entered = delivery.handle.enter();
        let spans = SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(EXPORT_TIMEOUT).build();
        let metrics =
            MetricExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(EXPORT_TIMEOUT).build();
        drop(entered);
        let refused = |problem: String| {
            Exit::new(
                ExitCode::Configuration,
                format!("telemetry.otlp_endpoint = {endpoint:?} cannot be used: {problem}"),
            )
        };
        let spans = spans.map_err(|error| refused(error.to_string()))?;
        let metrics = metrics.map_err(|error| refused(error.to_string()))?;
        let tracer = if settings.traces {
            SdkTracerProvider::builder()
                .with_resource(resource.clone())
                .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio))))
                .with_batch_exporter(spans)
                .build()
        } else {
            Self::silent(resource.clone()).tracer
        };
        let meter = settings.metrics.then(|| {
            let reader = PeriodicReader::builder(metrics).with_interval(METRIC_INTERVAL).build();
            SdkMeterProvider::builder().with_resource(resource).with_reader(reader).build()
        });
        Ok(Self { tracer, meter, delivery: Some(delivery) })
    }

    fn silent(resource: Resource) -> Self {
        // A caller's decision to sample is passed on; nothing is recorded for nobody.
        let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
        let tracer = SdkTracerProvider::builder().with_resource(resource).with_sampler(sampler).build();
        Self { tracer, meter: None, delivery: None }
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
        // On a thread of its own: the meter's shutdown knows no bound.
        thread::spawn(move || {
            let spans = self.tracer.shutdown_with_timeout(bound).is_ok();
            let metrics = self.meter.is_none_or(|meter| meter.shutdown().is_ok());
            drop(self.delivery);
            let _ = done.send(spans && metrics);
        });
        wait.recv_timeout(bound).unwrap_or(false)
    }
}

/// A thread with a runtime of its own, on which everything about delivery runs: a slow collector cannot delay a request,
/// and the shutdown can wait for it from anywhere, a current-thread runtime included.
#[derive(Debug)]
struct Delivery {
    handle: Handle,
    /// Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl Delivery {
    fn start() -> Result<Self, Exit> {
        let failed = |error: std::io::Error| {
            Exit::new(ExitCode::Unavailable, format!("the telemetry thread cannot be started: {error}"))
        };
        let runtime: Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || runtime.block_on(async { stopped.await.err() }))
            .map_err(failed)?;
        Ok(Self { handle, _stop: stop })
    }
}

/// What every span and metric says about the process it comes from.
pub(crate) fn resource(service_name: &str, version: &str, environment: &str) -> Resource {
    let instance = uuid_v7(SystemClock.unix_us(), &SystemEntropy).to_string();
    Resource::builder()
        .with_attributes([
            KeyValue::new(names::SERVICE_NAME, service_name.to_owned()),
            KeyValue::new(names::SERVICE_VERSION, version.to_owned()),
            KeyValue::new(names::SERVICE_INSTANCE_ID, instance),
            KeyValue::new(names::DEPLOYMENT_ENVIRONMENT_NAME, environment.to_owned()),
        ])
        .build()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use opentelemetry::trace::{Span, Tracer, TracerProvider};

    use super::*;

    fn defaults() -> TelemetrySettings {
        crate::settings::Settings::defaults().unwrap().telemetry
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
        let settings = TelemetrySettings { otlp_endpoint: Some(endpoint), ..defaults() };
        let providers = Providers::new(&settings, resource("case-test", "1.2.3", "test")).unwrap();
        providers.tracer.tracer("case-test").start("lost").end();
        let begun = std::time::Instant::now();
        assert!(!providers.shutdown(Duration::from_millis(50)));
        // Far from the time that a delivery may take; not a measure of anything else.
        assert!(begun.elapsed() < EXPORT_TIMEOUT);
    }

    #[test]
    fn without_a_collector_spans_have_ids_and_the_end_is_at_once() {
        let settings = TelemetrySettings { otlp_endpoint: None, ..defaults() };
        let providers = Providers::new(&settings, resource("case-test", "1.2.3", "test")).unwrap();
        let span = providers.tracer.tracer("case-test").start("kept by nobody");
        assert!(span.span_context().is_valid());
        assert!(!span.is_recording());
        assert!(providers.shutdown(Duration::from_secs(5)));
    }

    #[test]
    fn a_signal_that_is_switched_off_is_not_sent_and_the_other_is() {
        let (_listener, endpoint) = silent();
        for (traces, metrics) in [(true, false), (false, true), (false, false)] {
            let settings = TelemetrySettings { otlp_endpoint: Some(endpoint.clone()), traces, metrics, ..defaults() };
            let providers = Providers::new(&settings, resource("case-test", "1.2.3", "test")).unwrap();
            assert_eq!(providers.tracer.tracer("case-test").start("a span").is_recording(), traces);
            assert_eq!(providers.meter.is_some(), metrics);
            providers.shutdown(Duration::from_millis(50));
        }
    }

    #[test]
    fn an_endpoint_that_is_none_is_refused() {
        let settings = TelemetrySettings { otlp_endpoint: Some("not a url".to_owned()), ..defaults() };
        let exit = Providers::new(&settings, resource("case-test", "1.2.3", "test")).unwrap_err();
        assert_eq!(exit.code, ExitCode::Configuration);
        assert!(exit.message.contains("telemetry.otlp_endpoint"), "{exit}");
    }
}
