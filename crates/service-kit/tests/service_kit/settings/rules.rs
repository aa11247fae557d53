//! What the keys of access need of each other.

use std::net::SocketAddr;

use service_kit::settings::{Settings, load};

use super::{Place, all};

const JWT: &str = "auth.mode = \"jwt\"\nauth.jwks = \"k.pem\"\nauth.issuer = \"i\"\nauth.audience = \"a\"\n";
const CERTIFICATE: &str = "tls.certificate = \"c.pem\"\ntls.key = \"k.pem\"\n";
const EXPOSED: &str = "query.listen = \"0.0.0.0:1\"\n";

/// A binary that serves only queries.
fn query(settings: &Settings) -> Vec<SocketAddr> {
    vec![settings.query.listen]
}

fn keys(parts: &[&str]) -> Vec<String> {
    keys_of(parts, all)
}

fn keys_of(parts: &[&str], serves: fn(&Settings) -> Vec<SocketAddr>) -> Vec<String> {
    let place = Place::new().file(&parts.concat());
    let problems = load(&place.sources, serves).map_or_else(|problems| problems, |_| Vec::new());
    problems.into_iter().map(|problem| problem.key).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn each_mode_says_all_that_it_needs() {
    assert_eq!(keys(&["auth.mode = \"jwt\"\n"]), ["auth.jwks", "auth.issuer", "auth.audience"]);
    assert_eq!(keys(&[JWT]), NONE);
    assert_eq!(keys(&["auth.mode = \"mtls\"\n"]), ["tls.certificate", "tls.key", "tls.client_ca"]);
    assert_eq!(keys(&["auth.mode = \"mtls\"\ntls.client_ca = \"ca.pem\"\n", CERTIFICATE]), NONE);
    assert_eq!(
        Place::new().file("auth.mode = \"mtls\"\ntls.client_ca = \"ca.pem\"\ntls.certificate = \"c.pem\"\n").lines(),
        ["tls.key = \"\" (default): auth.mode = \"mtls\" needs it: the private key of tls.certificate"]
    );
}

#[test]
fn half_a_certificate_and_authorities_without_one_are_refused() {
    assert_eq!(keys(&["tls.certificate = \"c.pem\"\n"]), ["tls.key"]);
    assert_eq!(keys(&["tls.key = \"k.pem\"\n"]), ["tls.certificate"]);
    assert_eq!(keys(&[CERTIFICATE]), NONE);
    assert_eq!(keys(&["tls.client_ca = \"ca.pem\"\n"]), ["tls.client_ca"]);
    assert_eq!(keys(&["tls.client_ca = \"ca.pem\"\n", CERTIFICATE]), NONE);
    assert_eq!(keys(&["tls.client_ca = \"ca.pem\"\ntls.key = \"k.pem\"\n"]), ["tls.certificate"], "one thing to mend");
}

#[test]
fn roles_of_certificates_that_nobody_can_show_are_refused() {
    assert_eq!(keys(&["auth.certificate_roles = [\"operator\"]\n"]), ["auth.certificate_roles"]);
    assert_eq!(keys(&["auth.certificate_roles = [\"service\"]\n"]), NONE, "what config print writes");
    let authorities = "tls.client_ca = \"ca.pem\"\n";
    assert_eq!(keys(&["auth.certificate_roles = [\"operator\"]\n", authorities, CERTIFICATE]), NONE);
}

#[test]
fn bearer_tokens_of_callers_need_tls_beyond_this_machine() {
    assert_eq!(keys(&[JWT, EXPOSED]), ["query.listen"]);
    assert_eq!(keys(&[JWT, EXPOSED, CERTIFICATE]), NONE);
    assert_eq!(keys(&[JWT, EXPOSED, "tls.plaintext_anywhere = true\n"]), NONE);
    assert_eq!(keys_of(&[JWT, "command.listen = \"0.0.0.0:1\"\n"], query), NONE, "another binary serves it");
    assert_eq!(keys(&[EXPOSED, "tls.plaintext_anywhere = true\n"]), ["query.listen"], "insecure is another matter");
}

#[test]
fn our_own_token_needs_tls_beyond_this_machine() {
    let (token, url) = ("auth.token = \"t\"\n", "query.feed_url = \"http://case-command:50051\"\n");
    assert_eq!(keys_of(&[token, url], query), ["query.feed_url"]);
    assert_eq!(keys_of(&[url], query), NONE);
    assert_eq!(keys_of(&[token, "query.feed_url = \"https://case-command:50051\"\n"], query), NONE);
    for near in ["localhost:1", "127.0.0.9:1", "[::1]:1"] {
        assert_eq!(keys_of(&[token, &format!("query.feed_url = \"http://{near}\"\n")], query), NONE, "{near}");
    }
    assert_eq!(keys_of(&[token, "audit.feed_url = \"http://case-command:50051\"\n"], query), NONE, "not ours to call");
    assert_eq!(keys(&[token, url]), NONE, "all in one, the feed is in this very process");
    assert_eq!(keys_of(&[token, url, "tls.plaintext_anywhere = true\n"], query), NONE);
}

#[test]
fn keys_of_the_provider_are_not_fetched_in_clear_text() {
    let jwks = |place: &str| keys(&[&JWT.replace("k.pem", place)]);
    assert_eq!(jwks("http://id.example/jwks"), ["auth.jwks"]);
    assert_eq!(jwks("https://id.example/jwks"), NONE);
    assert_eq!(jwks("http://127.0.0.1:8080/jwks"), NONE);
    assert_eq!(jwks("http://id.example/jwks\"\ntls.plaintext_anywhere = true\nlog.level = \"info"), NONE);
}

#[test]
fn headers_to_the_collector_are_not_sent_in_clear_text() {
    let (headers, url) =
        ("telemetry.otlp_headers = \"a=b\"\n", "telemetry.otlp_endpoint = \"http://collector:4317\"\n");
    assert_eq!(keys(&[headers, url]), ["telemetry.otlp_endpoint"]);
    assert_eq!(keys(&[url]), NONE);
    assert_eq!(keys(&[headers, &url.replace("http:", "https:")]), NONE);
    assert_eq!(keys(&[headers, url, "tls.plaintext_anywhere = true\n"]), NONE);
}
