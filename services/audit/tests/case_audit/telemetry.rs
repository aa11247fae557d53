//! The spans and log lines of all tests: the service works on several threads, so that there is one subscriber for all.

use std::fmt::{self, Write as _};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::TraceId;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor};
use service_kit::telemetry::Sampling;
use tokio::sync::watch;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{self, Layer, SubscriberExt};

/// One log event.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    /// Message and fields.
    pub(crate) text: String,
    thread: ThreadId,
}

struct Telemetry {
    spans: Spans,
    lines: watch::Receiver<Vec<Line>>,
}

static TELEMETRY: LazyLock<Telemetry> = LazyLock::new(|| {
    let spans = Spans::default();
    let (sender, lines) = watch::channel(Vec::new());
    let sampling = Sampling::new(Sampler::AlwaysOn);
    let provider =
        SdkTracerProvider::builder().with_sampler(sampling.clone()).with_span_processor(spans.clone()).build();
    let layers = service_kit::telemetry::spans(&provider, &sampling, "test", "0");
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layers).with(Capture(sender))).unwrap();
    Telemetry { spans, lines }
});

/// Begins to keep spans and lines, unless that was done before.
pub(crate) fn keep() {
    LazyLock::force(&TELEMETRY);
}

/// Every span that has ended.
pub(crate) fn spans() -> Vec<SpanData> {
    TELEMETRY.spans.0.lock().unwrap().clone()
}

/// Every span of a trace that has ended.
pub(crate) fn spans_of(trace: u128) -> Vec<SpanData> {
    spans().into_iter().filter(|span| span.span_context.trace_id() == TraceId::from(trace)).collect()
}

/// Every line of every test.
pub(crate) fn lines() -> Vec<Line> {
    TELEMETRY.lines.borrow().clone()
}

/// What is logged from now on, on the thread of this test: that of its runtime and of all tasks that do not block.
pub(crate) struct Logs {
    thread: ThreadId,
    begins_at: usize,
}

impl Logs {
    pub(crate) fn from_now_on() -> Self {
        Self { thread: thread::current().id(), begins_at: TELEMETRY.lines.borrow().len() }
    }

    /// Waits until an event of this name is logged, and answers its text.
    pub(crate) async fn logged(&self, name: &str) -> String {
        let find = |lines: &[Line]| {
            let mut new = lines.iter().skip(self.begins_at);
            new.find(|line| line.name == name && line.thread == self.thread).map(|line| line.text.clone())
        };
        let mut lines = TELEMETRY.lines.clone();
        let lines = lines.wait_for(|lines| find(lines).is_some()).await.unwrap();
        find(&lines).unwrap()
    }
}

#[derive(Debug, Clone, Default)]
struct Spans(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Spans {
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

struct Capture(watch::Sender<Vec<Line>>);

impl<S: Subscriber> Layer<S> for Capture {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        // The subscriber listens to the libraries too, and their lines are many.
        if !event.metadata().target().starts_with("h2") && !event.metadata().target().starts_with("hyper") {
            let mut text = Text(String::new());
            event.record(&mut text);
            let line = Line { name: event.metadata().name(), text: text.0, thread: thread::current().id() };
            self.0.send_modify(|lines| lines.push(line));
        }
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{field}={value:?} ");
    }
}
