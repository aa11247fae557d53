//! Where each value comes from.

use std::collections::BTreeSet;

use super::layers::{Entry, Layer};
use super::source::Source;

/// Every key with its value and its source, in the order of `default.toml`. Holds no secret: values are as they are shown.
#[derive(Debug, Clone, Default)]
pub struct Provenance(Vec<Line>);

#[derive(Debug, Clone)]
struct Line {
    key: String,
    value: String,
    source: Source,
}

/// One key of the configuration in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInForce<'a> {
    /// With dots: `command.listen`.
    pub key: &'a str,
    /// As TOML, secrets and passwords hidden.
    pub value: String,
    /// Where the value was given.
    pub source: &'a Source,
}

impl Provenance {
    pub(super) fn new(top: Layer) -> Self {
        let line = |entry: Entry| Line { value: entry.shown(), key: entry.key, source: entry.source };
        Self(top.0.into_iter().map(line).collect())
    }

    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = KeyInForce<'_>> {
        self.0.iter().map(|line| KeyInForce { key: &line.key, value: line.value.clone(), source: &line.source })
    }

    /// The source of one key; none if there is no such key.
    pub fn source_of(&self, key: &str) -> Option<&Source> {
        self.0.iter().find(|line| line.key == key).map(|line| &line.source)
    }

    /// How many keys there are, and how many come from where: `29 keys, 2 from case-tracker.toml, 27 by default`.
    pub fn summary(&self) -> String {
        let sources: Vec<String> = self.0.iter().map(|line| origin(&line.source)).collect();
        let distinct: BTreeSet<&String> = sources.iter().collect();
        let count = |origin: &String| sources.iter().filter(|other| *other == origin).count();
        let counts = distinct.into_iter().map(|origin| format!(", {} {origin}", count(origin)));
        format!("{} keys{}", sources.len(), counts.collect::<String>())
    }
}

fn origin(source: &Source) -> String {
    match source {
        Source::Default => "by default".to_owned(),
        Source::File { path, .. } => format!("from {}", path.display()),
        Source::Environment { .. } => "from the environment".to_owned(),
        Source::Flag { .. } => "from flags".to_owned(),
    }
}
