//! W3C trace context, in and out of metadata.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;

const TRACEPARENT: &str = "traceparent";

/// The longest `traceparent` that is read, in bytes: version 00 has 55, later ones may have more.
const TRACEPARENT_BYTES_MAX: usize = 128;

/// The longest `tracestate` that is carried on, in bytes: as long as the specification asks for.
const TRACESTATE_BYTES_MAX: usize = 512;

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
        let mut values = self.0.get_all(key).iter();
        let value = values.next().and_then(|value| value.to_str().ok())?;
        // Twice is not what the specification knows, and longer is nobody's trace: the call then begins one of its own.
        let bytes_max = if key == TRACEPARENT { TRACEPARENT_BYTES_MAX } else { TRACESTATE_BYTES_MAX };
        (values.next().is_none() && value.len() <= bytes_max).then_some(value)
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

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, TraceContextExt};

    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(headers: &[(&'static str, &str)]) -> SpanContext {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        from_headers(&map).span().span_context().clone()
    }

    #[test]
    fn a_callers_trace_goes_on_with_its_state() {
        let context = of(&[("traceparent", VALID), ("tracestate", "vendor=1")]);
        assert!(context.is_sampled() && context.is_remote());
        assert_eq!(context.trace_state().header(), "vendor=1");
    }

    #[test]
    fn garbage_is_no_trace_and_harms_nobody() {
        let long = format!("{VALID}{}", "-0".repeat(8_000));
        let zero = "00-00000000000000000000000000000000-0000000000000000-01";
        for text in ["", "-", "---", "00-xyz", zero, &VALID.to_uppercase(), "ff-4bf9-00f0-01", "\u{e9}", &long] {
            assert!(!of(&[("traceparent", text)]).is_valid(), "{text:?}");
        }
        assert!(!of(&[("traceparent", VALID), ("traceparent", VALID)]).is_valid(), "two parents are none");
    }

    #[test]
    fn a_state_that_is_too_long_or_garbled_is_left_behind_and_the_trace_goes_on() {
        let long = format!("vendor={}", "x".repeat(TRACESTATE_BYTES_MAX));
        for state in [&*long, "no pair", "a=1,b"] {
            let context = of(&[("traceparent", VALID), ("tracestate", state)]);
            assert!(context.is_valid() && context.trace_state().header().is_empty(), "{state:?}");
        }
    }
}
