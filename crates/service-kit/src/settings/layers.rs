//! The layers of the configuration, and what stands on top.
//!
//! The `config` crate lays them over each other. Each layer holds known keys only, and every value carries its source as
//! the crate's `origin`, which is how the source of the winner is known afterwards.

use std::collections::HashMap;
use std::fmt;

use config::{Config, ConfigError, Map, Value, ValueKind};

use super::redaction;
use super::source::Source;
use super::toml_text;

/// The commented defaults: the reference of every key.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// A key with its value, and where the value comes from.
#[derive(Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: ValueKind,
    pub(super) source: Source,
}

impl Entry {
    /// The value as TOML, as far as people may see it.
    pub(super) fn shown(&self) -> String {
        redaction::shown(&self.key, &self.value)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({})", self.key, self.shown(), self.source)
    }
}

/// Entries of equal rank.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer(pub(super) Vec<Entry>);

impl Layer {
    /// The compiled-in defaults, in the order of the file. Their keys are the known keys.
    pub(super) fn defaults() -> Self {
        // The text is a constant that the tests read: there is nobody to report a mistake in it to.
        let assignments = toml_text::assignments(DEFAULT_TOML).unwrap_or_default();
        let entry = |a: toml_text::Assignment| Entry { key: a.key, value: a.value, source: Source::Default };
        Self(assignments.into_iter().map(entry).collect())
    }

    /// The entry of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.key == key)
    }

    /// The same entries with `other` in place of the one that has its key.
    pub(super) fn with(&self, other: &Entry) -> Self {
        let choose = |entry: &Entry| {
            if entry.key == other.key { other.clone() } else { entry.clone() }
        };
        Self(self.0.iter().map(choose).collect())
    }

    /// All keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|entry| entry.key.as_str())
    }
}

impl config::Source for Layer {
    fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let value = |entry: &Entry| Value::new(Some(&entry.source.to_string()), entry.value.clone());
        Ok(self.0.iter().map(|entry| (entry.key.clone(), value(entry))).collect())
    }
}

/// For each known key the value of the last layer that has one, in the order of the defaults.
pub(super) fn topmost(layers: &[Layer]) -> Result<Layer, ConfigError> {
    let top = config_of(layers)?;
    let root = config::Source::collect(&top)?;
    let sources: HashMap<String, &Source> =
        layers.iter().flat_map(|layer| &layer.0).map(|entry| (entry.source.to_string(), &entry.source)).collect();
    let entry = |key: &str| {
        let value = find(&root, key).ok_or_else(|| ConfigError::NotFound(key.to_owned()))?;
        let source = value.origin().and_then(|origin| sources.get(origin)).map_or(Source::Default, |s| (*s).clone());
        Ok(Entry { key: key.to_owned(), value: value.kind.clone(), source })
    };
    let known = layers.first().into_iter().flat_map(Layer::keys);
    known.map(entry).collect::<Result<_, _>>().map(Layer)
}

/// The layers as the `config` crate sees them, ready to become a typed struct.
pub(super) fn config_of(layers: &[Layer]) -> Result<Config, ConfigError> {
    layers.iter().fold(Config::builder(), |builder, layer| builder.add_source(layer.clone())).build()
}

fn find<'a>(root: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => root.get(key),
        Some((section, rest)) => match &root.get(section)?.kind {
            ValueKind::Table(inner) => find(inner, rest),
            ValueKind::Nil
            | ValueKind::Boolean(_)
            | ValueKind::I64(_)
            | ValueKind::I128(_)
            | ValueKind::U64(_)
            | ValueKind::U128(_)
            | ValueKind::Float(_)
            | ValueKind::String(_)
            | ValueKind::Array(_) => None,
        },
    }
}
