//! What is wrong with a configuration.

use std::fmt;

use super::source::Source;

/// One mistake in the configuration. Its text is one line with the key, the value as given, its source and the fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key as its source writes it: `command.listen`, `CASE_TRACKER__COMMAND__LISTEN`.
    pub key: String,
    /// The value as given, in TOML, passwords hidden. None where the key is unknown: what nobody asked for may be a
    /// secret in the wrong place.
    pub value: Option<String>,
    /// Where it was given. None if the source itself cannot be read.
    pub source: Option<Source>,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The value is not one of those allowed; these are.
    NotAllowed(String),
    /// There is no such key.
    UnknownKey {
        /// The known key that was probably meant, as this source writes it.
        nearest: Option<String>,
    },
    /// The value contradicts another one.
    Conflict(String),
    /// The source cannot be read.
    Unreadable(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        if let Some(source) = &self.source {
            write!(f, " ({source})")?;
        }
        write!(f, ": {}", self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowed(allowed) => write!(f, "allowed is {allowed}"),
            Self::UnknownKey { nearest: Some(nearest) } => write!(f, "there is no such key; did you mean {nearest}?"),
            Self::UnknownKey { nearest: None } => f.write_str("there is no such key"),
            Self::Conflict(text) | Self::Unreadable(text) => f.write_str(text),
        }
    }
}
