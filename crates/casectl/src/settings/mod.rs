//! Whom to call, as whom, and how to answer: flag before environment before file before default.

mod address;
mod key;
mod layers;
mod reader;
mod shown;
mod trust;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use rustls::ClientConfig;
use tonic::metadata::{Ascii, MetadataValue};

pub(crate) use address::{Address, Scheme, Service};
pub(crate) use key::Key;
pub(crate) use layers::Origin;
pub(crate) use shown::Shown;

use crate::problem::Problem;
use crate::surroundings::Surroundings;
use layers::Problems;
use reader::Reader;

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

/// Whether a token may go where others can read it: over plain HTTP to another machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum PlaintextToken {
    /// Never.
    #[default]
    Refuse,
    /// The person says that the network is theirs.
    Allow,
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
    /// Whether it may go where others can read it.
    pub(crate) plaintext_token: PlaintextToken,
    /// How to speak TLS; none where no address asks for it.
    pub(crate) tls: Option<Arc<ClientConfig>>,
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
    /// All of it as it may be shown to others.
    pub(crate) shown: Vec<Shown>,
}

/// Puts the settings together. Every problem is reported at once, a line each.
pub(crate) fn load(
    flags: &BTreeMap<Key, String>,
    config: Option<&Path>,
    surroundings: &Surroundings,
) -> Result<Settings, Problem> {
    let mut problems = Problems::default();
    let layers = [
        layers::of_flags(flags),
        layers::of_environment(surroundings, &mut problems),
        layers::of_file(config, surroundings, &mut problems),
    ];
    let mut reader = Reader { layers, problems };
    let [command, query, audit] = Service::ALL.map(|service| reader.address(service));
    let settings = Settings {
        tls: reader.tls(&[&command, &query, &audit]),
        shown: shown::shown(&reader, &[&command, &query, &audit]),
        command,
        query,
        audit,
        actor: reader.actor(),
        authorization: reader.authorization(),
        plaintext_token: reader.one_of(Key::PlaintextToken).unwrap_or_default(),
        output: reader.one_of(Key::Output).unwrap_or_default(),
        color: reader.one_of(Key::Color).unwrap_or_default(),
        times: reader.one_of(Key::Times),
        zone: reader.one_of(Key::Zone).unwrap_or_default(),
        timeout: reader.timeout(),
    };
    reader.problems.into_problem().map_or(Ok(settings), Err)
}
