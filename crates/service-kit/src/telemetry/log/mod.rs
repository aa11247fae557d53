//! Log lines: one JSON object each for machines, or a short text for people.
//!
//! A layer of our own rather than `tracing_subscriber::fmt`: that one knows neither event names nor trace ids, and formats
//! the fields of every span whether a line is written or not.

mod callsite;
mod fields;
mod json;
mod losses;
mod outlet;
#[cfg(test)]
mod outlet_tests;
mod text;
mod timestamp;

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{SpanId, TraceContextExt, TraceId};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer;

use crate::clock::{Clock, SystemClock};
use crate::settings::LogFormat;
use crate::telemetry::CallScope;

use fields::Fields;
use outlet::Outlet;

/// How long an end waits for whoever reads standard output, unless that one has been stuck for as long already.
const FLUSH_BOUND: Duration = Duration::from_secs(1);

/// Takes finished lines, each with its line break.
pub trait Sink: Send + Sync + 'static {
    /// Takes one line, which was logged at this level. Never waits for whoever reads it: what cannot be written is lost, since
    /// logging must not stop the work.
    fn write_line(&self, level: Level, line: &[u8]);
}

/// The way to standard output, once lines go there: one for the process, since whoever ends it has no other hold of it.
static STANDARD_OUTPUT: OnceLock<Outlet> = OnceLock::new();

/// Waits until everything that was logged on standard output is written, or until its reader has let us wait for a second in
/// vain. For whoever is about to end the process.
pub fn flush() {
    if let Some(outlet) = STANDARD_OUTPUT.get() {
        outlet.flush(FLUSH_BOUND);
    }
}

/// Measures the lines that are lost from now on.
pub(super) fn observe(provider: &SdkMeterProvider) {
    if let Some(outlet) = STANDARD_OUTPUT.get() {
        losses::observe(provider, outlet);
    }
}

fn standard_output() -> io::Result<Outlet> {
    if let Some(outlet) = STANDARD_OUTPUT.get() {
        return Ok(outlet.clone());
    }
    // Not through the standard library's own handle: its buffer would hold back what a pipe has no room for, and its lock
    // whoever else prints.
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let outlet = Outlet::start(output, losses::log_them)?;
    Ok(STANDARD_OUTPUT.get_or_init(|| outlet).clone())
}

/// How lines look, with everything that is decided once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Json,
    Text { coloured: bool },
}

/// Writes a line for every event.
pub struct LogLayer {
    look: Look,
    process: Arc<str>,
    sink: Box<dyn Sink>,
}

/// What a line says beside the event's own fields.
struct Line<'a> {
    unix_us: i64,
    level: Level,
    /// The `name:` of the event; `log` for those without.
    event: &'a str,
    service: &'a str,
    request_id: Option<&'a str>,
    span: Option<(TraceId, SpanId)>,
}

impl LogLayer {
    /// Lines on standard output, written by a thread of their own. Fails where the process may have no more threads or files.
    pub fn stdout(format: LogFormat, service_name: &str) -> io::Result<Self> {
        let on_terminal = std::io::stdout().is_terminal();
        let look = match format {
            LogFormat::Json => Look::Json,
            LogFormat::Auto if !on_terminal => Look::Json,
            LogFormat::Auto | LogFormat::Text => Look::Text { coloured: on_terminal },
        };
        Ok(Self { look, process: Arc::from(service_name), sink: Box::new(standard_output()?) })
    }

    /// JSON lines into `sink`; `service_name` stands in those that no service has written.
    pub fn json(service_name: &str, sink: impl Sink) -> Self {
        Self { look: Look::Json, process: Arc::from(service_name), sink: Box::new(sink) }
    }

    fn write(&self, line: &Line<'_>, event: &Event<'_>) {
        thread_local! {
            static BUFFERS: RefCell<Buffers> = const { RefCell::new(Buffers { line: Vec::new(), value: String::new() }) };
        }
        BUFFERS.with(|buffers| {
            // Taken only while a value that is being formatted logs by itself: that line has to go without the buffers.
            let mut spare = Buffers::default();
            let mut buffers = buffers.try_borrow_mut();
            let Buffers { line: bytes, value } = buffers.as_deref_mut().unwrap_or(&mut spare);
            bytes.clear();
            match self.look {
                Look::Json => json::write(bytes, value, line, event),
                Look::Text { coloured } => {
                    let mut fields = Fields::default();
                    event.record(&mut fields);
                    text::write(bytes, line, &fields, coloured);
                }
            }
            bytes.push(b'\n');
            self.sink.write_line(line.level, bytes);
        });
    }
}

/// What a thread makes its lines in.
#[derive(Default)]
struct Buffers {
    line: Vec<u8>,
    /// The value that is being formatted.
    value: String,
}

/// The scope and the span of what runs now.
fn surroundings() -> (Option<CallScope>, Option<(TraceId, SpanId)>) {
    Context::map_current(|cx| {
        let span = cx.span();
        let span = span.span_context();
        let ids = span.is_valid().then(|| (span.trace_id(), span.span_id()));
        (cx.get::<CallScope>().cloned(), ids)
    })
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        let metadata = event.metadata();
        let (scope, span) = surroundings();
        let line = Line {
            unix_us: SystemClock.unix_us(),
            level: *metadata.level(),
            event: callsite::event_name(metadata),
            service: scope.as_ref().map_or(&self.process, |scope| scope.service),
            request_id: scope.as_ref().and_then(|scope| scope.request_id.as_deref()),
            span,
        };
        self.write(&line, event);
    }
}
