//! One JSON object a line, written straight into the buffer: a line costs no allocation unless a value has to be formatted.

use std::error::Error;
use std::fmt;
use std::io::Write;

use serde::Serialize;
use tracing::Event;
use tracing::field::{Field, Visit};

use super::fields::{cut, with_causes};
use super::{Line, write_timestamp};
use crate::telemetry::redaction::{self, REDACTED};

/// Keys that every line sets by itself. A field of such a name is written with a `field_` before it.
const OURS: [&str; 6] = ["timestamp", "level", "event", "target", "trace_id", "span_id"];

/// Appends the object, without a line break.
pub(super) fn write(out: &mut Vec<u8>, line: &Line<'_>, event: &Event<'_>) {
    out.extend_from_slice(b"{\"timestamp\":\"");
    write_timestamp(out, line.unix_us);
    out.push(b'"');
    pair(out, "level", line.level.as_str());
    pair(out, "event", line.event);
    let mut pairs = Pairs { out, has_message: false };
    event.record(&mut pairs);
    if !pairs.has_message {
        pair(out, "message", "");
    }
    pair(out, "target", line.target);
    // An event that names them itself knows better: it may speak of another request than the one it happens in.
    let says = |name| event.metadata().fields().field(name).is_some();
    if !says("service") {
        pair(out, "service", line.service);
    }
    if let Some(id) = line.request_id.filter(|_| !says("request_id")) {
        pair(out, "request_id", id);
    }
    if let Some(span) = &line.span {
        // Hexadecimal digits need no escapes, and a vector cannot refuse to grow.
        let _ = write!(out, ",\"trace_id\":\"{}\",\"span_id\":\"{}\"", span.trace_id(), span.span_id());
    }
    out.push(b'}');
}

/// Writes the fields of an event as they come.
struct Pairs<'a> {
    out: &'a mut Vec<u8>,
    has_message: bool,
}

impl Pairs<'_> {
    fn key(&mut self, name: &str) {
        self.has_message |= name == "message";
        self.out.extend_from_slice(b",\"");
        if OURS.contains(&name) {
            self.out.extend_from_slice(b"field_");
        }
        // Field names are Rust identifiers with dots, or constants of ours: nothing to escape.
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn number(&mut self, field: &Field, number: &impl Serialize) {
        self.key(field.name());
        value(self.out, number);
    }

    fn text(&mut self, field: &Field, text: &str) {
        self.key(field.name());
        if redaction::is_hidden(field.name()) {
            value(self.out, REDACTED);
        } else {
            value(self.out, &*cut(&redaction::scrubbed(text)));
        }
    }
}

impl Visit for Pairs<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.number(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, &value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, &with_causes(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format!("{value:?}"));
    }
}

fn pair(out: &mut Vec<u8>, name: &str, text: &str) {
    out.push(b',');
    value(out, name);
    out.push(b':');
    value(out, text);
}

fn value(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Neither strings nor numbers can fail to become JSON, nor a vector to grow.
    let _ = serde_json::to_writer(out, value);
}
