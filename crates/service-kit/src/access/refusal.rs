//! Why a caller is not believed.

use std::time::Duration;

use rpc_error::{Failure, Reason};

use crate::request::ACTOR_ID_HEADER;

/// When to come back while there are no keys: the provider is asked again about every second at first.
const RETRY_WITHOUT_KEYS: Duration = Duration::from_secs(2);

/// The header of tokens.
const AUTHORIZATION: &str = "authorization";

/// Everything that can be wrong with credentials. The log tells all of these apart; the caller does not learn which keys
/// there are, so an unknown key and a wrong signature read the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Insecure mode: no `x-actor-id`.
    NoActor,
    /// Insecure mode: an `x-actor-id` that names nobody, or two of them.
    BadActorHeader,
    /// Neither token nor certificate.
    NoToken,
    /// No certificate, where only that counts.
    NoCertificate,
    /// A certificate whose name cannot be an actor.
    BadCertificateName,
    /// More than one `authorization`, or something else than a bearer token.
    BadHeader,
    /// More than the largest token.
    TooLong,
    /// Not a token.
    Malformed,
    /// `none`, a shared secret, or an algorithm that is not ours.
    Algorithm,
    /// Names no key, and more than one fits.
    NoKeyNamed,
    /// The key that it names is not there, or does not fit its algorithm.
    UnknownKey,
    /// Not signed by the key.
    Signature,
    /// From another issuer.
    Issuer,
    /// For another audience.
    Audience,
    /// Valid for ever, or until a time that is none.
    NoExpiry,
    /// Was valid.
    Expired,
    /// Will be valid.
    NotYetValid,
    /// Names no actor.
    BadActorClaim,
    /// There are no keys to verify anything with.
    NoKeys,
}

impl Refusal {
    /// What exactly failed: for the log.
    pub(crate) const fn check(self) -> &'static str {
        match self {
            Self::NoActor => "no_actor",
            Self::BadActorHeader => "actor_header",
            Self::NoToken => "no_token",
            Self::NoCertificate => "no_certificate",
            Self::BadCertificateName => "certificate_name",
            Self::BadHeader => "header",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::NoKeyNamed => "no_key_named",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::NoExpiry => "no_expiry",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::BadActorClaim => "actor_claim",
            Self::NoKeys => "no_keys",
        }
    }

    /// What the caller is told.
    pub(crate) fn failure(self) -> Failure {
        match self {
            Self::NoActor => missing("the call does not say who makes it: send the metadata key x-actor-id")
                .with_metadata("header", ACTOR_ID_HEADER),
            Self::BadActorHeader => Failure::new(
                Reason::CredentialsInvalid,
                "the metadata key x-actor-id must be one name of 1 to 128 visible ASCII characters",
            )
            .with_metadata("header", ACTOR_ID_HEADER),
            Self::NoToken => {
                missing("the call does not show who makes it: send a token in the metadata key authorization, as \"Bearer TOKEN\"")
                    .with_metadata("header", AUTHORIZATION)
            }
            Self::NoCertificate => missing(
                "the connection does not show who calls: connect with a client certificate of an authority that this server believes",
            ),
            Self::BadCertificateName => invalid(
                "certificate",
                "the client certificate needs a name (URI, DNS name or common name) of 1 to 128 visible ASCII characters",
            ),
            Self::BadHeader | Self::TooLong | Self::Malformed => {
                invalid("form", "the metadata key authorization must be sent once, as \"Bearer TOKEN\", with a JSON Web Token of at most 8 KiB")
            }
            Self::Algorithm | Self::NoKeyNamed | Self::UnknownKey | Self::Signature => invalid(
                "signature",
                "the token's signature does not verify with the keys of the identity provider: get a new token from it",
            ),
            Self::Issuer => invalid("issuer", "the token is from another issuer than this server's (auth.issuer)"),
            Self::Audience => invalid("audience", "the token is for another audience than this server's (auth.audience)"),
            Self::NoExpiry => invalid("expiry", "the token does not say when it expires (exp)"),
            Self::Expired => Failure::new(Reason::CredentialsExpired, "the token has expired: get a new one")
                .with_metadata("check", "expiry"),
            Self::NotYetValid => invalid("not_before", "the token is not valid yet (nbf): use it later, or compare the clocks"),
            Self::BadActorClaim => invalid(
                "actor",
                "the token's claim for the actor (auth.actor_claim) must be a text of 1 to 128 visible ASCII characters",
            ),
            Self::NoKeys => Failure::new(
                Reason::IdentityUnavailable,
                "the server has no keys of the identity provider yet and cannot verify anybody: try again",
            )
            .with_retry_after(RETRY_WITHOUT_KEYS),
        }
    }
}

fn missing(message: &str) -> Failure {
    Failure::new(Reason::CredentialsMissing, message)
}

fn invalid(check: &str, message: &str) -> Failure {
    Failure::new(Reason::CredentialsInvalid, message).with_metadata("check", check)
}
