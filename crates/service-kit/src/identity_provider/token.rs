//! Whether a token is to be believed, and what it says: a function of the token, the keys and the time.

use std::time::Duration;

use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, AlgorithmFamily, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::keys::{KeySet, NotFound};
use crate::access::{Caller, Refusal, Role, Roles};

/// The longest token that is looked at, in bytes.
pub(crate) const TOKEN_BYTES_MAX: usize = 8 * 1_024;

/// What a token must say, and where it says who it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenRules {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    /// How far the clocks may be apart.
    pub(crate) skew: Duration,
    /// The claim that names the actor: see [`claim`].
    pub(crate) actor_claim: String,
    /// The claim that lists the roles: see [`claim`].
    pub(crate) roles_claim: String,
}

/// A token that is to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) caller: Caller,
    /// Until when, in microseconds since the Unix epoch.
    pub(crate) until_us: i64,
}

impl TokenRules {
    /// Checks form, algorithm, key, signature, issuer, audience, times and actor, in this order: what a token says counts
    /// only once it is known who has signed it.
    pub(crate) fn verify(&self, token: &str, keys: &KeySet, now_us: i64) -> Result<Verified, Refusal> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refusal::TooLong);
        }
        let header = decode_header(token).map_err(|_| Refusal::Malformed)?;
        if header.alg.family() == AlgorithmFamily::Hmac {
            return Err(Refusal::Algorithm);
        }
        // Extensions that must be understood, and none is (RFC 7515, 4.1.11).
        if header.crit.is_some() {
            return Err(Refusal::Malformed);
        }
        let key = keys.find(header.kid.as_deref(), header.alg).map_err(|not_found| match not_found {
            NotFound::Unknown => Refusal::UnknownKey,
            NotFound::Ambiguous => Refusal::NoKeyNamed,
        })?;
        let claims = decode::<Map<String, Value>>(token, key, &self.validation(header.alg)).map_err(|e| refusal(&e))?;
        self.accept(&claims.claims, now_us)
    }

    /// What the library checks. Times are ours to check: it knows only the machine's clock.
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        (validation.validate_exp, validation.validate_nbf) = (false, false);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        // Without this, a token that has no such claim passes.
        validation.set_required_spec_claims(&["iss", "aud"]);
        validation
    }

    /// What is left to check of claims that the issuer has signed.
    fn accept(&self, claims: &Map<String, Value>, now_us: i64) -> Result<Verified, Refusal> {
        let skew_us = i64::try_from(self.skew.as_micros()).unwrap_or(i64::MAX);
        // The library would take a list that names the issuer among others; RFC 7519 knows one issuer only.
        if claims.get("iss").is_some_and(|issuer| !issuer.is_string()) {
            return Err(Refusal::Issuer);
        }
        let expiry_us = claims.get("exp").and_then(time_us).ok_or(Refusal::NoExpiry)?;
        let until_us = expiry_us.saturating_add(skew_us);
        if now_us >= until_us {
            return Err(Refusal::Expired);
        }
        if let Some(not_before) = claims.get("nbf") {
            let from_us = time_us(not_before).ok_or(Refusal::Malformed)?;
            if now_us.saturating_add(skew_us) < from_us {
                return Err(Refusal::NotYetValid);
            }
        }
        let actor = claim(claims, &self.actor_claim).and_then(Value::as_str).ok_or(Refusal::BadActorClaim)?;
        let roles = claim(claims, &self.roles_claim).map(roles).unwrap_or_default();
        let caller = Caller::named(actor, roles).ok_or(Refusal::BadActorClaim)?;
        Ok(Verified { caller, until_us })
    }
}

/// A claim by its whole name, which may have dots in it (`https://example.com/roles`), else as a path with dots
/// (`realm_access.roles`).
fn claim<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| {
        let (outer, inner) = name.split_once('.')?;
        claim(claims.get(outer)?.as_object()?, inner)
    })
}

/// The roles of a list, or of one text with spaces; those that are not ours are passed over.
fn roles(value: &Value) -> Roles {
    match value {
        Value::String(text) => text.split_ascii_whitespace().filter_map(Role::named).collect(),
        Value::Array(values) => values.iter().filter_map(|value| Role::named(value.as_str()?)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Roles::default(),
    }
}

/// A time of a token (RFC 7519, `NumericDate`: seconds since the Unix epoch, perhaps with a fraction), in microseconds.
fn time_us(value: &Value) -> Option<i64> {
    let since = Duration::try_from_secs_f64(value.as_f64()?).ok()?;
    i64::try_from(since.as_micros()).ok()
}

fn refusal(error: &Error) -> Refusal {
    let kind = error.kind();
    if let ErrorKind::MissingRequiredClaim(name) = kind {
        return if name == "iss" { Refusal::Issuer } else { Refusal::Audience };
    }
    if matches!(kind, ErrorKind::InvalidIssuer) {
        Refusal::Issuer
    } else if matches!(kind, ErrorKind::InvalidAudience) {
        Refusal::Audience
    } else if matches!(kind, ErrorKind::Json(_) | ErrorKind::Base64(_) | ErrorKind::InvalidToken) {
        Refusal::Malformed
    } else {
        Refusal::Signature
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW_US: i64 = 1_767_225_600_000_000;
    const NOW_S: i64 = NOW_US / 1_000_000;

    fn rules(actor_claim: &str, roles_claim: &str) -> TokenRules {
        TokenRules {
            issuer: "i".to_owned(),
            audience: "a".to_owned(),
            skew: Duration::from_mins(1),
            actor_claim: actor_claim.to_owned(),
            roles_claim: roles_claim.to_owned(),
        }
    }

    fn accepted(rules: &TokenRules, claims: &Value) -> Result<Verified, Refusal> {
        rules.accept(claims.as_object().unwrap(), NOW_US)
    }

    #[test]
    fn times_count_with_the_skew_and_to_the_second() {
        let times = |times: &Value| {
            let mut claims = json!({"sub": "amira"});
            claims.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
            accepted(&rules("sub", "roles"), &claims).map(|verified| verified.until_us)
        };
        assert_eq!(times(&json!({"exp": NOW_S + 1})), Ok(NOW_US + 61_000_000));
        assert_eq!(times(&json!({"exp": NOW_S - 59})), Ok(NOW_US + 1_000_000), "over, but within the skew");
        assert_eq!(times(&json!({"exp": NOW_S - 60})), Err(Refusal::Expired));
        assert_eq!(times(&json!({"exp": NOW_S + 1, "nbf": NOW_S + 60})), Ok(NOW_US + 61_000_000));
        assert_eq!(times(&json!({"exp": NOW_S + 1, "nbf": NOW_S + 61})), Err(Refusal::NotYetValid));
        assert_eq!(times(&json!({"exp": 1.5})), Err(Refusal::Expired));
        for unusable in [json!({}), json!({"exp": "tomorrow"}), json!({"exp": -1}), json!({"exp": 1e300})] {
            assert_eq!(times(&unusable), Err(Refusal::NoExpiry), "{unusable}");
        }
        assert_eq!(times(&json!({"exp": NOW_S + 1, "nbf": "yesterday"})), Err(Refusal::Malformed));
    }

    #[test]
    fn a_token_has_one_issuer() {
        let with_issuer = |issuer: Value| {
            let claims = json!({"sub": "amira", "exp": NOW_S + 1, "iss": issuer});
            accepted(&rules("sub", "roles"), &claims).map(|verified| verified.until_us)
        };
        assert_eq!(with_issuer(json!(["x", "i"])), Err(Refusal::Issuer));
        assert!(with_issuer(json!("i")).is_ok(), "control");
    }

    #[test]
    fn roles_are_a_list_or_a_text_and_foreign_ones_are_passed_over() {
        let of = |value: &Value| {
            accepted(&rules("sub", "roles"), &json!({"sub": "amira", "exp": NOW_S + 1, "roles": value}))
                .map(|verified| verified.caller.roles)
        };
        let expected: Roles = [Role::Agent, Role::Auditor].into_iter().collect();
        assert_eq!(of(&json!(["agent", "root", 7, "auditor"])), Ok(expected));
        assert_eq!(of(&json!("agent  openid auditor")), Ok(expected));
        for none in [json!([]), json!(""), json!("Agent"), json!({"agent": true}), json!(7), Value::Null] {
            assert_eq!(of(&none), Ok(Roles::default()), "{none}");
        }
    }

    #[test]
    fn claims_are_found_by_name_and_by_path() {
        let claims = json!({
            "exp": NOW_S + 1,
            "https://example.com/roles": ["agent"],
            "realm_access": {"roles": ["agent"], "who": {"name": "amira"}},
        });
        let agent: Roles = [Role::Agent].into_iter().collect();
        for roles_claim in ["https://example.com/roles", "realm_access.roles"] {
            let verified = accepted(&rules("realm_access.who.name", roles_claim), &claims).unwrap();
            assert_eq!((&*verified.caller.actor, verified.caller.roles), ("amira", agent), "{roles_claim}");
        }
        for absent in ["sub", "realm_access", "realm_access.who", "exp.name", "."] {
            assert_eq!(accepted(&rules(absent, "roles"), &claims), Err(Refusal::BadActorClaim), "{absent}");
        }
    }
}
