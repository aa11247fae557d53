//! Answers for programs: JSON in the form of the protos.
//!
//! As protobuf's own JSON mapping has it: names in camelCase, 64-bit integers as strings, times as RFC 3339, bytes as
//! base64, enum values by their full names, and fields that hold their default left out.

mod case;
mod diagnostics;
mod evidence;
pub(crate) mod fields;
mod history;

pub(crate) use case::{CaseAnswer, CaseJson, CasesAnswer, CommentJson, WriteAnswer};
pub(crate) use diagnostics::{DiagnosticsAnswer, DiagnosticsJson, ServiceAnswer};
pub(crate) use evidence::AuditEventJson;
pub(crate) use history::{LifecycleAnswer, TimelineAnswer};

use crate::view::times::timestamp;

/// RFC 3339, in UTC.
fn time(time: Option<&prost_types::Timestamp>) -> Option<String> {
    time.and_then(timestamp).map(|time| time.to_string())
}

/// Seconds with as many digits as they need: `3.2s`.
fn duration(duration: &prost_types::Duration) -> String {
    let sign = if duration.seconds < 0 || duration.nanos < 0 { "-" } else { "" };
    let digits = format!("{:09}", duration.nanos.unsigned_abs());
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{digits}s", duration.seconds.unsigned_abs())
}

/// A 64-bit number as text: JavaScript's numbers do not hold all of them.
fn number(number: u64) -> Option<String> {
    (number != 0).then(|| number.to_string())
}

/// Whether a field holds its default, and so is left out.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// An enum value by its name; the default one is left out.
fn named(name: &'static str, number: i32) -> Option<&'static str> {
    (number != 0).then_some(name)
}
