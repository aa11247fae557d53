//! Where a value comes from.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from, precisely enough to go there and change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `default.toml`, compiled in.
    Default,
    /// The file of `--config`.
    File {
        /// As given on the command line.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// An environment variable, ours or one of OpenTelemetry's.
    Environment {
        /// Its name.
        variable: String,
    },
    /// The command line.
    Flag {
        /// With its hyphens: `--data-dir`.
        name: &'static str,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "file {}, line {line}", path.display()),
            Self::Environment { variable } => write!(f, "environment variable {variable}"),
            Self::Flag { name } => write!(f, "flag {name}"),
        }
    }
}
