//! What a TOML document holds, with the line of each part; whatever is not as expected is noted and passed over.

use std::ops::Range;

use case_domain::Status;
use toml_edit::{Item, Table, TableLike, Value};

use crate::mistake::Mistake;
use crate::nearest::{nearest, quoted, suggestion};

/// Turns byte offsets into lines.
pub(crate) struct Lines {
    breaks: Vec<usize>,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { breaks: breaks.map(|(offset, _)| offset).collect() }
    }

    /// The line of an offset, from 1; a line break belongs to the line that it ends.
    pub(crate) fn of(&self, offset: usize) -> usize {
        1 + self.breaks.partition_point(|line_break| *line_break < offset)
    }
}

/// Something from the document and the line where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located<T> {
    pub(crate) line: usize,
    pub(crate) value: T,
}

/// A list: an array, or tables under a `[[header]]`.
pub(crate) struct List<'d> {
    pub(crate) line: usize,
    pub(crate) elements: Vec<Element<'d>>,
}

/// One element of a list.
pub(crate) struct Element<'d> {
    pub(crate) line: usize,
    pub(crate) content: Content<'d>,
}

/// What an element is.
#[derive(Clone, Copy)]
pub(crate) enum Content<'d> {
    /// A table, in either notation.
    Table(&'d dyn TableLike),
    /// Any other value.
    Other(&'d Value),
}

/// Takes parts out of a document and notes what is wrong with them.
pub(crate) struct Reader {
    lines: Lines,
    mistakes: Vec<Mistake>,
}

impl Reader {
    pub(crate) fn new(text: &str) -> Self {
        Self { lines: Lines::new(text), mistakes: Vec::new() }
    }

    pub(crate) fn note(&mut self, line: usize, message: String) {
        self.mistakes.push(Mistake { line, message });
    }

    /// Every mistake so far, sorted by line; those of one line in the order in which they were found.
    pub(crate) fn into_mistakes(mut self) -> Vec<Mistake> {
        self.mistakes.sort_by_key(|mistake| mistake.line);
        self.mistakes
    }

    /// Notes every key of a table that is not in `known`.
    pub(crate) fn only_known_keys(&mut self, table: &dyn TableLike, known: &[&str]) {
        for (key, item) in table.iter() {
            if known.contains(&key) {
                continue;
            }
            let line = self.line_of_key(table, key, item);
            let near = suggestion(nearest(key, known.iter().copied()));
            let message = format!("unknown key {}{near} (known: {})", quoted(key), known.join(", "));
            self.note(line, message);
        }
    }

    /// The list under a key of the document; `None`, and a mistake, where it is missing or something else.
    pub(crate) fn list<'d>(&mut self, root: &'d Table, key: &str, holds: &str) -> Option<List<'d>> {
        if !root.contains_key(key) {
            self.note(1, format!("{key} is missing: it lists {holds}"));
        }
        self.optional_list(root, key, holds)
    }

    /// The list under a key; `None` where it is missing, and with a mistake where it is something else.
    pub(crate) fn optional_list<'d>(&mut self, table: &'d dyn TableLike, key: &str, holds: &str) -> Option<List<'d>> {
        let item = table.get(key)?;
        let line = self.line_of_item(table, key, item);
        let elements = if let Some(tables) = item.as_array_of_tables() {
            tables.iter().map(|table| self.table_element(table, line)).collect()
        } else if let Some(array) = item.as_array() {
            array.iter().map(|value| self.array_element(value, line)).collect()
        } else {
            self.note(line, format!("{key} must be a list of {holds}, not {}", type_name(item.type_name())));
            return None;
        };
        Some(List { line, elements })
    }

    /// The text under a key of an entry; `None`, and a mistake, where it is missing or something else.
    pub(crate) fn text<'d>(&mut self, entry: &'d dyn TableLike, key: &str, line: usize) -> Option<Located<&'d str>> {
        let Some(item) = entry.get(key) else {
            self.note(line, format!("{key} is missing"));
            return None;
        };
        let line = self.line_of_item(entry, key, item);
        let Some(value) = item.as_str() else {
            self.note(line, format!("{key} must be a string, not {}", type_name(item.type_name())));
            return None;
        };
        Some(Located { line, value })
    }

    /// The status that an entry names under a key; `None`, and a mistake, where it is missing or cannot be one.
    pub(crate) fn named_status(&mut self, entry: &dyn TableLike, key: &str, line: usize) -> Option<Located<Status>> {
        let name = self.text(entry, key, line)?;
        self.status(&name)
    }

    /// The switch under a key of an entry, off where it is missing; off, and a mistake, where it is something else.
    pub(crate) fn switch(&mut self, entry: &dyn TableLike, key: &str) -> bool {
        let Some(item) = entry.get(key) else {
            return false;
        };
        item.as_bool().unwrap_or_else(|| {
            let line = self.line_of_item(entry, key, item);
            self.note(line, format!("{key} must be true or false, not {}", type_name(item.type_name())));
            false
        })
    }

    /// An element as a text; `None`, and a mistake, where it is something else than `what`, which is a string.
    pub(crate) fn text_element<'d>(&mut self, element: &Element<'d>, what: &str) -> Option<Located<&'d str>> {
        let line = element.line;
        let text = match element.content {
            Content::Other(value) => value.as_str().ok_or(value.type_name()),
            Content::Table(_) => Err("table"),
        };
        match text {
            Ok(value) => Some(Located { line, value }),
            Err(found) => {
                self.note(line, format!("{what} is a string, not {}", type_name(found)));
                None
            }
        }
    }

    /// A name as a status; `None`, and a mistake, where it cannot be one.
    pub(crate) fn status(&mut self, name: &Located<&str>) -> Option<Located<Status>> {
        let line = name.line;
        match Status::new(name.value) {
            Ok(value) => Some(Located { line, value }),
            Err(invalid) => {
                let repaired = name.value.trim().to_ascii_uppercase().replace([' ', '-'], "_");
                let repaired = Status::new(&repaired).ok();
                let near = suggestion(repaired.as_ref().map(Status::as_str));
                self.note(line, format!("{}: {invalid}{near}", quoted(name.value)));
                None
            }
        }
    }

    fn table_element<'d>(&self, table: &'d Table, fallback: usize) -> Element<'d> {
        Element { line: self.line_of(table.span(), fallback), content: Content::Table(table) }
    }

    fn array_element<'d>(&self, value: &'d Value, fallback: usize) -> Element<'d> {
        Element {
            line: self.line_of(value.span(), fallback),
            content: match value.as_inline_table() {
                Some(table) => Content::Table(table),
                None => Content::Other(value),
            },
        }
    }

    fn line_of(&self, span: Option<Range<usize>>, fallback: usize) -> usize {
        span.map_or(fallback, |span| self.lines.of(span.start))
    }

    /// Where a value stands; dotted keys make tables that stand nowhere themselves, so their key is second best.
    fn line_of_item(&self, table: &dyn TableLike, key: &str, item: &Item) -> usize {
        let key = table.key(key).and_then(toml_edit::Key::span);
        self.line_of(item.span().or(key), 1)
    }

    fn line_of_key(&self, table: &dyn TableLike, key: &str, item: &Item) -> usize {
        let key = table.key(key).and_then(toml_edit::Key::span);
        self.line_of(key.or_else(|| item.span()), 1)
    }
}

/// A type as messages name it.
pub(crate) fn type_name(toml: &str) -> String {
    match toml {
        "array" => "a list".to_owned(),
        "array of tables" => "a list of tables".to_owned(),
        "inline table" => "a table".to_owned(),
        "datetime" => "a date or time".to_owned(),
        "integer" => "an integer".to_owned(),
        other => format!("a {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_on_the_line_of_its_character() {
        let lines = Lines::new("ab\ncd\r\n\nx");
        let found: Vec<usize> = (0..=9).map(|offset| lines.of(offset)).collect();
        assert_eq!(found, [1, 1, 1, 2, 2, 2, 2, 3, 4, 4]);
    }
}
