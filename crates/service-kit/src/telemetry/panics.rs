//! Panics belong into the log, as lines like all others.

use std::panic::{self, PanicHookInfo};

use tracing::error;

use crate::telemetry::{log, names};

/// Logs every panic from now on, instead of printing it to standard error.
///
/// Here, and not where a panic is caught: only the hook knows where it began, and it still runs inside the request's
/// span, so that the line carries the request's ids.
pub(crate) fn log_them() {
    panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        error!(name: names::PANICKED, location, error.type = "panic", error = text(info), "a bug: {}", text(info));
        // It may be the last word of this process: a panic within a panic, or one that nobody catches, ends it.
        log::flush();
    }));
}

fn text<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    info.payload_as_str().unwrap_or("no text")
}
