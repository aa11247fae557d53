//! Why a log could not be read.

use std::fmt;
use std::io;
use std::path::PathBuf;

use lifecycle_file::{Mistake, Mistakes};
use service_kit::exit::{Exit, ExitCode};

use super::MISTAKES_MAX;

/// Why a log gave no cases.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file could not be opened.
    #[error("cannot read the log {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Reading failed on the way: the disk, or a gzip stream that is cut off or damaged.
    #[error("cannot read the log {} beyond line {line}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line that could not be read.
        line: usize,
        /// What was said.
        source: io::Error,
    },
    /// The file was read and is wrong. The first line names the file and each further line one mistake.
    #[error("the log {} has mistakes:\n{mistaken}", path.display())]
    Mistaken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        mistaken: Mistaken,
    },
    /// The file was read and there is nothing in it.
    #[error("the log {} has no case in it", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The first mistakes of a file, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistaken {
    mistakes: Mistakes,
    more: bool,
}

impl Default for Mistaken {
    fn default() -> Self {
        Self { mistakes: Mistakes(Vec::new()), more: false }
    }
}

impl Mistaken {
    /// At most [`MISTAKES_MAX`] of them.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes.0
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.mistakes.0.is_empty()
    }

    pub(super) const fn is_full(&self) -> bool {
        self.mistakes.0.len() >= MISTAKES_MAX
    }

    pub(super) fn add(&mut self, mistakes: Vec<Mistake>) {
        self.mistakes.0.extend(mistakes);
        self.more |= self.is_full();
        self.mistakes.0.truncate(MISTAKES_MAX);
    }
}

impl fmt::Display for Mistaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mistakes.fmt(f)?;
        if self.more { write!(f, "\n(reading stopped after {MISTAKES_MAX} mistakes)") } else { Ok(()) }
    }
}

impl From<LogError> for Exit {
    fn from(error: LogError) -> Self {
        let message = match &error {
            LogError::Unreadable { source, .. } | LogError::Broken { source, .. } => format!("{error}: {source}"),
            LogError::Mistaken { .. } | LogError::Empty { .. } => error.to_string(),
        };
        Self::new(exit_code(&error), message)
    }
}

fn exit_code(error: &LogError) -> ExitCode {
    match error {
        // Named on the command line, and not there or not readable.
        LogError::Unreadable { .. } => ExitCode::Usage,
        LogError::Broken { source, .. } if source.raw_os_error().is_some() => ExitCode::DiskFailed,
        // Not the operating system's: the gzip stream is at fault.
        LogError::Broken { .. } | LogError::Mistaken { .. } | LogError::Empty { .. } => ExitCode::DataCorrupt,
    }
}
