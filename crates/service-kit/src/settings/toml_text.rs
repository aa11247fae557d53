//! TOML, with the line of every value: read with `toml_edit`, because the `config` crate's own reader forgets the lines.

use std::ops::Range;

use config::{Value, ValueKind};
use toml_edit::{Document, Item, TableLike};

use super::redaction;

/// A key with its value, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Assignment {
    /// The full key, with dots: `command.listen`.
    pub(super) key: String,
    /// Never a table, unless the table is empty.
    pub(super) value: ValueKind,
    /// Counted from 1.
    pub(super) line: usize,
}

/// Text that is not TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// Counted from 1.
    pub(super) line: usize,
    /// One line.
    pub(super) message: String,
}

/// Every assignment of a TOML text, in its order.
pub(super) fn assignments(text: &str) -> Result<Vec<Assignment>, SyntaxError> {
    let document = Document::parse(text).map_err(|error| SyntaxError {
        line: line_of(text, error.span()),
        message: error.message().lines().collect::<Vec<_>>().join(", "),
    })?;
    let mut found = Vec::new();
    collect(text, "", document.as_table(), &mut found);
    found.sort_by_key(|assignment| assignment.line);
    Ok(found)
}

fn collect(text: &str, above: &str, table: &dyn TableLike, found: &mut Vec<Assignment>) {
    for (name, item) in table.iter() {
        let key = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
        match item.as_table_like() {
            Some(inner) if !inner.is_empty() => collect(text, &key, inner, found),
            Some(_) | None => {
                let span = table.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
                found.push(Assignment { key, value: value_of(item), line: line_of(text, span) });
            }
        }
    }
}

fn value_of(item: &Item) -> ValueKind {
    match item {
        Item::None => ValueKind::Nil,
        Item::Value(value) => scalar_or_array(value),
        Item::Table(_) | Item::ArrayOfTables(_) => ValueKind::Table(config::Map::new()),
    }
}

fn scalar_or_array(value: &toml_edit::Value) -> ValueKind {
    match value {
        toml_edit::Value::String(text) => ValueKind::String(text.value().clone()),
        toml_edit::Value::Integer(number) => ValueKind::I64(*number.value()),
        toml_edit::Value::Float(number) => ValueKind::Float(*number.value()),
        toml_edit::Value::Boolean(on) => ValueKind::Boolean(*on.value()),
        toml_edit::Value::Datetime(time) => ValueKind::String(time.value().to_string()),
        toml_edit::Value::Array(values) => {
            ValueKind::Array(values.iter().map(|value| Value::new(None, scalar_or_array(value))).collect())
        }
        toml_edit::Value::InlineTable(_) => ValueKind::Table(config::Map::new()),
    }
}

fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    1 + before.matches('\n').count()
}

/// A value as TOML, with every password in it hidden.
pub(super) fn render(value: &ValueKind) -> String {
    match value {
        ValueKind::Nil => "nothing".to_owned(),
        ValueKind::Boolean(on) => on.to_string(),
        ValueKind::I64(number) => number.to_string(),
        ValueKind::I128(number) => number.to_string(),
        ValueKind::U64(number) => number.to_string(),
        ValueKind::U128(number) => number.to_string(),
        // `{:?}` writes 1 as 1.0, which stays a float when it is read again.
        ValueKind::Float(number) => format!("{number:?}").to_lowercase(),
        ValueKind::String(text) => quoted(&redaction::without_passwords(text)),
        ValueKind::Table(_) => "{}".to_owned(),
        ValueKind::Array(values) => {
            let values: Vec<String> = values.iter().map(|value| render(&value.kind)).collect();
            format!("[{}]", values.join(", "))
        }
    }
}

/// A basic string of TOML.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&escaped(c)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn escaped(c: char) -> String {
    format!("\\u{:04X}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_its_key_and_line() {
        let text = "a = 1\n\n[b]\nc = \"x\"\nd.e = [true,\n 2.5]\nf = { g = 1 }\n[h]\n";
        let found = assignments(text).unwrap();
        let seen: Vec<(&str, String, usize)> =
            found.iter().map(|a| (a.key.as_str(), render(&a.value), a.line)).collect();
        assert_eq!(
            seen,
            [
                ("a", "1".to_owned(), 1),
                ("b.c", "\"x\"".to_owned(), 4),
                ("b.d.e", "[true, 2.5]".to_owned(), 5),
                ("b.f.g", "1".to_owned(), 7),
                ("h", "{}".to_owned(), 8),
            ]
        );
    }

    #[test]
    fn a_syntax_error_has_its_line_and_is_one_line() {
        let error = assignments("a = 1\nb = = 2\n").unwrap_err();
        assert_eq!(error.line, 2);
        assert!(!error.message.is_empty() && !error.message.contains('\n'), "{}", error.message);
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for text in ["plain", "quote \" and \\ slash", "line\nbreak\ttab", "bell \u{7}", "ümläut"] {
            let line = format!("a = {}", render(&ValueKind::String(text.to_owned())));
            assert_eq!(assignments(&line).unwrap()[0].value, ValueKind::String(text.to_owned()), "{line}");
        }
    }
}
