//! OpenTelemetry's own variables, which mean the same in every program: an operator who sets them expects to be obeyed.
//!
//! They become values of our keys, above every other source. What cannot be obeyed is refused with the variable's name if
//! telemetry would go astray or secrets with it, and else said in a [`Notice`]: nothing is ignored in silence. As the
//! specification says, an empty variable is one that is not set.

mod delivery;
mod resource;
mod sampler;
mod variables;

use std::collections::BTreeMap;

use config::ValueKind;

use super::layers::{Entry, Layer};
use super::notice::Notice;
use super::problem::{Fault, Problem};
use super::source::Source;
use super::toml_text;

/// What the variables say.
#[derive(Default)]
pub(super) struct Standard {
    pub(super) layer: Layer,
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<Notice>,
}

/// Reads the variables among those of an environment.
pub(super) fn read(environment: &BTreeMap<String, String>) -> Standard {
    let mut standard = Standard::default();
    let variables = Variables(environment);
    delivery::read(variables, &mut standard);
    sampler::read(variables, &mut standard);
    resource::read(variables, &mut standard);
    variables::not_obeyed(variables, &mut standard);
    standard
}

/// An environment in which an empty variable is none.
#[derive(Clone, Copy)]
struct Variables<'a>(&'a BTreeMap<String, String>);

impl<'a> Variables<'a> {
    fn get(self, variable: &str) -> Option<&'a str> {
        self.0.get(variable).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Every variable that is set, with its value.
    fn all(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).filter(|(_, value)| !value.is_empty())
    }
}

impl Standard {
    /// `variable` gives `key` its value.
    fn set(&mut self, key: &str, value: impl Into<ValueKind>, variable: &str) {
        let source = Source::Environment { variable: variable.to_owned() };
        self.layer.0.push(Entry { key: key.to_owned(), value: value.into(), source });
    }

    /// The value of `variable` is none of those allowed.
    fn refuse(&mut self, variable: &str, value: &str, allowed: &str) {
        let value = Some(toml_text::render(&ValueKind::String(value.to_owned())));
        self.problem(variable, value, Fault::NotAllowed(allowed.to_owned()));
    }

    /// A variable is its own source: naming it once is enough.
    fn problem(&mut self, variable: &str, value: Option<String>, fault: Fault) {
        self.problems.push(Problem { key: variable.to_owned(), value, source: None, fault });
    }

    /// `variable` is not, or not quite, obeyed.
    fn notice(&mut self, variable: &str, text: &str) {
        self.notices.push(Notice::VariableNotObeyed { variable: variable.to_owned(), text: text.to_owned() });
    }
}
