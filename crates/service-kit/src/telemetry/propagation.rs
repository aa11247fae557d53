//! W3C trace context, in and out of metadata.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;

const TRACEPARENT: &str = "traceparent";

/// The context of a caller: its trace, if it sent one.
pub(crate) fn from_headers(headers: &HeaderMap) -> Context {
    if headers.contains_key(TRACEPARENT) {
        TraceContextPropagator::new().extract_with_context(&Context::new(), &Incoming(headers))
    } else {
        Context::new()
    }
}

/// The context of a stored `traceparent`.
pub(crate) fn from_traceparent(traceparent: &str) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), &Stored(traceparent))
}

/// Writes the trace of what runs now into a call that goes out.
pub(crate) fn inject(headers: &mut HeaderMap) {
    Context::map_current(|cx| TraceContextPropagator::new().inject_context(cx, &mut Outgoing(headers)));
}

/// The `traceparent` of what runs now; empty without a trace.
pub(crate) fn current_traceparent() -> String {
    let mut carrier = Written(String::new());
    Context::map_current(|cx| TraceContextPropagator::new().inject_context(cx, &mut carrier));
    carrier.0
}

struct Incoming<'a>(&'a HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Stored<'a>(&'a str);

impl Extractor for Stored<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

struct Outgoing<'a>(&'a mut HeaderMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        // The propagator also sets an empty `tracestate`.
        if value.is_empty() {
            return;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(key.as_bytes()), HeaderValue::from_str(&value)) {
            self.0.insert(name, value);
        }
    }
}

struct Written(String);

impl Injector for Written {
    fn set(&mut self, key: &str, value: String) {
        if key == TRACEPARENT {
            self.0 = value;
        }
    }
}
