//! Values that must not be printed.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};

/// A secret of the configuration: no form of it prints it, and clones see it change when it is read again.
#[derive(Clone)]
pub struct Secret {
    current: Arc<RwLock<SecretString>>,
}

impl Secret {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.with(str::is_empty)
    }

    /// Shows the secret, as it is now, to `look` only.
    pub fn with<T>(&self, look: impl FnOnce(&str) -> T) -> T {
        look(self.current.read().unwrap_or_else(PoisonError::into_inner).expose_secret())
    }

    /// Puts another secret in its place, for all clones.
    pub fn replace(&self, text: String) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = SecretString::from(text);
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self { current: Arc::new(RwLock::new(SecretString::from(text))) }
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.current, &other.current) || self.with(|mine| other.with(|theirs| mine == theirs))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "[none]" } else { "[redacted]" })
    }
}
