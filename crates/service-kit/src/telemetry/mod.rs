//! Logs, traces and metrics of a process.
//!
//! Log lines go to standard output, always, and by a thread of their own: nobody who logs waits for whoever reads them.
//! Traces and metrics go to a collector if one is configured; without one, calls have trace ids all the same, and so have
//! their log lines, errors and stored events.

mod call_context;
pub(crate) mod code;
mod export;
pub mod log;
mod metrics;
pub mod names;
mod panics;
pub mod policy;
mod pool;
mod process;
pub(crate) mod propagation;
pub mod redaction;
mod resource;
mod sampling;
mod scope;
mod throttle;

use std::time::Duration;

use opentelemetry::global;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata, Subscriber, warn};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::{Filter, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::exit::{Exit, ExitCode};
use crate::settings::Settings;

pub use call_context::{CallContext, InContext, Inside, in_call_context};
pub use code::code_name;
pub(crate) use code::{code_of, is_server_fault};
pub(crate) use metrics::{ClientMetrics, ServerMetrics};
pub use metrics::{meter, shed_requests};
pub use pool::{PoolUsage, observe_pool};
pub use sampling::Sampling;
pub(crate) use scope::{CallScope, renamed};
pub use scope::{remote_parent, remote_request, scoped};
pub(crate) use throttle::Throttle;

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
    let filter = lines_of(&settings.log.level)?;
    let resource = resource::resource(service_name, version, &settings.environment);
    let providers = export::Providers::new(settings, resource)?;
    let lines = log::LogLayer::stdout(settings.log.format, service_name).map_err(|error| no_outlet(&error))?;
    let lines = lines.with_filter(filter);
    if let Some(meter) = &providers.meter {
        global::set_meter_provider(meter.clone());
        process::observe(meter);
        log::observe(meter);
    }
    global::set_text_map_propagator(TraceContextPropagator::new());
    let spans = spans(&providers.tracer, &providers.sampling, service_name, version);
    tracing::subscriber::set_global_default(Registry::default().with(spans).with(lines))
        .map_err(|error| Exit::new(ExitCode::Unavailable, format!("telemetry was started twice: {error}")))?;
    panics::log_them();
    global::set_tracer_provider(providers.tracer.clone());
    Ok(TelemetryGuard { providers })
}

fn no_outlet(error: &std::io::Error) -> Exit {
    Exit::new(ExitCode::Unavailable, format!("cannot start the thread that writes log lines: {error}"))
}

/// Which lines are written at `level` (`log.level`): the libraries below us stay quiet unless it names them.
///
/// For [`init`], and for tests that need a subscriber of their own.
pub fn lines_of<S>(level: &str) -> Result<impl Filter<S> + use<S>, Exit>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let filter = EnvFilter::try_new(format!("{QUIET},{level}"))
        .map_err(|error| Exit::new(ExitCode::Configuration, format!("log.level cannot be read: {error}")))?;
    // Lines need no spans; but somebody may have named one (`[span{field=value}]=debug`).
    let names_spans = level.contains('[');
    Ok(filter.and(filter_fn(move |metadata| is_news(metadata) && (metadata.is_event() || names_spans))))
}

impl TelemetryGuard {
    /// Sends what there is by now. False if it may not have arrived. Blocks, for as long as a delivery may take.
    pub fn flush(&self) -> bool {
        self.providers.flush()
    }

    /// Sends what is left and ends telemetry, within `bound`, and then waits until all log lines are written, within a second.
    /// Blocks, and may be called from anywhere.
    pub fn shutdown(self, bound: Duration) {
        if !self.providers.shutdown(bound) {
            warn!(
                name: names::TELEMETRY_FLUSH_INCOMPLETE,
                bound_ms = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX),
                "the last traces and metrics may not have reached the collector"
            );
        }
        log::flush();
    }
}

/// The layer that turns spans into those of `provider`, each in the name of the service that it belongs to; none where a
/// trace is not kept. `sampling` is the provider's sampler.
///
/// For [`init`], and for tests that need a subscriber of their own.
pub fn spans<S>(
    provider: &SdkTracerProvider,
    sampling: &Sampling,
    service_name: &str,
    version: &str,
) -> impl Layer<S> + use<S>
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
        .and_then(sampling::KeptOnly)
        .with_filter(sampling::Exported { sampling: sampling.clone() })
}

/// What the SDK says of every failed delivery, with an empty message, and of spans that it drops. [`export`] tells it once,
/// in words.
const TOLD_BY_US: [&str; 6] = [
    "BatchSpanProcessor.ExportError",
    "BatchSpanProcessor.SpanDroppingStarted",
    "BatchSpanProcessor.SpansDropped",
    "Export.Failed.DeadlineExceeded",
    "Export.Failed.NonRetryable",
    "PeriodicReader.ExportError",
];

fn is_news(metadata: &Metadata<'_>) -> bool {
    !(metadata.target().starts_with("opentelemetry") && TOLD_BY_US.contains(&metadata.name()))
}

/// Only spans: events as span events are deprecated, and have caused unbounded growth.
fn is_exported(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    metadata.is_span()
        && *metadata.level() <= Level::INFO
        && !NOT_EXPORTED.iter().any(|prefix| target.starts_with(prefix))
}
