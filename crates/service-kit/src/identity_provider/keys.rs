//! The public keys of an identity provider, and which of them a token means.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// How a PEM file of a public key begins; RSA has a form of its own, too.
const PUBLIC_KEY_PEM: [&str; 2] = ["-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA PUBLIC KEY-----"];

const RSA: &[Algorithm] =
    &[Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];
const P256: &[Algorithm] = &[Algorithm::ES256];
const P384: &[Algorithm] = &[Algorithm::ES384];
const ED25519: &[Algorithm] = &[Algorithm::EdDSA];

/// The length of an uncompressed point of each curve, in bytes.
const P256_POINT_BYTES: usize = 65;
const P384_POINT_BYTES: usize = 97;

/// The keys that can verify tokens; at least one.
#[derive(Debug)]
pub(crate) struct KeySet {
    keys: Vec<Key>,
    /// The digest of what they were read from.
    digest: [u8; 32],
}

/// One key, and the algorithms that it may be used with: a token does not choose.
#[derive(Debug)]
struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    public: DecodingKey,
}

/// Why something is no key set. Says nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("it is neither a JSON Web Key Set nor a public key in PEM")]
    Malformed,
    #[error("no key in it can verify signatures of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA")]
    NoKey,
}

/// Why a token finds no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotFound {
    /// No key has the name that it gives, or none fits its algorithm.
    Unknown,
    /// It names none, and several fit.
    Ambiguous,
}

/// A set on the wire. Each key is read by itself: one that we do not understand must not hide the others (RFC 7517, 5).
#[derive(Deserialize)]
struct Jwks {
    keys: Vec<serde_json::Value>,
}

impl KeySet {
    /// Reads a JWKS, or one public key in PEM.
    pub(crate) fn parse(content: &[u8]) -> Result<Self, Unusable> {
        let is_json = content.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        if is_json { Self::from_jwks(content) } else { Self::from_pem(content) }
    }

    /// Reads a JWKS.
    pub(crate) fn from_jwks(content: &[u8]) -> Result<Self, Unusable> {
        let jwks: Jwks = serde_json::from_slice(content).map_err(|_| Unusable::Malformed)?;
        let usable = |value| serde_json::from_value::<Jwk>(value).ok().and_then(|jwk| Key::from_jwk(&jwk));
        let keys: Vec<Key> = jwks.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() { Err(Unusable::NoKey) } else { Ok(Self { keys, digest: Sha256::digest(content).into() }) }
    }

    fn from_pem(content: &[u8]) -> Result<Self, Unusable> {
        let text = std::str::from_utf8(content).map_err(|_| Unusable::Malformed)?;
        // A private key would be read, too; who keeps one here has made a mistake that must not go unnoticed.
        if !PUBLIC_KEY_PEM.iter().any(|begin| text.contains(begin)) {
            return Err(Unusable::Malformed);
        }
        let key = Key::from_pem(content).ok_or(Unusable::NoKey)?;
        Ok(Self { keys: vec![key], digest: Sha256::digest(content).into() })
    }

    /// Whether both were read from the same bytes.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key that a token means, by the name that it gives and the algorithm that it claims.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&DecodingKey, NotFound> {
        let mut fitting = self.keys.iter().filter(|key| key.algorithms.contains(&algorithm));
        if let Some(id) = id {
            let named = fitting.find(|key| key.id.as_deref() == Some(id));
            return named.map(|key| &key.public).ok_or(NotFound::Unknown);
        }
        let only = fitting.next().ok_or(NotFound::Unknown)?;
        if fitting.next().is_some() { Err(NotFound::Ambiguous) } else { Ok(&only.public) }
    }
}

impl Key {
    /// A key for signatures of our algorithms; none if it is something else.
    fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let verifies = match (&jwk.common.public_key_use, &jwk.common.key_operations) {
            (Some(purpose), _) => *purpose == PublicKeyUse::Signature,
            (None, Some(operations)) => operations.contains(&KeyOperations::Verify),
            (None, None) => true,
        };
        let fitting = algorithms(&jwk.algorithm);
        let algorithms: Vec<Algorithm> = match jwk.common.key_algorithm {
            Some(named) => fitting.iter().copied().filter(|fits| Algorithm::try_from(named) == Ok(*fits)).collect(),
            None => fitting.to_vec(),
        };
        if !verifies || algorithms.is_empty() {
            return None;
        }
        let public = DecodingKey::from_jwk(jwk).ok()?;
        Some(Self { id: jwk.common.key_id.clone(), algorithms, public })
    }

    fn from_pem(pem: &[u8]) -> Option<Self> {
        let (public, algorithms) = if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
            (key, RSA)
        } else if let Ok(key) = DecodingKey::from_ed_pem(pem) {
            (key, ED25519)
        } else {
            let key = DecodingKey::from_ec_pem(pem).ok()?;
            let algorithms = match key.try_get_as_bytes().ok()?.len() {
                P256_POINT_BYTES => P256,
                P384_POINT_BYTES => P384,
                _ => return None,
            };
            (key, algorithms)
        };
        Some(Self { id: None, algorithms: algorithms.to_vec(), public })
    }
}

/// The algorithms that a key fits: none for shared secrets and for curves that are not ours.
fn algorithms(parameters: &AlgorithmParameters) -> &'static [Algorithm] {
    if let AlgorithmParameters::RSA(_) = parameters {
        RSA
    } else if let AlgorithmParameters::EllipticCurve(ec) = parameters {
        if ec.curve == EllipticCurve::P256 {
            P256
        } else if ec.curve == EllipticCurve::P384 {
            P384
        } else {
            &[]
        }
    } else if let AlgorithmParameters::OctetKeyPair(okp) = parameters
        && okp.curve == EllipticCurve::Ed25519
    {
        ED25519
    } else {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// RFC 8037, appendix A.2.
    fn ed25519(more: &Value) -> Value {
        let mut key = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    fn set(keys: &[Value]) -> Result<KeySet, Unusable> {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn keys_for_other_purposes_are_passed_over() {
        for other in [
            ed25519(&json!({"use": "enc"})),
            ed25519(&json!({"key_ops": ["encrypt"]})),
            ed25519(&json!({"alg": "RS256"})),
            ed25519(&json!({"alg": "of-the-future"})),
            json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}),
            json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"}),
            json!({"kty": "of the future"}),
            json!("no key"),
        ] {
            assert_eq!(set(std::slice::from_ref(&other)).unwrap_err(), Unusable::NoKey, "{other}");
            let both = set(&[other, ed25519(&json!({"use": "sig", "alg": "EdDSA"}))]).unwrap();
            assert_eq!(both.len(), 1, "the good one is still found");
        }
    }

    #[test]
    fn a_key_is_found_by_its_name_and_only_for_its_algorithm() {
        let set = set(&[ed25519(&json!({"kid": "a"})), ed25519(&json!({"kid": "b"}))]).unwrap();
        assert!(set.find(Some("a"), Algorithm::EdDSA).is_ok());
        assert_eq!(set.find(Some("c"), Algorithm::EdDSA).unwrap_err(), NotFound::Unknown);
        assert_eq!(set.find(Some("a"), Algorithm::RS256).unwrap_err(), NotFound::Unknown);
        assert_eq!(set.find(Some("a"), Algorithm::HS256).unwrap_err(), NotFound::Unknown);
        assert_eq!(set.find(None, Algorithm::EdDSA).unwrap_err(), NotFound::Ambiguous);
    }

    #[test]
    fn a_key_without_a_name_is_meant_while_it_is_the_only_one() {
        let set = set(&[ed25519(&json!({}))]).unwrap();
        assert!(set.find(None, Algorithm::EdDSA).is_ok());
        assert_eq!(set.find(None, Algorithm::ES256).unwrap_err(), NotFound::Unknown);
    }

    #[test]
    fn what_is_no_key_set_says_so() {
        for content in ["", "{", "{}", "[]", "{\"keys\": 1}", "<html>", "-----BEGIN PUBLIC KEY-----"] {
            let unusable = KeySet::parse(content.as_bytes()).unwrap_err();
            let expected = if content.starts_with("---") { Unusable::NoKey } else { Unusable::Malformed };
            assert_eq!(unusable, expected, "{content}");
        }
        assert_eq!(set(&[]).unwrap_err(), Unusable::NoKey);
    }

    #[test]
    fn public_keys_in_pem_are_read_and_private_ones_are_not() {
        for (algorithm, fits) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, Algorithm::ES256),
            (&rcgen::PKCS_ECDSA_P384_SHA384, Algorithm::ES384),
            (&rcgen::PKCS_ED25519, Algorithm::EdDSA),
            (&rcgen::PKCS_RSA_SHA256, Algorithm::PS512),
        ] {
            let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let set = KeySet::parse(pair.public_key_pem().as_bytes()).unwrap();
            assert!(set.find(None, fits).is_ok(), "{fits:?}");
            assert_eq!(set.find(None, Algorithm::HS256).unwrap_err(), NotFound::Unknown);
            assert_eq!(KeySet::parse(pair.serialize_pem().as_bytes()).unwrap_err(), Unusable::Malformed);
        }
    }
}
