//! What the keys of credentials and certificates need of each other.

use super::super::redaction;
use super::super::schema::{AuthMode, Settings};
use super::super::secret_key::{SECRET_KEYS, SecretKey};
use super::{Contradiction, Listen, exposed};
use crate::access::Role;

pub(super) fn contradictions(settings: &Settings, listens: &[Listen]) -> Vec<Contradiction> {
    let mut found = match settings.auth.mode {
        AuthMode::Insecure => insecure(settings, listens),
        AuthMode::Jwt => tokens(settings),
        AuthMode::Mtls => certificates(settings),
    };
    found.extend(own_certificate(settings));
    found.extend(client_authority(settings));
    found.extend(secrets_given_twice(settings));
    found
}

/// Whoever reaches the port can act as anybody: never by accident.
fn insecure(settings: &Settings, listens: &[Listen]) -> Vec<Contradiction> {
    if settings.auth.insecure_anywhere {
        return Vec::new();
    }
    let text = "with auth.mode = \"insecure\" allowed is a loopback address only, such as 127.0.0.1, because everybody who \
                reaches it can act as anybody; auth.insecure_anywhere = true lifts this on a network that you trust";
    exposed(listens)
        .map(|key| Contradiction { keys: vec![key, "auth.mode", "auth.insecure_anywhere"], text: text.to_owned() })
        .collect()
}

fn tokens(settings: &Settings) -> Vec<Contradiction> {
    let auth = &settings.auth;
    let needed = [
        ("auth.jwks", auth.jwks.is_none(), "the keys that tokens are signed with"),
        ("auth.issuer", auth.issuer.is_none(), "the iss of its tokens"),
        ("auth.audience", auth.audience.is_none(), "what the aud of tokens for this system names"),
    ];
    missing(needed, "jwt")
}

fn certificates(settings: &Settings) -> Vec<Contradiction> {
    let tls = &settings.tls;
    let needed = [
        ("tls.certificate", tls.certificate.is_none(), "the certificate of this server"),
        ("tls.key", tls.key.is_none(), "the private key of tls.certificate"),
        ("tls.client_ca", tls.client_ca.is_none(), "the authorities that sign the certificates of callers"),
    ];
    missing(needed, "mtls")
}

fn missing<const N: usize>(needed: [(&'static str, bool, &str); N], mode: &str) -> Vec<Contradiction> {
    let contradiction = |(key, _, what): (&'static str, bool, &str)| Contradiction {
        keys: vec![key, "auth.mode"],
        text: format!("auth.mode = {mode:?} needs it: {what}"),
    };
    needed.into_iter().filter(|(_, is_missing, _)| *is_missing).map(contradiction).collect()
}

/// In mode "mtls" each that is missing is reported for itself.
fn own_certificate(settings: &Settings) -> Option<Contradiction> {
    let (missing, given) = match (&settings.tls.certificate, &settings.tls.key, settings.auth.mode) {
        (Some(_), None, AuthMode::Insecure | AuthMode::Jwt) => ("tls.key", "tls.certificate"),
        (None, Some(_), AuthMode::Insecure | AuthMode::Jwt) => ("tls.certificate", "tls.key"),
        (Some(_), Some(_), _) | (None, None, _) | (_, _, AuthMode::Mtls) => return None,
    };
    let text = format!("{given} is given, and one is of no use without the other: give both or neither");
    Some(Contradiction { keys: vec![missing, given], text })
}

/// What would be ignored is refused: somebody relies on it.
fn client_authority(settings: &Settings) -> Vec<Contradiction> {
    let tls = &settings.tls;
    let mut found = Vec::new();
    if tls.client_ca.is_some() && tls.certificate.is_none() && tls.key.is_none() && settings.auth.mode != AuthMode::Mtls
    {
        let text =
            "certificates of callers are asked for with TLS only: give tls.certificate and tls.key, too".to_owned();
        found.push(Contradiction { keys: vec!["tls.client_ca", "tls.certificate"], text });
    }
    // The default: said in a file, as `config print` does, it asks for nothing.
    let says_nothing = settings.auth.certificate_roles == [Role::Service];
    if tls.client_ca.is_none() && !says_nothing {
        let text =
            "without tls.client_ca no client certificate is believed: give that, too, or leave this out".to_owned();
        found.push(Contradiction { keys: vec!["auth.certificate_roles", "tls.client_ca"], text });
    }
    found
}

fn secrets_given_twice(settings: &Settings) -> Vec<Contradiction> {
    let given_twice = |key: &&SecretKey| {
        let (secret, file) = (key.of)(settings);
        !secret.is_empty() && file.is_some()
    };
    let contradiction = |key: &SecretKey| Contradiction {
        keys: vec![key.file_key, key.key],
        text: format!("{} = {} is given, too: leave one of them out", key.key, redaction::redacted()),
    };
    SECRET_KEYS.iter().filter(given_twice).map(contradiction).collect()
}
