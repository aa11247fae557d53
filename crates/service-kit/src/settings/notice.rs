//! What an operator should know about a configuration that is valid all the same.

use std::fmt;
use std::path::PathBuf;

/// Something that forbids no start, and should not go unsaid. Its text is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A standard variable of OpenTelemetry is set and not, or not quite, obeyed.
    VariableNotObeyed {
        /// Its name.
        variable: String,
        /// What happens instead.
        text: String,
    },
    /// Everybody on this machine can read a secret.
    SecretFileExposed {
        /// The key that names the file: `auth.token_file`.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VariableNotObeyed { variable, text } => write!(f, "{variable}: {text}"),
            Self::SecretFileExposed { key, path } => {
                let path = path.display();
                write!(f, "{key}: everybody on this machine can read {path}; take that right away (chmod o-r)")
            }
        }
    }
}
