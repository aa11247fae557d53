//! Doors for the fuzzer: what is private reads bytes from outside, too. Not part of the crate's interface.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use crate::identity_provider::{KeySet, TokenRules};
use crate::layers::grpc_timeout;

/// Reads a `grpc-timeout`; what is read fits into the 8 digits that the specification allows.
pub fn read_grpc_timeout(bytes: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return false;
    };
    let headers = HeaderMap::from_iter([(http::HeaderName::from_static("grpc-timeout"), value)]);
    let Some(timeout) = grpc_timeout(&headers) else {
        return false;
    };
    assert!(timeout <= Duration::from_hours(99_999_999), "a timeout of {timeout:?}");
    true
}

/// Reads a set of keys; what is accepted has one.
pub fn read_keys(bytes: &[u8]) -> bool {
    let Ok(keys) = KeySet::parse(bytes) else {
        return false;
    };
    assert!(keys.len() > 0, "an empty set of keys");
    true
}

/// Judges a token under a key that nobody has the other half of: none is believed.
pub fn judge_token(token: &str) {
    const KEYS: &[u8] =
        br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let rules = TokenRules {
        issuer: "issuer".to_owned(),
        audience: "audience".to_owned(),
        skew: Duration::from_mins(1),
        actor_claim: "sub".to_owned(),
        roles_claim: "roles".to_owned(),
    };
    let Ok(keys) = KeySet::parse(KEYS) else {
        return;
    };
    assert!(rules.verify(token, &keys, 0).is_err(), "a forged token is believed: {token}");
}
