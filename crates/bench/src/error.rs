//! Why a benchmark cannot go on. Slowness is no error, and a refused call is counted, not thrown.

use std::io;
use std::path::Path;

use tonic::Status;

/// What stops a benchmark.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused something.
    #[error("cannot {doing}")]
    System {
        /// What was tried, as it reads after "cannot".
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A server did not start, or ended on its own.
    #[error("{name} {what}; its log is {log}")]
    Server {
        /// Which one.
        name: String,
        /// What it did.
        what: String,
        /// Where it says why.
        log: String,
    },
    /// A channel could not be opened.
    #[error("cannot connect to {address}")]
    Connection {
        /// Where to.
        address: String,
        /// Why.
        source: tonic::transport::Error,
    },
    /// A call that the benchmark builds on was refused.
    #[error("{method} was refused: {status}")]
    Call {
        /// Which one.
        method: String,
        /// How it was answered.
        status: Box<Status>,
    },
    /// SQLite failed.
    #[error("SQLite failed")]
    Sqlite(#[from] rusqlite::Error),
    /// A result could not be written.
    #[error("cannot write {what}: {why}")]
    Output {
        /// What was to be written.
        what: String,
        /// Why it was not.
        why: String,
    },
    /// Something that cannot be measured here.
    #[error("{0}")]
    Unmeasurable(String),
}

impl Error {
    /// Names what was tried: `.map_err(Error::system("read the file x"))`.
    pub(crate) fn system(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::System { doing, source }
    }

    /// The same of a path.
    pub(crate) fn path(verb: &str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        Self::system(format!("{verb} {}", path.display()))
    }

    /// A refusal of a call that must succeed.
    pub(crate) fn call(method: &str) -> impl FnOnce(Status) -> Self + use<> {
        let method = method.to_owned();
        move |status| Self::Call { method, status: Box::new(status) }
    }

    /// The whole chain in one line.
    pub fn line(&self) -> String {
        let mut line = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            line.push_str(": ");
            line.push_str(&error.to_string());
            source = error.source();
        }
        line
    }
}
