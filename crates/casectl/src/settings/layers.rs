//! Where settings come from: flags, environment, file.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use service_kit::exit::ExitCode;
use toml_edit::{Document, Item};

use super::key::{CONFIG_VARIABLE, Key, VARIABLE_PREFIX, suggestion};
use crate::problem::Problem;
use crate::surroundings::Surroundings;

/// Who said a value: what a message about it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag, such as `--server`.
    Flag(String),
    /// A variable, such as `CASECTL_SERVER`.
    Variable(String),
    /// The file.
    File(PathBuf),
    /// Nobody.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("the default"),
        }
    }
}

/// A value as it was given.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

/// What is wrong with the settings, a line each.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    lines: Vec<String>,
    /// Whether a file or a variable is to be mended, not only the command line.
    in_configuration: bool,
}

impl Problems {
    /// Something that `origin` said is wrong. Told once, however many settings it spoils.
    pub(crate) fn add(&mut self, origin: &Origin, line: String) {
        if !self.lines.contains(&line) {
            self.lines.push(line);
            self.in_configuration |= !matches!(origin, Origin::Flag(_));
        }
    }

    fn add_to_configuration(&mut self, line: String) {
        self.lines.push(line);
        self.in_configuration = true;
    }

    /// All of them as one problem; none if there are none. What only the command line has wrong is usage.
    pub(crate) fn into_problem(self) -> Option<Problem> {
        let code = if self.in_configuration { ExitCode::Configuration } else { ExitCode::Usage };
        (!self.lines.is_empty()).then(|| Problem::local(code, self.lines.join("\n")))
    }
}

/// What one source says.
pub(crate) type Layer = BTreeMap<Key, Given>;

/// What the flags say.
pub(crate) fn of_flags(flags: &BTreeMap<Key, String>) -> Layer {
    flags.iter().map(|(key, text)| (*key, Given { text: text.clone(), origin: Origin::Flag(key.flag()) })).collect()
}

/// What the environment says. A misspelt variable of ours would silently be ignored, so it is refused.
pub(crate) fn of_environment(surroundings: &Surroundings, problems: &mut Problems) -> Layer {
    let mut layer = Layer::new();
    let names = Key::ALL.map(Key::variable);
    for name in surroundings.environment.keys().filter(|name| name.starts_with(VARIABLE_PREFIX)) {
        let key = Key::ALL.into_iter().find(|key| key.variable() == *name);
        match (key, surroundings.variable(name)) {
            (Some(key), Some(text)) => {
                layer.insert(key, Given { text: text.to_owned(), origin: Origin::Variable(name.clone()) });
            }
            (None, Some(_)) if name != CONFIG_VARIABLE => {
                let near = suggestion(name, names.iter().map(String::as_str).chain([CONFIG_VARIABLE]));
                problems.add_to_configuration(format!("the environment variable {name} is unknown{near}"));
            }
            (Some(_) | None, _) => {}
        }
    }
    layer
}

/// What the file says: the one that is named, or the default one if it is there.
pub(crate) fn of_file(named: Option<&Path>, surroundings: &Surroundings, problems: &mut Problems) -> Layer {
    let named = named.map(Path::to_owned).or_else(|| surroundings.variable(CONFIG_VARIABLE).map(PathBuf::from));
    let Some(path) = named.clone().or_else(|| default_file(surroundings)) else { return Layer::new() };
    match std::fs::read_to_string(&path) {
        Ok(text) => of_text(&path, &text, problems),
        Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => Layer::new(),
        Err(error) => {
            problems.add_to_configuration(format!("cannot read the configuration {}: {error}", path.display()));
            Layer::new()
        }
    }
}

/// `$XDG_CONFIG_HOME/casectl.toml`, else `~/.config/casectl.toml`.
fn default_file(surroundings: &Surroundings) -> Option<PathBuf> {
    let folder = surroundings.variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let folder = folder.or_else(|| Some(Path::new(surroundings.variable("HOME")?).join(".config")))?;
    Some(folder.join("casectl.toml"))
}

fn of_text(path: &Path, text: &str, problems: &mut Problems) -> Layer {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let line = line_of(text, error.span().map_or(0, |span| span.start));
            problems.add_to_configuration(format!(
                "{}:{line}: not valid TOML: {}",
                path.display(),
                error.message().replace('\n', " ")
            ));
            return Layer::new();
        }
    };
    let mut layer = Layer::new();
    for (name, item) in document.iter() {
        let line = document.key(name).and_then(toml_edit::Key::span).map_or(1, |span| line_of(text, span.start));
        match (Key::named(name), item_text(item)) {
            (Some(key), Some(text)) => {
                layer.insert(key, Given { text, origin: Origin::File(path.to_owned()) });
            }
            (Some(_), None) => {
                problems.add_to_configuration(format!("{}:{line}: {name} must be a text in quotes", path.display()));
            }
            (None, _) => {
                let near = suggestion(name, Key::ALL.map(Key::name));
                problems.add_to_configuration(format!("{}:{line}: the key {name} is unknown{near}", path.display()));
            }
        }
    }
    layer
}

fn item_text(item: &Item) -> Option<String> {
    item.as_str().map(ToOwned::to_owned)
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
