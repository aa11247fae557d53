//! One run of casectl: its settings, its connections, and where its answers go.

use std::io::{Read, Write};
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::Serialize;
use service_kit::clock::Entropy;
use service_kit::exit::ExitCode;

use crate::connection::Connections;
use crate::problem::Problem;
use crate::settings::{ColorWhen, OutputFormat, Settings, Zone};
use crate::surroundings::Surroundings;
use crate::view::View;
use crate::view::times::Clockface;

/// The most that `-` reads: more than any text of a case may have.
const STDIN_BYTES_MAX: u64 = 1_048_576;

/// What every command has at hand.
pub(crate) struct Session {
    pub(crate) settings: Settings,
    pub(crate) connections: Connections,
    pub(crate) view: View,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) stderr_is_terminal: bool,
    stdin: Box<dyn Read + Send>,
    stdout: Box<dyn Write + Send>,
    stderr: Box<dyn Write + Send>,
}

impl Session {
    pub(crate) fn new(settings: Settings, surroundings: Surroundings) -> Self {
        let view = view(&settings, &surroundings);
        let Surroundings { stdin, stdout, stderr, stderr_is_terminal, clock, entropy, .. } = surroundings;
        let connections = Connections::new(&settings, clock, Arc::clone(&entropy));
        Self { settings, connections, view, entropy, stderr_is_terminal, stdin, stdout, stderr }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.settings.output == OutputFormat::Json
    }

    /// Writes to standard output.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), Problem> {
        let written = self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush());
        written.map_err(|error| Problem::output(&error))
    }

    /// Writes an answer as one line of JSON.
    pub(crate) fn print_json(&mut self, answer: &impl Serialize) -> Result<(), Problem> {
        let line = serde_json::to_string(answer);
        let line =
            line.map_err(|error| Problem::local(ExitCode::DataCorrupt, format!("cannot write JSON: {error}")))?;
        self.print(&format!("{line}\n"))
    }

    /// Tells something besides the answer.
    pub(crate) fn note(&mut self, text: &str, json: &impl Serialize) {
        let line = if self.is_json() { serde_json::to_string(json).unwrap_or_default() } else { text.to_owned() };
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(self.stderr, "{line}");
    }

    /// Tells what went wrong.
    pub(crate) fn tell(&mut self, problem: &Problem) {
        let text = if self.is_json() { problem.json() } else { problem.text() };
        let shown = !matches!(problem, Problem::OutputClosed);
        if shown {
            let _ = self.stderr.write_all(text.as_bytes());
        }
    }

    /// A text from the command line, or what `-` stands for.
    pub(crate) fn text(&mut self, given: &str) -> Result<String, Problem> {
        if given != "-" {
            return Ok(given.to_owned());
        }
        let mut text = String::new();
        let read = (&mut self.stdin).take(STDIN_BYTES_MAX + 1).read_to_string(&mut text);
        let read = read.map_err(|error| Problem::usage(format!("cannot read standard input: {error}")))?;
        if u64::try_from(read).is_ok_and(|read| read > STDIN_BYTES_MAX) {
            return Err(Problem::usage(format!("standard input is longer than {STDIN_BYTES_MAX} bytes")));
        }
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// A time from the command line.
    pub(crate) fn time(&self, flag: &str, given: Option<&String>) -> Result<Option<prost_types::Timestamp>, Problem> {
        let Some(given) = given else { return Ok(None) };
        let time = self.view.clockface.read(given);
        let forms = "a time is 2026-11-23, 2026-11-23T09:30:00Z, now, 7d (ago) or +3d (from now)";
        time.map(Some).ok_or_else(|| Problem::usage(format!("{flag} {given:?}: {forms}")))
    }
}

fn view(settings: &Settings, surroundings: &Surroundings) -> View {
    let is_terminal = surroundings.stdout_columns.is_some();
    let color = match settings.color {
        ColorWhen::Auto => is_terminal && may_color(surroundings),
        ColorWhen::Always => true,
        ColorWhen::Never => false,
    };
    let zone = match settings.zone {
        Zone::Local => surroundings.zone.clone(),
        Zone::Utc => TimeZone::UTC,
    };
    let clockface = Clockface { now_us: surroundings.clock.unix_us(), zone, times: settings.times };
    View { columns: surroundings.stdout_columns.map(usize::from), color, clockface }
}

/// <https://no-color.org>, and terminals that know no colours.
pub(crate) fn may_color(surroundings: &Surroundings) -> bool {
    surroundings.variable("NO_COLOR").is_none() && surroundings.variable("TERM") != Some("dumb")
}
