//! One line of a log as one case.

use case_domain::{Line, Status};
use jiff::Timestamp;
use lifecycle_file::Mistake;
use serde_json::{Map, Value};

use super::{CaseRecord, EXTERNAL_ID_CHARS_MAX, Entry};

/// The longest actor and the longest group, in characters: those of assignees and teams.
const NAME_CHARS_MAX: usize = 128;
/// How much of a wrong value a mistake shows, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// Reads one case, or tells everything that is wrong with it.
pub(super) fn parse(line: usize, text: &[u8]) -> Result<CaseRecord, Vec<Mistake>> {
    let mut notes = Notes { line, mistakes: Vec::new() };
    let mut object = match serde_json::from_slice(text) {
        Ok(Value::Object(object)) => object,
        Ok(other) => return Err(notes.only(format!("a case is a JSON object, not {}", kind(&other)))),
        // serde_json counts lines from the one that it was given.
        Err(error) => return Err(notes.only(format!("not valid JSON: {error}").replace("at line 1 ", "at "))),
    };
    let external_id = notes.required_line::<EXTERNAL_ID_CHARS_MAX>(&mut object, "", "external_id");
    let history = object.remove("history");
    let history = notes.history(history);
    match external_id {
        Some(external_id) if notes.mistakes.is_empty() => Ok(CaseRecord { line, external_id, fields: object, history }),
        _ => Err(notes.mistakes),
    }
}

/// What is wrong with one line.
struct Notes {
    line: usize,
    mistakes: Vec<Mistake>,
}

impl Notes {
    fn note(&mut self, message: String) {
        self.mistakes.push(Mistake { line: self.line, message });
    }

    fn only(mut self, message: String) -> Vec<Mistake> {
        self.note(message);
        self.mistakes
    }

    fn history(&mut self, value: Option<Value>) -> Vec<Entry> {
        let entries = match value {
            Some(Value::Array(entries)) => entries,
            Some(other) => {
                self.note(format!("history must be a list, not {}", kind(&other)));
                return Vec::new();
            }
            None => {
                self.note("history is missing: it lists what happened to the case".to_owned());
                return Vec::new();
            }
        };
        if entries.is_empty() {
            self.note("history is empty: a case needs at least the entry that it begins with".to_owned());
        }
        let mut before = None;
        let mut read = Vec::with_capacity(entries.len());
        for (index, value) in entries.into_iter().enumerate() {
            let path = format!("history[{index}]");
            if let Some((time, entry)) = self.entry(&path, value) {
                if before.is_some_and(|before| time < before) {
                    self.note(format!("{path}.time is before that of the entry above it"));
                }
                before = Some(time);
                read.push(entry);
            }
        }
        read
    }

    fn entry(&mut self, path: &str, value: Value) -> Option<(Timestamp, Entry)> {
        let mut object = match value {
            Value::Object(object) => object,
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                self.note(format!("{path} must be an object, not {}", kind(&other)));
                return None;
            }
        };
        let time = self.required_text(&mut object, path, "time").and_then(|text| self.time(path, text));
        let actor = self.required_line::<NAME_CHARS_MAX>(&mut object, path, "actor");
        let status = self.required_text(&mut object, path, "status").and_then(|name| self.status(path, &name));
        let group = self.group(path, object.remove("group"));
        let ((instant, time), actor, status) = (time?, actor?, status?);
        Some((instant, Entry { time, actor, status, group }))
    }

    fn time(&mut self, path: &str, text: String) -> Option<(Timestamp, String)> {
        let Ok(time) = text.parse() else {
            let text = shown(&text);
            self.note(format!("{path}.time {text} is no time with an offset, such as 2026-11-23T09:30:00+01:00"));
            return None;
        };
        Some((time, text))
    }

    fn status(&mut self, path: &str, name: &str) -> Option<Status> {
        Status::new(name).map_err(|invalid| self.note(format!("{path}.status {}: {invalid}", shown(name)))).ok()
    }

    fn group(&mut self, path: &str, value: Option<Value>) -> Option<String> {
        let name = self.text(path, "group", value.filter(|value| !value.is_null())?)?;
        if name.is_empty() { Some(name) } else { self.line::<NAME_CHARS_MAX>(path, "group", name) }
    }

    fn required_line<const MAX: usize>(
        &mut self,
        object: &mut Map<String, Value>,
        path: &str,
        key: &str,
    ) -> Option<String> {
        let text = self.required_text(object, path, key)?;
        self.line::<MAX>(path, key, text)
    }

    fn required_text(&mut self, object: &mut Map<String, Value>, path: &str, key: &str) -> Option<String> {
        let Some(value) = object.remove(key) else {
            self.note(format!("{} is missing", place(path, key)));
            return None;
        };
        self.text(path, key, value)
    }

    fn text(&mut self, path: &str, key: &str, value: Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text),
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                self.note(format!("{} must be a string, not {}", place(path, key), kind(&other)));
                None
            }
        }
    }

    fn line<const MAX: usize>(&mut self, path: &str, key: &str, text: String) -> Option<String> {
        if let Err(invalid) = Line::<MAX>::new(&text) {
            self.note(format!("{} {} {invalid}", place(path, key), shown(&text)));
            return None;
        }
        Some(text)
    }
}

fn place(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A value from the file, fit for one line of a message.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", &text[..end]),
    }
}

/// A type as messages name it.
const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
