//! A line for people: short, in the order in which one reads.

use std::fmt::Write as _;
use std::io::Write as _;

use tracing::Level;

use super::fields::Fields;
use super::{Line, timestamp};

const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";

/// Appends `time LEVEL service event: message key=value …`, without a line break.
pub(super) fn write(out: &mut Vec<u8>, line: &Line<'_>, fields: &Fields, coloured: bool) {
    let paint = |colour: &'static str| if coloured { colour } else { "" };
    let reset = paint(RESET);
    let mut stamp = Vec::new();
    timestamp::write(&mut stamp, line.unix_us);
    let stamp = String::from_utf8_lossy(&stamp);
    // Of 2026-11-23T14:00:00.123456Z a person wants 14:00:00.123.
    let time = stamp.get(11..23).unwrap_or(&stamp);
    let _ = write!(
        out,
        "{}{time}{reset} {}{:<5}{reset} {} {}{}{reset}: {}",
        paint(DIM),
        paint(colour(line.level)),
        line.level.as_str(),
        line.service,
        paint(BOLD),
        line.event,
        visible(&fields.message),
    );
    let dim = paint(DIM);
    for (name, field) in &fields.values {
        let _ = write!(out, " {dim}{name}={reset}{}", quoted(&field.to_string()));
    }
    if let (Some(id), None) = (line.request_id, fields.get("request_id")) {
        let _ = write!(out, " {dim}request_id={id}{reset}");
    }
    if let Some((trace_id, _)) = line.span {
        let _ = write!(out, " {dim}trace_id={trace_id}{reset}");
    }
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}

/// A value with blanks in it gets quotes.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"');
    if plain { text.to_owned() } else { format!("{text:?}") }
}

/// Control characters are spelled out, so that no text from outside can steer the terminal or fake a line.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::fields::FieldValue;
    use super::*;

    fn line(message: &str, coloured: bool) -> String {
        let values = vec![
            ("case_id", FieldValue::Text("CASE-001".to_owned())),
            ("why", FieldValue::Text("two words".to_owned())),
        ];
        let fields = Fields { message: message.to_owned(), values };
        let line = Line {
            unix_us: 1_700_000_000_123_456,
            level: Level::INFO,
            event: "case_transitioned",
            service: "case-command",
            request_id: Some("r-1"),
            span: None,
        };
        let mut out = Vec::new();
        write(&mut out, &line, &fields, coloured);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_reads_from_left_to_right() {
        let expected = "22:13:20.123 INFO  case-command case_transitioned: CASE-001 moved \
                        case_id=CASE-001 why=\"two words\" request_id=r-1";
        assert_eq!(line("CASE-001 moved", false), expected);
    }

    #[test]
    fn no_text_steers_the_terminal_or_fakes_a_line() {
        let written = line("\x1b[2Jgone\nERROR fake", false);
        assert!(!written.contains('\x1b') && !written.contains('\n'), "{written:?}");
        assert!(line("", true).contains(BOLD), "the control: colours are ours");
    }
}
