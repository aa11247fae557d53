//! What must not be overheard, or forged on its way, does not leave this machine without TLS, unless somebody says so.

use url::{Host, Url};

use super::super::schema::{AuthMode, Jwks, Settings};
use super::super::secret_key::{self, SecretKey};
use super::{Contradiction, Listen, exposed};

/// The key that lifts these rules.
const LIFTED_BY: &str = "tls.plaintext_anywhere";

pub(super) fn contradictions(settings: &Settings, listens: &[Listen]) -> Vec<Contradiction> {
    if settings.tls.plaintext_anywhere {
        return Vec::new();
    }
    let mut found = tokens_of_callers(settings, listens);
    found.extend(own_token(settings, listens));
    found.extend(keys_of_the_provider(settings));
    found.extend(headers_to_the_collector(settings));
    found
}

/// In mode "mtls" there is no serving without TLS, and in mode "insecure" there is nothing to overhear.
fn tokens_of_callers(settings: &Settings, listens: &[Listen]) -> Vec<Contradiction> {
    if settings.auth.mode != AuthMode::Jwt || settings.tls.certificate.is_some() || settings.tls.key.is_some() {
        return Vec::new();
    }
    let what = "callers would send their bearer tokens in clear text; allowed is a loopback address, or tls.certificate \
                and tls.key";
    exposed(listens).map(|key| contradiction(vec![key, "auth.mode", "tls.certificate"], what)).collect()
}

/// The consumers in one process with case-command look for the feed there, not at the configured address.
fn own_token(settings: &Settings, listens: &[Listen]) -> Vec<Contradiction> {
    let serves = |listen: &str| listens.iter().any(|(key, _)| *key == listen);
    if !is_given(settings, &secret_key::TOKEN) || serves("command.listen") {
        return Vec::new();
    }
    let what =
        "auth.token would be sent in clear text; allowed with it is \"https://HOST:PORT\", or a loopback address";
    [
        ("query.listen", "query.feed_url", &settings.query.feed_url),
        ("audit.listen", "audit.feed_url", &settings.audit.feed_url),
    ]
    .into_iter()
    .filter(|(listen, _, url)| serves(listen) && is_plain_beyond_this_machine(url))
    .map(|(_, key, _)| contradiction(vec![key, "auth.token", "auth.token_file"], what))
    .collect()
}

/// Whoever can change the keys on their way can be anybody.
fn keys_of_the_provider(settings: &Settings) -> Option<Contradiction> {
    let Some(Jwks::Url(url)) = settings.auth.jwks.as_ref().filter(|_| settings.auth.mode == AuthMode::Jwt) else {
        return None;
    };
    let what = "keys fetched in clear text can be forged on their way; allowed is \"https://…\", a file, or a loopback \
                address";
    is_plain_beyond_this_machine(url).then(|| contradiction(vec!["auth.jwks", "auth.mode"], what))
}

fn headers_to_the_collector(settings: &Settings) -> Option<Contradiction> {
    let url = settings.telemetry.otlp_endpoint.as_ref()?;
    let what = "telemetry.otlp_headers would be sent in clear text; allowed with them is \"https://HOST:PORT\", or a \
                loopback address";
    let is_overheard = is_given(settings, &secret_key::OTLP_HEADERS) && is_plain_beyond_this_machine(url);
    is_overheard.then(|| {
        contradiction(vec!["telemetry.otlp_endpoint", "telemetry.otlp_headers", "telemetry.otlp_headers_file"], what)
    })
}

fn contradiction(mut keys: Vec<&'static str>, what: &str) -> Contradiction {
    keys.push(LIFTED_BY);
    Contradiction { keys, text: format!("{what}; {LIFTED_BY} = true lifts this on a network that you trust") }
}

fn is_given(settings: &Settings, secret: &SecretKey) -> bool {
    let (value, file) = (secret.of)(settings);
    !value.is_empty() || file.is_some()
}

fn is_plain_beyond_this_machine(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
            None => false,
        };
        url.scheme() == "http" && !is_loopback
    })
}
