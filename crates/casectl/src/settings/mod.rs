//! Whom to call, as whom, and how to answer: flag before environment before file before default.

mod address;
mod key;
mod layers;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use service_kit::exit::ExitCode;
use tonic::metadata::{Ascii, MetadataValue};

pub(crate) use address::{Address, Service};
pub(crate) use key::Key;
pub(crate) use layers::Origin;

use crate::problem::Problem;
use crate::surroundings::Surroundings;
use layers::{Given, Layer};

/// How long a call may take if nobody says: the servers' own default.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// For whom the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: JSON in the form of the protos.
    Json,
}

impl OutputFormat {
    /// How people ask for [`OutputFormat::Json`].
    pub(crate) const JSON_NAME: &str = "json";
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How times are written for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Times {
    /// `3 min ago`.
    Relative,
    /// `2026-11-23 09:30:00 UTC`.
    Absolute,
    /// Both.
    Both,
}

/// In which zone times are written and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Zone {
    /// The person's own, marked with its distance from UTC.
    #[default]
    Local,
    /// UTC, as in the servers' logs.
    Utc,
}

/// Everything that is decided before the first call.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where the command service is.
    pub(crate) command: Address,
    /// Where the query service is.
    pub(crate) query: Address,
    /// Where the audit service is.
    pub(crate) audit: Address,
    /// Who acts; without it the server says what it wants.
    pub(crate) actor: Option<MetadataValue<Ascii>>,
    /// `authorization`, whole; its `Debug` form hides it.
    pub(crate) authorization: Option<MetadataValue<Ascii>>,
    /// For whom the answer is.
    pub(crate) output: OutputFormat,
    /// When to use colours.
    pub(crate) color: ColorWhen,
    /// How times are written; `None`: as it suits the place.
    pub(crate) times: Option<Times>,
    /// In which zone.
    pub(crate) zone: Zone,
    /// How long a call may take, its retries included.
    pub(crate) timeout: Duration,
}

/// Puts the settings together. Every problem is reported at once, a line each.
pub(crate) fn load(
    flags: &BTreeMap<Key, String>,
    config: Option<&Path>,
    surroundings: &Surroundings,
) -> Result<Settings, Problem> {
    let mut problems = Vec::new();
    let layers = [
        layers::of_flags(flags),
        layers::of_environment(surroundings, &mut problems),
        layers::of_file(config, surroundings, &mut problems),
    ];
    let mut reader = Reader { layers, problems };
    let settings = Settings {
        command: reader.address(Service::Command),
        query: reader.address(Service::Query),
        audit: reader.address(Service::Audit),
        actor: reader.actor(),
        authorization: reader.authorization(),
        output: reader.one_of(Key::Output).unwrap_or_default(),
        color: reader.one_of(Key::Color).unwrap_or_default(),
        times: reader.one_of(Key::Times),
        zone: reader.one_of(Key::Zone).unwrap_or_default(),
        timeout: reader.timeout(),
    };
    if reader.problems.is_empty() {
        return Ok(settings);
    }
    Err(Problem::local(ExitCode::Configuration, reader.problems.join("\n")))
}

struct Reader {
    /// Strongest first.
    layers: [Layer; 3],
    problems: Vec<String>,
}

impl Reader {
    fn given(&self, key: Key) -> Option<&Given> {
        self.layers.iter().find_map(|layer| layer.get(&key))
    }

    /// In each layer the service's own address counts before the host of all; a stronger layer counts before both.
    fn address(&mut self, service: Service) -> Address {
        let said = self.layers.iter().find_map(|layer| {
            let own = layer.get(&service.key()).map(|given| (given.clone(), false));
            own.or_else(|| layer.get(&Key::Server).map(|given| (given.clone(), true)))
        });
        let Some((given, is_host)) = said else { return Address::default_of(service) };
        let address = if is_host { Address::on_host(service, &given) } else { Address::new(service, &given) };
        address.unwrap_or_else(|problem| {
            // A wrong `--server` is wrong for all three services, and told once.
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
            Address::default_of(service)
        })
    }

    fn actor(&mut self) -> Option<MetadataValue<Ascii>> {
        let given = self.given(Key::Actor)?.clone();
        let visible = given.text.bytes().all(|byte| byte.is_ascii_graphic());
        let value = MetadataValue::try_from(given.text.as_str()).ok().filter(|_| visible);
        if value.is_none() {
            self.problems.push(format!("{}: {:?}: an actor is visible ASCII characters", given.origin, given.text));
        }
        value
    }

    /// The token of the strongest layer that has one; in one layer the token counts before its file.
    fn authorization(&mut self) -> Option<MetadataValue<Ascii>> {
        let said = self.layers.iter().find_map(|layer| {
            let token = layer.get(&Key::Token).map(|given| (given.clone(), false));
            token.or_else(|| layer.get(&Key::TokenFile).map(|given| (given.clone(), true)))
        });
        let (given, is_file) = said?;
        let token = if is_file { std::fs::read_to_string(&given.text) } else { Ok(given.text.clone()) };
        let value = match token {
            Ok(token) => MetadataValue::try_from(format!("Bearer {}", token.trim())).ok(),
            Err(error) => {
                self.problems.push(format!("{}: cannot read the token in {}: {error}", given.origin, given.text));
                return None;
            }
        };
        let Some(mut value) = value else {
            // The token itself is never repeated.
            self.problems.push(format!("{}: the token holds characters that no token has", given.origin));
            return None;
        };
        value.set_sensitive(true);
        Some(value)
    }

    fn one_of<T: ValueEnum>(&mut self, key: Key) -> Option<T> {
        let given = self.given(key)?.clone();
        let value = T::from_str(&given.text, true).ok();
        if value.is_none() {
            let names: Vec<_> = T::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect();
            let names: Vec<_> = names.iter().map(clap::builder::PossibleValue::get_name).collect();
            let (origin, name, allowed) = (&given.origin, key.name(), names.join(", "));
            self.problems.push(format!("{origin}: {name} cannot be {:?}; it is one of {allowed}", given.text));
        }
        value
    }

    fn timeout(&mut self) -> Duration {
        let Some(given) = self.given(Key::Timeout).cloned() else { return TIMEOUT_DEFAULT };
        match humantime::parse_duration(&given.text) {
            Ok(timeout) if !timeout.is_zero() => timeout,
            Ok(_) | Err(_) => {
                let text = &given.text;
                self.problems.push(format!("{}: timeout {text:?} is no time span such as 500ms or 10s", given.origin));
                TIMEOUT_DEFAULT
            }
        }
    }
}
