//! Values that must not be printed.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};

/// A secret of the configuration: no form of it prints it (there is no `Display`, no `Serialize`, and `Debug` says nothing
/// of it), and clones see it change when it is read again.
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

#[cfg(test)]
mod tests {
    use std::fmt::Display;
    use std::marker::PhantomData;

    use super::*;

    /// Tells whether a type can be displayed or serialized: what it has itself comes before what [`Cannot`] gives it.
    struct Probe<T>(PhantomData<T>);

    impl<T: Display> Probe<T> {
        const DISPLAYS: bool = true;
    }

    impl<T: serde::Serialize> Probe<T> {
        const SERIALIZES: bool = true;
    }

    trait Cannot {
        const DISPLAYS: bool = false;
        const SERIALIZES: bool = false;
    }

    impl<T> Cannot for Probe<T> {}

    #[test]
    fn nothing_prints_a_secret() {
        assert_eq!((Probe::<Secret>::DISPLAYS, Probe::<Secret>::SERIALIZES), (false, false));
        assert_eq!(
            (Probe::<String>::DISPLAYS, Probe::<String>::SERIALIZES),
            (true, true),
            "what can be printed is seen"
        );
        let canary = Secret::from("canary".to_owned());
        assert_eq!((format!("{canary:?}"), format!("{canary:#?}")), ("[redacted]".to_owned(), "[redacted]".to_owned()));
        assert!(canary.with(|text| text == "canary"), "and yet it is there");
    }

    #[test]
    fn clones_see_a_replacement() {
        let secret = Secret::from("one".to_owned());
        let clone = secret.clone();
        secret.replace("two".to_owned());
        assert!(clone.with(|text| text == "two"));
        assert_eq!(secret, clone);
        assert_ne!(secret, Secret::from("one".to_owned()));
    }
}
