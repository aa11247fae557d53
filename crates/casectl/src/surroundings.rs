//! What a process finds around itself, as arguments: a test decides all of it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::Arc;

use jiff::tz::TimeZone;
use service_kit::clock::{Clock, Entropy, SystemClock, SystemEntropy};

/// Everything outside of the command line that a run depends on.
pub struct Surroundings {
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// What `-` reads from.
    pub stdin: Box<dyn Read + Send>,
    /// Answers go here, and nothing else.
    pub stdout: Box<dyn Write + Send>,
    /// Errors, notes and progress go here.
    pub stderr: Box<dyn Write + Send>,
    /// How many columns standard output has; `None` if it is not a terminal.
    pub stdout_columns: Option<u16>,
    /// Whether a person sees standard error.
    pub stderr_is_terminal: bool,
    /// The time, for relative times and ids.
    pub clock: Arc<dyn Clock>,
    /// For keys, ids and jitter.
    pub entropy: Arc<dyn Entropy>,
    /// Where the person is.
    pub zone: TimeZone,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        let columns = console::Term::stdout().size_checked().map(|(_, columns)| columns);
        Self {
            // What is not text cannot be one of our variables.
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            stdin: Box::new(std::io::stdin()),
            stdout: Box::new(std::io::stdout()),
            stderr: Box::new(std::io::stderr()),
            stdout_columns: columns.filter(|_| console::Term::stdout().is_term()),
            stderr_is_terminal: console::Term::stderr().is_term(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            zone: TimeZone::system(),
        }
    }

    /// A variable; one that is set to nothing counts as not set.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}
