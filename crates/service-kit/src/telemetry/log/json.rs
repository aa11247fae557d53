//! One JSON object a line, written straight into the buffer: a line costs no allocation.

use std::error::Error;
use std::fmt;
use std::fmt::Write as _;

use serde::Serialize;
use tracing::Event;
use tracing::field::Visit;

use super::callsite::{self, Callsite};
use super::fields::{cut, write_with_causes};
use super::{Line, timestamp};
use crate::telemetry::redaction::{self, REDACTED};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends the object, without a line break. `scratch` is where values are formatted.
pub(super) fn write(out: &mut Vec<u8>, scratch: &mut String, line: &Line<'_>, event: &Event<'_>) {
    let callsite = Callsite::of(event.metadata());
    out.extend_from_slice(b"{\"timestamp\":\"");
    timestamp::write(out, line.unix_us);
    out.extend_from_slice(&callsite.head);
    let mut pairs = Pairs { out, scratch, callsite: &callsite, has_message: false };
    event.record(&mut pairs);
    if !pairs.has_message {
        pair(out, "message", "");
    }
    out.extend_from_slice(&callsite.tail);
    if !callsite.says_service {
        pair(out, "service", line.service);
    }
    if let Some(id) = line.request_id.filter(|_| !callsite.says_request_id) {
        pair(out, "request_id", id);
    }
    if let Some((trace_id, span_id)) = line.span {
        out.extend_from_slice(b",\"trace_id\":\"");
        hex(out, trace_id.to_bytes());
        out.extend_from_slice(b"\",\"span_id\":\"");
        hex(out, span_id.to_bytes());
        out.push(b'"');
    }
    out.push(b'}');
}

/// Writes the fields of an event as they come.
struct Pairs<'a> {
    out: &'a mut Vec<u8>,
    scratch: &'a mut String,
    callsite: &'a Callsite,
    has_message: bool,
}

impl Pairs<'_> {
    /// Writes the key. False if the value is hidden, and already written as such.
    fn key(&mut self, field: &tracing::field::Field) {
        match self.callsite.fields.get(field.index()) {
            Some(known) => {
                self.has_message |= known.is_message;
                self.out.extend_from_slice(&known.key);
            }
            // No event has fields that its callsite has not.
            None => self.out.extend_from_slice(&callsite::Field::new(field.name()).key),
        }
    }

    fn is_hidden(&self, field: &tracing::field::Field) -> bool {
        let known = self.callsite.fields.get(field.index());
        known.map_or_else(|| redaction::is_hidden(field.name()), |known| known.is_hidden)
    }

    fn number(&mut self, field: &tracing::field::Field, number: &impl Serialize) {
        self.key(field);
        // Numbers cannot fail to become JSON, nor a vector to grow.
        let _ = serde_json::to_writer(&mut *self.out, number);
    }

    fn text(&mut self, field: &tracing::field::Field, text: &str) {
        self.key(field);
        let is_hidden = self.is_hidden(field);
        shown(self.out, is_hidden, text);
    }

    /// A value that has to be formatted.
    fn formatted(&mut self, field: &tracing::field::Field, value: impl FnOnce(&mut String)) {
        self.key(field);
        self.scratch.clear();
        value(self.scratch);
        let is_hidden = self.is_hidden(field);
        shown(self.out, is_hidden, self.scratch);
    }
}

impl Visit for Pairs<'_> {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.text(field, value);
    }

    fn record_i64(&mut self, field: &tracing::field::Field, value: i64) {
        self.number(field, &value);
    }

    fn record_u64(&mut self, field: &tracing::field::Field, value: u64) {
        self.number(field, &value);
    }

    fn record_f64(&mut self, field: &tracing::field::Field, value: f64) {
        self.number(field, &value);
    }

    fn record_bool(&mut self, field: &tracing::field::Field, value: bool) {
        self.number(field, &value);
    }

    fn record_error(&mut self, field: &tracing::field::Field, value: &(dyn Error + 'static)) {
        self.formatted(field, |text| write_with_causes(text, value));
    }

    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        self.formatted(field, |text| {
            // A string cannot refuse to grow; a value that fails half-way is shown as far as it came.
            let _ = write!(text, "{value:?}");
        });
    }
}

/// Appends `,"name":"text"`.
pub(super) fn pair(out: &mut Vec<u8>, name: &str, text: &str) {
    out.push(b',');
    string(out, name);
    out.push(b':');
    string(out, text);
}

/// Appends the string, without what may not be shown of it.
fn shown(out: &mut Vec<u8>, is_hidden: bool, text: &str) {
    if is_hidden {
        string(out, REDACTED);
    } else {
        string(out, &cut(&redaction::scrubbed(text)));
    }
}

/// Appends a JSON string, escaped as RFC 8259 asks for and no further.
fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let (bytes, mut written) = (text.as_bytes(), 0);
    for (at, byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[usize::from(*byte)];
        if escape == PLAIN {
            continue;
        }
        out.extend_from_slice(&bytes[written..at]);
        written = at + 1;
        out.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            out.extend_from_slice(b"00");
            hex(out, [*byte]);
        }
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}

/// Appends the bytes as hexadecimal digits.
fn hex<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N]) {
    out.extend_from_slice(bytes.map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]).as_flattened());
}

/// A byte that stands for itself.
const PLAIN: u8 = 0;

/// What follows the backslash for each byte.
static ESCAPES: [u8; 256] = {
    let mut escapes = [PLAIN; 256];
    let mut control = 0;
    while control < 0x20 {
        escapes[control] = b'u';
        control += 1;
    }
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes[0x08] = b'b';
    escapes[0x0c] = b'f';
    escapes[b'\n' as usize] = b'n';
    escapes[b'\r' as usize] = b'r';
    escapes[b'\t' as usize] = b't';
    escapes
};

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str) -> String {
        let mut out = Vec::new();
        string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_character_is_quoted_as_by_the_library_of_json() {
        let all: String = (0..0x0250).filter_map(char::from_u32).collect();
        for text in [&*all, "", "plain", "\"", "ends with \\", "a\u{0}b\u{1f}c\u{7f}", "ä€𝄞\u{2028}"] {
            assert_eq!(quoted(text), serde_json::to_string(text).unwrap());
        }
    }
}
