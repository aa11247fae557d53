//! The fields of an event, collected.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::fmt::Write;

use tracing::field::{Field, Visit};

use crate::telemetry::redaction::{self, REDACTED};

/// Longer texts are cut: a log line is no place for payloads.
const TEXT_CHARS_MAX: usize = 4_096;

/// A field's value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FieldValue {
    Text(String),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Bool(bool),
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(value) => f.write_str(value),
            Self::Signed(value) => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Bool(value) => value.fmt(f),
        }
    }
}

/// The message and the other fields, in the order of the event.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) message: String,
    pub(super) values: Vec<(&'static str, FieldValue)>,
}

impl Fields {
    /// The value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&FieldValue> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn text(&mut self, field: &Field, text: &str) {
        let shown =
            if redaction::is_hidden(field.name()) { Cow::Borrowed(REDACTED) } else { redaction::scrubbed(text) };
        self.push(field, FieldValue::Text(cut(&shown).into_owned()));
    }

    fn push(&mut self, field: &Field, value: FieldValue) {
        match (field.name(), value) {
            ("message", value) => self.message = value.to_string(),
            (name, value) => self.values.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, FieldValue::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, FieldValue::Unsigned(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, FieldValue::Float(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, FieldValue::Bool(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = String::new();
        write_with_causes(&mut text, value);
        self.text(field, &text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format!("{value:?}"));
    }
}

/// Appends an error and its causes, in one line.
pub(super) fn write_with_causes(text: &mut String, error: &(dyn Error + 'static)) {
    // A string cannot refuse to grow.
    let _ = write!(text, "{error}");
    let mut source = error.source();
    while let Some(error) = source {
        let _ = write!(text, ": {error}");
        source = error.source();
    }
}

/// The text, or its beginning.
pub(super) fn cut(text: &str) -> Cow<'_, str> {
    // No text has more characters than bytes.
    let end = if text.len() <= TEXT_CHARS_MAX { None } else { text.char_indices().nth(TEXT_CHARS_MAX) };
    end.map_or(Cow::Borrowed(text), |(end, _)| Cow::Owned(format!("{}…", &text[..end])))
}
