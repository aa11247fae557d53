//! Who one is, shown to the right server only: tokens, certificates, TLS.

use std::fs;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::{Desk, Said, Setting};
use crate::tls_gate::{Authority, Clients};

/// The three services behind TLS.
fn secure(address: SocketAddr) -> Setting {
    ["CASECTL_COMMAND", "CASECTL_QUERY", "CASECTL_AUDIT"]
        .into_iter()
        .fold(Setting::bare(), |setting, name| setting.with(name, &format!("https://{address}")))
}

fn token_file(authority: &Authority) -> String {
    let path = authority.file("token");
    fs::write(&path, "canary\n").unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn calls_health_and_token_go_over_tls() {
    let (desk, plain) = Desk::open().await;
    let authority = Authority::new();
    let gate = authority.gate(plain, Clients::Anybody).await;
    let (ca, token) = (authority.ca(), token_file(&authority));
    let said = secure(gate).run(&["list", "--ca", &ca, "--token-file", &token]).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    assert_eq!(desk.calls()[0].authorization.as_deref(), Some("Bearer canary"));
    let said = secure(gate).with("CASECTL_CA", &ca).run(&["health"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains(&format!("https://{gate}")), "{said:?}");
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_told_nothing() {
    let (desk, plain) = Desk::open().await;
    let (authority, other) = (Authority::new(), Authority::new());
    let gate = authority.gate(plain, Clients::Anybody).await;
    for ca in [&[][..], &["--ca", &other.ca()]] {
        let said = secure(gate).with("CASECTL_TOKEN", "canary").run(&[&["list"], ca].concat()).await;
        assert_eq!(said.code, 69, "{said:?}");
        let begin = format!("casectl: no secure connection to the query service at https://{gate}: ");
        assert!(said.err.starts_with(&begin), "{said:?}");
        assert!(said.err.contains("--ca FILE names the authority"), "{said:?}");
        assert!(said.err.contains("the address comes from CASECTL_QUERY"), "{said:?}");
    }
    assert_eq!(desk.calls().len(), 0);
    let trusted = secure(gate).run(&["list", "--ca", &authority.ca()]).await;
    assert_eq!((trusted.code, desk.calls().len()), (0, 1), "the control: {trusted:?}");
}

#[tokio::test]
async fn a_certificate_is_shown_where_it_is_asked_for() {
    let (desk, plain) = Desk::open().await;
    let authority = Authority::new();
    let gate = authority.gate(plain, Clients::Known).await;
    let (certificate, key) = authority.certificate("casectl.example");
    let without = secure(gate).run(&["list", "--ca", &authority.ca()]).await;
    assert_eq!((without.code, desk.calls().len()), (69, 0), "{without:?}");
    assert!(without.err.contains("--certificate FILE --key FILE"), "{without:?}");
    let flags = ["list", "--ca", &authority.ca(), "--certificate", &certificate, "--key", &key];
    let with = secure(gate).run(&flags).await;
    assert_eq!((with.code, desk.calls().len()), (0, 1), "{with:?}");
}

#[tokio::test]
async fn tls_to_a_server_without_it_and_the_reverse_are_told_apart_from_an_outage() {
    let (_desk, plain) = Desk::open().await;
    let authority = Authority::new();
    let said = secure(plain).run(&["list", "--ca", &authority.ca(), "--timeout", "5s"]).await;
    assert_eq!(said.code, 69, "{said:?}");
    assert!(said.err.contains("does it speak TLS there?"), "{said:?}");
    let gate = authority.gate(plain, Clients::Anybody).await;
    let said = Setting::at(gate).run(&["list", "--timeout", "2s"]).await;
    assert_eq!(said.code, 69, "{said:?}");
    assert!(said.err.contains(&gate.to_string()), "{said:?}");
}

#[tokio::test]
async fn a_token_leaves_the_machine_only_over_tls() {
    // TEST-NET-1: nobody is there.
    let away = |setting: Setting| setting.with("CASECTL_QUERY", "192.0.2.1:50052").with("CASECTL_TIMEOUT", "50ms");
    let said = away(Setting::bare().with("CASECTL_TOKEN", "canary")).run(&["list"]).await;
    assert_eq!(said.code, 78, "{said:?}");
    assert!(
        said.err.contains("the token would go to the query service at 192.0.2.1:50052 over plain HTTP"),
        "{said:?}"
    );
    assert!(said.err.contains("--plaintext-token allow") && !said.err.contains("canary"), "{said:?}");
    // The controls: without a token, to an address with TLS, or allowed in so many words, it is tried.
    assert_eq!(away(Setting::bare()).run(&["list"]).await.code, 69);
    let allowed = away(Setting::bare().with("CASECTL_TOKEN", "canary"));
    assert_eq!(allowed.run(&["list", "--plaintext-token", "allow"]).await.code, 69);
    let tls = away(Setting::bare().with("CASECTL_TOKEN", "canary"));
    assert_eq!(tls.run(&["list", "--query", "https://192.0.2.1:50052"]).await.code, 69);
}

#[tokio::test]
async fn there_is_no_flag_that_shows_a_token_to_the_whole_machine() {
    let said = Setting::bare().run(&["list", "--token", "canary"]).await;
    assert_eq!(said.code, 64, "{said:?}");
    assert!(said.err.contains("--token-file"), "{said:?}");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_told_with_who_named_them() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (certificate, _) = authority.certificate("one.example");
    let (_, foreign_key) = other.certificate("two.example");
    let garbage = authority.file("garbage.pem");
    fs::write(&garbage, "canary garbage").unwrap();
    let (garbage, empty) = (garbage.to_str().unwrap(), authority.file("empty"));
    fs::write(&empty, "\n").unwrap();
    let empty = empty.to_str().unwrap();
    for (flags, why) in [
        (&["--ca", "/nowhere"][..], "--ca: cannot read /nowhere: "),
        (&["--ca", garbage], "--ca: there is no certificate (PEM) in "),
        (&["--certificate", &certificate], "--certificate is given without --key: both or neither"),
        (&["--key", &foreign_key], "--key is given without --certificate: both or neither"),
        (&["--certificate", &certificate, "--key", garbage], "--key: cannot read "),
        (&["--certificate", &certificate, "--key", &foreign_key], "--key: the key in "),
        (&["--token-file", "/nowhere"], "--token-file: cannot read the token in /nowhere"),
        (&["--token-file", empty], "--token-file: there is no token in "),
    ] {
        let Said { code, out, err } = Setting::bare().run(&[flags, &["list"]].concat()).await;
        assert_eq!((code, out.as_str()), (64, ""), "{flags:?}: {err}");
        assert!(err.starts_with(&format!("casectl: {why}")) && !err.contains("canary"), "{flags:?}: {err}");
    }
    let said = Setting::bare().with("CASECTL_CA", "/nowhere").run(&["list"]).await;
    assert_eq!(said.code, 78, "{said:?}");
}

#[tokio::test]
async fn a_password_in_an_address_is_refused_and_not_repeated() {
    let said = Setting::bare().run(&["list", "--query", "https://amira:canary@cases.example:443"]).await;
    assert_eq!(said.code, 64, "{said:?}");
    assert!(said.err.contains("--query: this is no address") && !said.err.contains("canary"), "{said:?}");
}

#[tokio::test]
async fn a_silent_peer_at_a_tls_address_does_not_hold_anybody_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let said = secure(address).run(&["list", "--timeout", "100ms"]).await;
    assert_eq!(said.code, 69, "{said:?}");
    assert!(said.err.contains("did not answer within 100ms"), "{said:?}");
}
