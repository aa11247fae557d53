//! Reads the places that configuration comes from.
//!
//! What belongs to no known key never enters a layer: it is a problem at once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use config::{Value, ValueKind};

use super::layers::{Entry, Layer};
use super::nearest::nearest;
use super::notice::Notice;
use super::opentelemetry;
use super::problem::{Fault, Problem};
use super::source::Source;
use super::toml_text;

/// What environment variables for us begin with.
const VARIABLE_PREFIX: &str = "CASE_TRACKER__";

/// The places that configuration comes from. All are arguments: loading reads nothing else but the file, and the files of
/// secrets that are named in it.
#[derive(Clone, Default)]
pub struct Sources {
    /// `--config`
    pub file: Option<PathBuf>,
    /// The environment: names and values.
    pub environment: BTreeMap<String, String>,
    /// The flags that stand for a key.
    pub flags: Flags,
}

impl fmt::Debug for Sources {
    /// Of the environment only the names: whatever stands in it may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables: Vec<&String> = self.environment.keys().collect();
        let Self { file, environment: _, flags } = self;
        f.debug_struct("Sources").field("file", file).field("environment", &variables).field("flags", flags).finish()
    }
}

/// The flags that stand for a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--data-dir`
    pub data_dir: Option<String>,
    /// `--lifecycle`
    pub lifecycle: Option<String>,
}

/// What was found in all places.
pub(super) struct Gathered {
    /// The layer of each place, lowest first. The first are the defaults.
    pub(super) layers: Vec<Layer>,
    /// What was wrong on the way.
    pub(super) problems: Vec<Problem>,
    /// What is not wrong, and should not go unsaid.
    pub(super) notices: Vec<Notice>,
}

/// Looks at all places.
pub(super) fn gather(defaults: Layer, sources: &Sources) -> Gathered {
    let mut problems = Vec::new();
    let file = sources.file.as_deref().map(|path| file(path, &defaults, &mut problems)).unwrap_or_default();
    let environment = environment(&sources.environment, &defaults, &mut problems);
    let standard = opentelemetry::read(&sources.environment);
    problems.extend(standard.problems);
    let layers = vec![defaults, file, environment, flags(&sources.flags), standard.layer];
    Gathered { layers, problems, notices: standard.notices }
}

fn file(path: &Path, defaults: &Layer, problems: &mut Vec<Problem>) -> Layer {
    let source = |line| Source::File { path: path.to_owned(), line };
    let unreadable = |source, text: String| Problem {
        key: format!("--config {}", path.display()),
        value: None,
        source,
        fault: Fault::Unreadable(text),
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            problems.push(unreadable(None, format!("the file cannot be read: {error}")));
            return Layer::default();
        }
    };
    let assignments = toml_text::assignments(&text).unwrap_or_else(|error| {
        problems.push(unreadable(Some(source(error.line)), format!("this is not TOML: {}", error.message)));
        Vec::new()
    });
    let mut layer = Layer::default();
    for toml_text::Assignment { key, value, line } in assignments {
        if defaults.get(&key).is_some() {
            layer.0.push(Entry { key, value, source: source(line) });
        } else if !is_empty_section(&key, &value, defaults) {
            let nearest = nearest(&key, defaults.keys()).map(ToOwned::to_owned);
            problems.push(unknown(key, source(line), nearest));
        }
    }
    layer
}

fn is_empty_section(key: &str, value: &ValueKind, defaults: &Layer) -> bool {
    let is_table = matches!(value, ValueKind::Table(_));
    is_table && defaults.keys().any(|known| known.split_once('.').is_some_and(|(section, _)| section == key))
}

fn environment(variables: &BTreeMap<String, String>, defaults: &Layer, problems: &mut Vec<Problem>) -> Layer {
    let mut layer = Layer::default();
    for (variable, text) in variables {
        let Some(name) = variable.strip_prefix(VARIABLE_PREFIX) else {
            continue;
        };
        let key = name.to_lowercase().replace("__", ".");
        let source = Source::Environment { variable: variable.clone() };
        if let Some(default) = defaults.get(&key).filter(|_| *variable == variable_of(&key)) {
            layer.0.push(Entry { key, value: like(&default.value, text), source });
        } else {
            problems.push(unknown(variable.clone(), source, nearest(&key, defaults.keys()).map(variable_of)));
        }
    }
    layer
}

/// The variable that sets a key.
fn variable_of(key: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

fn unknown(key: String, source: Source, nearest: Option<String>) -> Problem {
    // A variable is its own source: naming it once is enough.
    let source = Some(source).filter(|source| !matches!(source, Source::Environment { .. }));
    Problem { key, value: None, source, fault: Fault::UnknownKey { nearest } }
}

/// Gives text of the environment the type of the key's default. Text that does not fit stays text, to be refused as what
/// it is.
fn like(default: &ValueKind, text: &str) -> ValueKind {
    let as_text = || ValueKind::String(text.to_owned());
    match default {
        ValueKind::Boolean(_) => text.parse().map_or_else(|_| as_text(), ValueKind::Boolean),
        ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => {
            text.replace('_', "").parse().map_or_else(|_| as_text(), ValueKind::I64)
        }
        ValueKind::Float(_) => text.parse().map_or_else(|_| as_text(), ValueKind::Float),
        ValueKind::Array(_) => {
            let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            ValueKind::Array(names.map(|name| Value::new(None, name)).collect())
        }
        ValueKind::Nil | ValueKind::String(_) | ValueKind::Table(_) => as_text(),
    }
}

fn flags(flags: &Flags) -> Layer {
    let all = [("data_dir", "--data-dir", &flags.data_dir), ("lifecycle.path", "--lifecycle", &flags.lifecycle)];
    let given = all.into_iter().filter_map(|(key, name, value)| Some((key, name, value.as_ref()?)));
    let entry = |(key, name, value): (&str, _, &String)| Entry {
        key: key.to_owned(),
        value: ValueKind::String(value.clone()),
        source: Source::Flag { name },
    };
    Layer(given.map(entry).collect())
}
