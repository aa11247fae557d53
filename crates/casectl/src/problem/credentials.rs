//! What to do about who one is: credentials that are missing or refused, rights that one lacks, calls that are too many.

use std::time::Duration;

use super::refusal::Refusal;
use crate::view::text::quoted;

/// The metadata key of tokens, as servers name it.
const AUTHORIZATION_HEADER: &str = "authorization";
/// The metadata key of the actor, where servers believe whoever calls.
const ACTOR_HEADER: &str = "x-actor-id";

const GIVE_TOKEN: &str = "--token-file FILE, or CASECTL_TOKEN_FILE=FILE, or token_file = \"FILE\" in casectl.toml";
const GIVE_CERTIFICATE: &str = "--certificate FILE --key FILE, to an https:// address";

pub(super) fn missing(refusal: &Refusal) -> Vec<String> {
    let hint = match refusal.about("header") {
        AUTHORIZATION_HEADER => format!("show a token of the identity provider: {GIVE_TOKEN}"),
        ACTOR_HEADER => {
            "say who you are: --actor NAME, or CASECTL_ACTOR=NAME, or actor = \"NAME\" in casectl.toml".to_owned()
        }
        // The server takes neither.
        _ => format!("show a client certificate: {GIVE_CERTIFICATE}"),
    };
    vec![hint]
}

pub(super) fn invalid(refusal: &Refusal) -> Vec<String> {
    let hint = match refusal.about("check") {
        "" => "an actor is 1 to 128 visible ASCII characters: --actor NAME".to_owned(),
        "form" => format!("this is not a token; is it the right file? {GIVE_TOKEN}"),
        "issuer" => format!("the token is of another identity provider; get one of the server's: {GIVE_TOKEN}"),
        "audience" => format!("the token is for another service; get one for this one: {GIVE_TOKEN}"),
        "not_before" => "the token is not valid yet; is the clock of this machine or of the provider wrong?".to_owned(),
        "actor" => {
            "the token does not say who you are in a way that the server understands; ask the operator".to_owned()
        }
        "certificate" => {
            format!("the server does not believe the client certificate; get another one: {GIVE_CERTIFICATE}")
        }
        _ => format!("the server does not believe the token; get a new one: {GIVE_TOKEN}"),
    };
    vec![hint]
}

pub(super) fn expired() -> Vec<String> {
    vec![format!("get a new token from the identity provider, then give the same command again: {GIVE_TOKEN}")]
}

pub(super) fn denied(refusal: &Refusal) -> Vec<String> {
    let permission = quoted(refusal.about("permission"));
    vec![format!("ask whoever assigns roles for one that has the permission {permission}; docs/access.md lists them")]
}

pub(super) fn too_many(refusal: &Refusal) -> Vec<String> {
    let wait = refusal.retry_after.map(|wait| {
        // Whole milliseconds: nobody waits for nanoseconds.
        let wait = Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        format!("; the server says: in {}", humantime::format_duration(wait))
    });
    vec![format!(
        "you make more calls than you may; run the same command again{}",
        wait.unwrap_or_else(|| " later".to_owned())
    )]
}
