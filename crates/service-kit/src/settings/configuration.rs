//! The whole way from sources to settings. It never stops at the first mistake.

use config::{ConfigError, ValueKind};

use super::gather::{self, Gathered, Sources};
use super::layers::{self, Entry, Layer};
use super::notice::Notice;
use super::problem::{Fault, Problem};
use super::provenance::Provenance;
use super::rules::{self, Served};
use super::schema::Settings;
use super::secret_file::SecretFile;
use super::source::Source;

/// The stores that lie in `data_dir` unless they are placed elsewhere, with their file names.
const STORES: [(&str, &str); 3] =
    [("command.store", "command.db"), ("query.store", "query.db"), ("audit.store", "audit.db")];

/// A configuration as it was found, valid or not.
#[derive(Debug, Clone)]
pub struct Configuration {
    pub(super) provenance: Provenance,
    pub(super) problems: Vec<Problem>,
    notices: Vec<Notice>,
    settings: Option<Settings>,
}

/// A valid configuration.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the program runs with.
    pub settings: Settings,
    /// Where each value comes from.
    pub provenance: Provenance,
    /// What an operator should know all the same.
    pub notices: Vec<Notice>,
}

/// Reads the configuration, or says everything that is wrong with it. `serves` tells for which addresses this binary
/// answers.
pub fn load(sources: &Sources, serves: Served) -> Result<Loaded, Vec<Problem>> {
    Configuration::read(sources, serves).with_secrets().into_loaded()
}

impl Configuration {
    /// Reads the configuration and judges it, but for the secrets that stand in files of their own.
    pub fn read(sources: &Sources, serves: Served) -> Self {
        let defaults = Layer::defaults();
        let Gathered { layers, mut problems, notices } = gather::gather(defaults.clone(), sources);
        match judged(&layers, &defaults, serves, &mut problems) {
            Ok((top, settings)) => {
                Self { provenance: Provenance::new(top), problems, notices, settings: Some(settings) }
            }
            Err(error) => {
                problems.push(broken_defaults(&error));
                Self { provenance: Provenance::new(defaults), problems, notices, settings: None }
            }
        }
    }

    /// Reads the secrets that stand in files of their own, each into its place in the settings. What cannot be read is a
    /// problem.
    #[must_use]
    pub fn with_secrets(mut self) -> Self {
        for file in self.settings.iter().flat_map(SecretFile::all) {
            if let Err(error) = file.read() {
                let line = self.provenance.keys().find(|line| line.key == file.file_key());
                let (value, source) = line.map(|line| (line.value, line.source.clone())).unzip();
                let fault = Fault::Unreadable(error.to_string());
                self.problems.push(Problem { key: file.file_key().to_owned(), value, source, fault });
            } else if file.is_exposed() {
                self.notices.push(file.exposed());
            }
        }
        self
    }

    /// What is wrong; empty if nothing is.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The settings, if nothing is wrong.
    pub fn into_loaded(self) -> Result<Loaded, Vec<Problem>> {
        match self.settings {
            Some(settings) if self.problems.is_empty() => {
                Ok(Loaded { settings, provenance: self.provenance, notices: self.notices })
            }
            Some(_) | None => Err(self.problems),
        }
    }
}

/// What stands on top, and the settings that it makes. Values that are not allowed are reported, and replaced by their
/// defaults in the settings, so that the rules between the other keys can be judged too.
fn judged(
    layers: &[Layer],
    defaults: &Layer,
    serves: Served,
    problems: &mut Vec<Problem>,
) -> Result<(Layer, Settings), ConfigError> {
    let top = with_stores_placed(layers::topmost(layers)?, defaults);
    let sound_defaults = with_stores_placed(defaults.clone(), defaults);
    let mut sound = top.clone();
    for entry in top.0.iter().filter(|entry| entry.source != Source::Default) {
        if let Err(error) = settings_of(&sound_defaults.with(entry)) {
            problems.push(not_allowed(entry, &error));
            sound = sound_defaults.get(&entry.key).map_or_else(|| sound.clone(), |default| sound.with(default));
        }
    }
    let settings = settings_of(&sound)?;
    problems.extend(rules::contradictions(&settings, serves, &top, problems));
    Ok((top, settings))
}

fn settings_of(layer: &Layer) -> Result<Settings, ConfigError> {
    layers::config_of(std::slice::from_ref(layer))?.try_deserialize()
}

/// Stores without an address lie in `data_dir`; their source is then that of `data_dir`. Where that is itself not
/// allowed, it is reported once, not once more for each store.
fn with_stores_placed(mut top: Layer, defaults: &Layer) -> Layer {
    let usable = |entry: &&Entry| text(&entry.value).is_some_and(|folder| !folder.is_empty());
    let Some(data_dir) = top.get("data_dir").filter(usable).or_else(|| defaults.get("data_dir")).cloned() else {
        return top;
    };
    let folder = text(&data_dir.value).unwrap_or_default();
    for (key, file) in STORES {
        if top.get(key).is_some_and(|entry| text(&entry.value) == Some("")) {
            let value = ValueKind::String(format!("sqlite:{}/{file}", folder.trim_end_matches('/')));
            top = top.with(&Entry { key: key.to_owned(), value, source: data_dir.source.clone() });
        }
    }
    top
}

fn text(value: &ValueKind) -> Option<&str> {
    if let ValueKind::String(text) = value { Some(text) } else { None }
}

fn not_allowed(entry: &Entry, error: &ConfigError) -> Problem {
    Problem {
        key: entry.key.clone(),
        value: Some(entry.shown()),
        source: Some(entry.source.clone()),
        fault: Fault::NotAllowed(allowed(error)),
    }
}

/// What the kind of value said, without the key that the `config` crate adds.
fn allowed(error: &ConfigError) -> String {
    if let ConfigError::At { error, .. } = error {
        allowed(error)
    } else if let ConfigError::Message(allowed) = error {
        allowed.clone()
    } else {
        error.to_string()
    }
}

/// Only a wrong `default.toml` or schema leads here, and the tests read both.
fn broken_defaults(error: &ConfigError) -> Problem {
    let fault = Fault::Unreadable(format!("the compiled-in defaults do not fit the schema (a bug): {error}"));
    Problem { key: "default.toml".to_owned(), value: None, source: Some(Source::Default), fault }
}
