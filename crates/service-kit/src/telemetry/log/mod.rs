//! Log lines: one JSON object each for machines, or a short text for people.
//!
//! A layer of our own rather than `tracing_subscriber::fmt`: that one knows neither event names nor trace ids, and formats
//! the fields of every span whether a line is written or not.

mod fields;
mod json;
mod text;

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer;

use crate::clock::{Clock, SystemClock};
use crate::settings::LogFormat;
use crate::telemetry::CallScope;

use fields::Fields;

/// Takes finished lines, each with its line break.
pub trait Sink: Send + Sync + 'static {
    /// Takes one line. What cannot be written is lost: logging must not stop the work.
    fn write_line(&self, line: &[u8]);
}

/// Standard output.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stdout;

impl Sink for Stdout {
    fn write_line(&self, line: &[u8]) {
        // Whoever read our standard output may be gone.
        let _ = std::io::stdout().lock().write_all(line);
    }
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
    target: &'a str,
    service: &'a str,
    request_id: Option<&'a str>,
    span: Option<SpanContext>,
}

impl LogLayer {
    /// Lines on standard output.
    pub fn stdout(format: LogFormat, service_name: &str) -> Self {
        let on_terminal = std::io::stdout().is_terminal();
        let look = match format {
            LogFormat::Json => Look::Json,
            LogFormat::Auto if !on_terminal => Look::Json,
            LogFormat::Auto | LogFormat::Text => Look::Text { coloured: on_terminal },
        };
        Self { look, process: Arc::from(service_name), sink: Box::new(Stdout) }
    }

    /// JSON lines into `sink`; `service_name` stands in those that no service has written.
    pub fn json(service_name: &str, sink: impl Sink) -> Self {
        Self { look: Look::Json, process: Arc::from(service_name), sink: Box::new(sink) }
    }

    fn write(&self, line: &Line<'_>, event: &Event<'_>) {
        thread_local! {
            static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        BUFFER.with(|buffer| {
            // Taken only while a value that is being formatted logs by itself: that line has to go without the buffer.
            let mut spare = Vec::new();
            let mut buffer = buffer.try_borrow_mut();
            let bytes = buffer.as_deref_mut().unwrap_or(&mut spare);
            bytes.clear();
            match self.look {
                Look::Json => json::write(bytes, line, event),
                Look::Text { coloured } => {
                    let mut fields = Fields::default();
                    event.record(&mut fields);
                    text::write(bytes, line, &fields, coloured);
                }
            }
            bytes.push(b'\n');
            self.sink.write_line(bytes);
        });
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        let metadata = event.metadata();
        let scope = CallScope::current();
        let span = Context::map_current(|cx| cx.span().span_context().clone());
        let line = Line {
            unix_us: SystemClock.unix_us(),
            level: *metadata.level(),
            event: if metadata.name().starts_with("event ") { "log" } else { metadata.name() },
            target: metadata.target(),
            service: scope.as_ref().map_or(&self.process, |scope| scope.service),
            request_id: scope.as_ref().and_then(|scope| scope.request_id.as_deref()),
            span: span.is_valid().then_some(span),
        };
        self.write(&line, event);
    }
}

/// RFC 3339 in UTC, with microseconds.
fn write_timestamp(out: &mut Vec<u8>, unix_us: i64) {
    // A vector cannot refuse to grow.
    let _ = match jiff::Timestamp::from_microsecond(unix_us) {
        Ok(time) => write!(out, "{time:.6}"),
        Err(_) => write!(out, "{unix_us}"),
    };
}
