//! Logs, traces and metrics of a process.
//!
//! Log lines go to standard output, always. Traces and metrics go to a collector if one is configured; without one, spans
//! exist all the same, so that log lines, errors and stored events carry trace ids.

pub(crate) mod code;
mod export;
pub mod log;
mod metrics;
pub mod names;
mod panics;
pub(crate) mod propagation;
mod scope;

use std::time::Duration;

use opentelemetry::global;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata, Subscriber, warn};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::exit::{Exit, ExitCode};
use crate::settings::Settings;

pub(crate) use code::{code_name, code_of, is_server_fault};
pub use metrics::meter;
pub(crate) use metrics::{ClientMetrics, ServerMetrics};
pub(crate) use scope::{CallScope, renamed};
pub use scope::{remote_parent, remote_request, scoped};

/// Libraries that telemetry itself is made of: a span of theirs in an export would cause the next one.
const NOT_EXPORTED: [&str; 6] = ["h2", "hyper", "opentelemetry", "tonic", "tower", "tracing_opentelemetry"];

/// Put before `log.level`: below INFO these libraries write out the metadata of calls, credentials included. Who wants that
/// names them.
const QUIET: &str = "h2=info,hyper=info,opentelemetry=warn,opentelemetry_sdk=warn,tonic=info,tower=info";

/// Keeps telemetry running. What is left is sent by [`TelemetryGuard::shutdown`], not by dropping it.
#[derive(Debug)]
pub struct TelemetryGuard {
    providers: export::Providers,
}

/// Starts logs, traces and metrics, for the whole process, once. Needs no runtime.
///
/// `service_name` is the program (`case-tracker`); the services in it name themselves by [`crate::identity::Identity`].
pub fn init(settings: &Settings, service_name: &str, version: &str) -> Result<TelemetryGuard, Exit> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", settings.log.level))
        .map_err(|error| Exit::new(ExitCode::Configuration, format!("log.level cannot be read: {error}")))?;
    let resource = export::resource(service_name, version, &settings.environment);
    let providers = export::Providers::new(&settings.telemetry, resource)?;
    if let Some(meter) = &providers.meter {
        global::set_meter_provider(meter.clone());
    }
    global::set_text_map_propagator(TraceContextPropagator::new());
    let lines = log::LogLayer::stdout(settings.log.format, service_name).with_filter(filter);
    let spans = spans(&providers.tracer, service_name, version);
    tracing::subscriber::set_global_default(Registry::default().with(spans).with(lines))
        .map_err(|error| Exit::new(ExitCode::Unavailable, format!("telemetry was started twice: {error}")))?;
    panics::log_them();
    global::set_tracer_provider(providers.tracer.clone());
    Ok(TelemetryGuard { providers })
}

impl TelemetryGuard {
    /// Sends what there is by now. False if it may not have arrived. Blocks, for as long as a delivery may take.
    pub fn flush(&self) -> bool {
        self.providers.flush()
    }

    /// Sends what is left and ends telemetry, within `bound`. Blocks, and may be called from anywhere.
    pub fn shutdown(self, bound: Duration) {
        if !self.providers.shutdown(bound) {
            warn!(
                name: names::TELEMETRY_FLUSH_INCOMPLETE,
                bound_ms = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX),
                "the last traces and metrics may not have reached the collector"
            );
        }
    }
}

/// The layer that turns spans into those of `provider`, each in the name of the service that it belongs to.
///
/// For [`init`], and for tests that need a subscriber of their own.
pub fn spans<S>(provider: &SdkTracerProvider, service_name: &str, version: &str) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let tracer = scope::ScopedTracer::new(provider.clone(), service_name, version);
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_level(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(is_exported))
}

/// Only spans: events as span events are deprecated, and have caused unbounded growth.
fn is_exported(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    metadata.is_span()
        && *metadata.level() <= Level::INFO
        && !NOT_EXPORTED.iter().any(|prefix| target.starts_with(prefix))
}
