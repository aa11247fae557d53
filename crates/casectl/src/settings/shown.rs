//! The settings as others may see them.

use super::address::Address;
use super::key::Key;
use super::reader::Reader;

/// What stands in the place of a secret.
const REDACTED: &str = "[redacted]";

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Its key.
    pub(crate) key: &'static str,
    /// Its value, secrets hidden.
    pub(crate) value: String,
    /// Who said so.
    pub(crate) source: String,
}

/// What was given, and the addresses that it comes to.
pub(super) fn shown(reader: &Reader, addresses: &[&Address]) -> Vec<Shown> {
    let addresses = addresses.iter().map(|address| Shown {
        key: address.service.key().name(),
        value: address.url(),
        source: address.origin.to_string(),
    });
    let given = Key::ALL.into_iter().filter(|key| !is_address(*key)).filter_map(|key| {
        let given = reader.given(key)?;
        let value = if is_secret(key) { REDACTED.to_owned() } else { given.text.clone() };
        Some(Shown { key: key.name(), value, source: given.origin.to_string() })
    });
    addresses.chain(given).collect()
}

/// Exhaustive, so that whoever adds a setting decides here whether others may see it.
const fn is_secret(key: Key) -> bool {
    match key {
        Key::Token => true,
        Key::Server
        | Key::Command
        | Key::Query
        | Key::Audit
        | Key::Actor
        | Key::TokenFile
        | Key::PlaintextToken
        | Key::Ca
        | Key::Certificate
        | Key::PrivateHalf
        | Key::Output
        | Key::Color
        | Key::Times
        | Key::Zone
        | Key::Timeout => false,
    }
}

/// Addresses are shown as they have come out.
const fn is_address(key: Key) -> bool {
    matches!(key, Key::Server | Key::Command | Key::Query | Key::Audit)
}
