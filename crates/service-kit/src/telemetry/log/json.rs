//! One JSON object a line.

use std::io::Write;

use serde::Serialize;

use super::fields::FieldValue;
use super::{Line, timestamp};

/// Keys that every line sets by itself. A field of such a name is written with a `field_` before it.
const OURS: [&str; 7] = ["timestamp", "level", "event", "message", "target", "trace_id", "span_id"];

/// Appends the object, without a line break.
pub(super) fn write(out: &mut Vec<u8>, line: &Line<'_>) {
    out.extend_from_slice(b"{\"timestamp\":");
    value(out, &timestamp(line.unix_us));
    pair(out, "level", line.level.as_str());
    pair(out, "event", line.event);
    pair(out, "message", &line.fields.message);
    pair(out, "target", line.target);
    // An event that names them itself knows better: it may speak of another request than the one it happens in.
    if line.fields.get("service").is_none() {
        pair(out, "service", line.service);
    }
    if let (Some(id), None) = (line.request_id, line.fields.get("request_id")) {
        pair(out, "request_id", id);
    }
    if let Some(span) = &line.span {
        pair(out, "trace_id", &span.trace_id().to_string());
        pair(out, "span_id", &span.span_id().to_string());
    }
    for (name, field) in &line.fields.values {
        key(out, name);
        match field {
            FieldValue::Text(text) => value(out, text),
            FieldValue::Signed(number) => value(out, number),
            FieldValue::Unsigned(number) => value(out, number),
            FieldValue::Float(number) => value(out, number),
            FieldValue::Bool(truth) => value(out, truth),
        }
    }
    out.push(b'}');
}

fn pair(out: &mut Vec<u8>, name: &str, text: &str) {
    out.push(b',');
    value(out, name);
    out.push(b':');
    value(out, text);
}

fn key(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    if OURS.contains(&name) {
        out.extend_from_slice(b"field_");
    }
    // Field names are Rust identifiers with dots, or constants of ours: nothing to escape.
    let _ = out.write_all(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn value(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Neither strings nor numbers can fail to become JSON, nor a vector to grow.
    let _ = serde_json::to_writer(out, value);
}
