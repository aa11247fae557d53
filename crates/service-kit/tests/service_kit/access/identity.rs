//! An identity provider: keys, tokens good and bad, a clock, and a server that believes them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use serde_json::{Value, json};
use service_kit::clock::Clock;
use service_kit::host::Host;
use service_kit::settings::{AuthMode, Jwks};
use tonic::{Request, Status};
use tonic_types::StatusExt;

pub(crate) const ISSUER: &str = "https://identity.example";
pub(crate) const AUDIENCE: &str = "case-tracker";
/// 2026-01-01T00:00:00Z.
pub(crate) const NOW_S: i64 = 1_767_225_600;

/// A key pair of the provider.
pub(crate) struct Signer {
    pub(crate) kid: &'static str,
    algorithm: Algorithm,
    pair: rcgen::KeyPair,
    key: EncodingKey,
}

impl Signer {
    pub(crate) fn new(kid: &'static str) -> Self {
        Self::of(kid, Algorithm::EdDSA)
    }

    pub(crate) fn of(kid: &'static str, algorithm: Algorithm) -> Self {
        use jsonwebtoken::AlgorithmFamily::{Ec, Ed, Hmac, Rsa};
        let scheme = match (algorithm.family(), algorithm == Algorithm::ES384) {
            (Rsa, _) => &rcgen::PKCS_RSA_SHA256,
            (Ec, true) => &rcgen::PKCS_ECDSA_P384_SHA384,
            (Ec, false) => &rcgen::PKCS_ECDSA_P256_SHA256,
            (Ed | Hmac, _) => &rcgen::PKCS_ED25519,
        };
        let pair = rcgen::KeyPair::generate_for(scheme).unwrap();
        let key = match algorithm.family() {
            Rsa => EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap(),
            Ec => EncodingKey::from_ec_der(&pair.serialize_der()),
            Ed | Hmac => EncodingKey::from_ed_der(&pair.serialize_der()),
        };
        Self { kid, algorithm, pair, key }
    }

    /// Its public key, as the provider publishes it.
    pub(crate) fn jwk(&self) -> Value {
        use jsonwebtoken::AlgorithmFamily::{Ec, Ed, Hmac, Rsa};
        let pem = self.public_pem();
        let key = match self.algorithm.family() {
            Rsa => DecodingKey::from_rsa_pem(pem.as_bytes()),
            Ec => DecodingKey::from_ec_pem(pem.as_bytes()),
            Ed | Hmac => DecodingKey::from_ed_pem(pem.as_bytes()),
        };
        let jwk = Jwk::from_decoding_key(&key.unwrap(), Some(self.algorithm)).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    pub(crate) fn public_pem(&self) -> String {
        self.pair.public_key_pem()
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(&Header { kid: Some(self.kid.to_owned()), ..Header::new(self.algorithm) }, claims)
    }

    pub(crate) fn sign_as(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &self.key).unwrap()
    }
}

/// A JWKS.
pub(crate) fn jwks(signers: &[&Signer]) -> String {
    json!({ "keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>() }).to_string()
}

/// The claims of somebody, with changes: `null` takes a claim away.
pub(crate) fn claims(actor: &str, roles: &[&str], changes: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": actor, "roles": roles, "iat": NOW_S, "exp": NOW_S + 3_600,
    });
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        let claims = claims.as_object_mut().unwrap();
        if value.is_null() {
            claims.remove(&name)
        } else {
            claims.insert(name, value)
        };
    }
    claims
}

/// The claims of an agent.
pub(crate) fn amira() -> Value {
    claims("amira", &["agent"], json!({}))
}

/// A clock that stands still until it is moved.
pub(crate) struct StandingClock(AtomicI64);

impl StandingClock {
    pub(crate) fn advance_s(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for StandingClock {
    fn unix_us(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A host that believes the tokens of these keys, at [`NOW_S`].
pub(crate) fn believing(name: &'static str, keys: Jwks) -> (Host, Arc<StandingClock>) {
    let clock = Arc::new(StandingClock(AtomicI64::new(NOW_S * 1_000_000)));
    let mut host = crate::probe::host(name);
    let auth = &mut host.process.settings.auth;
    auth.mode = AuthMode::Jwt;
    auth.jwks = Some(keys);
    auth.issuer = Some(ISSUER.to_owned());
    auth.audience = Some(AUDIENCE.to_owned());
    host.process.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    (host, clock)
}

/// Keys in a file of a folder that goes away with the test.
pub(crate) fn in_file(content: &str) -> (tempfile::TempDir, Jwks) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    write(&path, content);
    (folder, Jwks::File(path))
}

/// Replaces a file as a whole, as whoever rotates keys should.
pub(crate) fn write(path: &Path, content: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, content).unwrap();
    std::fs::rename(new, path).unwrap();
}

/// A call that shows a token.
pub(crate) fn bearing(text: &str, token: &str) -> Request<String> {
    authorized(text, &format!("Bearer {token}"))
}

/// A call with an `authorization`.
pub(crate) fn authorized(text: &str, value: &str) -> Request<String> {
    let mut request = Request::new(text.to_owned());
    request.metadata_mut().insert("authorization", value.parse().unwrap());
    request
}

/// The reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    status.get_error_details().error_info().expect("an ErrorInfo").reason.clone()
}

/// A value of a refusal's metadata; empty without it.
pub(crate) fn said(status: &Status, key: &str) -> String {
    status.get_error_details().error_info().expect("an ErrorInfo").metadata.get(key).cloned().unwrap_or_default()
}
