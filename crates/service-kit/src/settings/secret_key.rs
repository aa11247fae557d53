//! The keys that are secret, and the files that they can be read from instead.

use std::path::Path;

use super::otlp_headers::otlp_headers;
use super::schema::Settings;
use super::secret::Secret;

/// A key that is secret. The list is closed on purpose: a secret that is not on it would be printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct SecretKey {
    /// The key whose value is the secret.
    pub(super) key: &'static str,
    /// The key that names a file with the secret in it.
    pub(super) file_key: &'static str,
    /// What the secret may be, for people.
    pub(super) allowed: &'static str,
    /// Whether a secret, which is not empty, is one of those allowed.
    pub(super) is_allowed: fn(&str) -> bool,
    /// Where both are in the settings.
    pub(super) of: fn(&Settings) -> (&Secret, Option<&Path>),
}

/// `auth.token`
pub(super) const TOKEN: SecretKey = SecretKey {
    key: "auth.token",
    file_key: "auth.token_file",
    allowed: "a bearer token (letters, digits and -._~+/=)",
    is_allowed: is_bearer_token,
    of: |settings| (&settings.auth.token, settings.auth.token_file.as_deref()),
};

/// `telemetry.otlp_headers`
pub(super) const OTLP_HEADERS: SecretKey = SecretKey {
    key: "telemetry.otlp_headers",
    file_key: "telemetry.otlp_headers_file",
    allowed: "\"key=value,key=value\" with names and values of HTTP headers",
    is_allowed: |text| otlp_headers(text).is_some(),
    of: |settings| (&settings.telemetry.otlp_headers, settings.telemetry.otlp_headers_file.as_deref()),
};

/// All of them.
pub(super) const SECRET_KEYS: [SecretKey; 2] = [TOKEN, OTLP_HEADERS];

/// Whether the value of this key must not be shown.
pub(super) fn is_secret(key: &str) -> bool {
    SECRET_KEYS.iter().any(|secret| secret.key == key)
}

/// What RFC 6750 calls a `b64token`: everything that can stand behind `Bearer`.
fn is_bearer_token(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~+/=".contains(c))
}
