//! The keys of the identity provider: read, rotated, away; through the real port.

use std::time::Duration;

use serde_json::json;
use service_kit::exit::ExitCode;
use service_kit::host::{Host, bind};
use service_kit::reload::reload;
use service_kit::settings::Jwks;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tracing_subscriber::layer::SubscriberExt;

use super::identity::{Signer, amira, bearing, believing, in_file, jwks, reason, said, write};
use super::provider::{Mood, Provider};
use crate::certificates::Authority;
use crate::collector::collector;
use crate::probe::{Lines, Running, echo, in_time, plain, start};

async fn told(server: &Running, token: &str) -> Result<String, Status> {
    Ok(echo(&mut plain(server).await, bearing("hello", token)).await?.into_inner())
}

/// Asks until the server answers as it should: it looks at its keys by itself.
async fn until(server: &Running, token: &str, is_wanted: impl Fn(&Result<String, Status>) -> bool) {
    in_time(async {
        while !is_wanted(&told(server, token).await) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Waits for what the server does by itself.
async fn happens(is_so: impl Fn() -> bool) {
    in_time(async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

fn at_url(name: &'static str, provider: &Provider) -> Host {
    believing(name, Jwks::Url(provider.url.clone())).0
}

/// A server whose provider has answered.
async fn ready(host: Host, token: &str) -> Running {
    let server = start(host).await;
    until(&server, token, Result::is_ok).await;
    server
}

#[tokio::test]
async fn a_rotated_key_is_picked_up_and_the_old_one_does_not_count_any_more() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let (old_token, new_token) = (old.sign(&amira()), new.sign(&amira()));
    let provider = Provider::start(Mood::Answers(jwks(&[&old]))).await;
    let server = ready(at_url("case-test", &provider), &old_token).await;
    assert_eq!(provider.asked(), 1);
    provider.becomes(Mood::Answers(jwks(&[&new])));
    assert!(told(&server, &old_token).await.is_ok(), "nobody has asked for anything new yet");
    assert!(told(&server, &new_token).await.is_ok(), "the unknown key makes the server look");
    assert_eq!(provider.asked(), 2);
    // It was believed and remembered; remembered is not for ever.
    assert_eq!(reason(&told(&server, &old_token).await.unwrap_err()), "CREDENTIALS_INVALID");
}

#[tokio::test]
async fn made_up_keys_do_not_make_the_server_ask_again_and_again() {
    let signer = Signer::new("one");
    let good = signer.sign(&amira());
    let provider = Provider::start(Mood::Answers(jwks(&[&signer]))).await;
    let server = ready(at_url("case-test", &provider), &good).await;
    let forgers: Vec<_> = ["a", "b", "c", "d", "e", "f", "g", "h"].into_iter().map(Signer::new).collect();
    let asking = forgers.iter().map(|forger| {
        let (server, token) = (&server, forger.sign(&amira()));
        async move { told(server, &token).await.unwrap_err() }
    });
    for status in futures_util::future::join_all(asking).await {
        assert_eq!((reason(&status).as_str(), said(&status, "check").as_str()), ("CREDENTIALS_INVALID", "signature"));
    }
    // The first one, and one for all of these: the next would be allowed ten seconds later.
    assert_eq!(provider.asked(), 2);
    assert!(told(&server, &good).await.is_ok());
}

#[tokio::test]
async fn without_any_keys_nobody_is_refused_for_good_and_the_server_is_not_ready() {
    let signer = Signer::new("one");
    let token = signer.sign(&amira());
    let provider = Provider::start(Mood::Fails).await;
    let server = start(at_url("case-test", &provider)).await;
    let status = told(&server, &token).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "IDENTITY_UNAVAILABLE"));
    assert!(status.get_error_details().retry_info().is_some());
    assert_ne!(crate::health::check(&server, "readiness").await, Ok(crate::health::SERVING));
    assert_eq!(crate::health::check(&server, "liveness").await, Ok(crate::health::SERVING));
    assert!(server.health.failing().iter().any(|(name, _)| *name == "identity"), "{:?}", server.health.failing());
    provider.becomes(Mood::Answers(jwks(&[&signer])));
    until(&server, &token, Result::is_ok).await;
    happens(|| server.health.is_ready()).await;
}

#[tokio::test]
async fn a_provider_that_goes_away_or_mad_takes_nobody_with_it() {
    let lines = Lines::default();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.layer()));
    let signer = Signer::new("one");
    let token = signer.sign(&amira());
    for (mood, error) in [
        (Mood::Fails, "500"),
        (Mood::Answers("<html>login</html>".to_owned()), "neither a JSON Web Key Set"),
        (Mood::Answers(json!({"keys": []}).to_string()), "no key in it"),
        (Mood::Answers("x".repeat(2 * 1_024 * 1_024)), "more than 1048576 bytes"),
    ] {
        let provider = Provider::start(Mood::Answers(jwks(&[&signer]))).await;
        let server = ready(at_url("case-test", &provider), &token).await;
        provider.becomes(mood.clone());
        let status = told(&server, &Signer::new("unknown").sign(&amira())).await.unwrap_err();
        assert_eq!(reason(&status), "CREDENTIALS_INVALID");
        assert_eq!(provider.asked(), 2, "it was asked, and was no use");
        assert!(told(&server, &token).await.is_ok(), "{mood:?}");
        assert!(server.health.is_ready(), "old keys are better than none");
        let failed = lines.of("identity_keys_failed");
        let last = failed.last().expect("a line");
        assert!(last["reason"].as_str().unwrap().contains(error), "{last}");
        assert_eq!((last["level"].as_str(), last["dependency"].as_str()), (Some("WARN"), Some("identity-provider")));
    }
}

#[tokio::test]
async fn a_provider_that_hangs_is_given_up_and_asked_again() {
    let signer = Signer::new("one");
    let token = signer.sign(&amira());
    let provider = Provider::start(Mood::Hangs).await;
    let server = start(at_url("case-test", &provider)).await;
    happens(|| provider.asked() > 0).await;
    assert_eq!(reason(&told(&server, &token).await.unwrap_err()), "IDENTITY_UNAVAILABLE", "nobody waits for it");
    provider.becomes(Mood::Answers(jwks(&[&signer])));
    until(&server, &token, Result::is_ok).await;
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn a_provider_behind_tls_is_believed_by_the_authorities_of_the_settings_and_no_others() {
    let lines = Lines::default();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.layer()));
    let signer = Signer::new("one");
    let token = signer.sign(&amira());
    let (authority, other) = (Authority::new("of the provider"), Authority::new("other"));
    let folder = tempfile::tempdir().unwrap();
    let provider = Provider::start_tls(Mood::Answers(jwks(&[&signer])), &authority.server()).await;
    for (authority, is_believed) in [(Some(&authority), true), (Some(&other), false), (None, false)] {
        let mut host = at_url("case-test", &provider);
        if let Some(authority) = authority {
            let ca = folder.path().join("ca.pem");
            std::fs::write(&ca, authority.pem()).unwrap();
            host.process.settings.tls.ca = Some(ca);
        }
        let failures = lines.of("identity_keys_failed").len();
        let server = start(host).await;
        if is_believed {
            until(&server, &token, Result::is_ok).await;
        } else {
            happens(|| lines.of("identity_keys_failed").len() > failures).await;
            assert_eq!(reason(&told(&server, &token).await.unwrap_err()), "IDENTITY_UNAVAILABLE");
        }
    }
    assert_eq!(provider.asked(), 1, "who does not believe the certificate asks nothing");
    let failed = lines.of("identity_keys_failed");
    assert!(failed.iter().all(|line| line["reason"].as_str().unwrap().contains("certificate")), "{failed:?}");
}

#[tokio::test]
async fn the_age_of_the_keys_is_a_metric() {
    use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value::AsDouble};
    let signer = Signer::new("one");
    let provider = Provider::start(Mood::Answers(jwks(&[&signer]))).await;
    let _server = ready(at_url("case-aged", &provider), &signer.sign(&amira())).await;
    let metrics = collector().metrics("case-aged");
    let age = metrics.iter().find(|metric| metric.name == "casetracker.identity.keys.age").expect("the metric");
    let Some(Data::Gauge(gauge)) = &age.data else { panic!("not a gauge") };
    let Some(AsDouble(seconds)) = gauge.data_points[0].value else { panic!("no seconds") };
    assert!(seconds >= 0.0, "{seconds}");
}

#[tokio::test]
async fn keys_in_a_file_are_exchanged_under_the_running_server() {
    let lines = Lines::default();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.layer()));
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let (old_token, new_token) = (old.sign(&amira()), new.sign(&amira()));
    let (folder, keys) = in_file(&jwks(&[&old]));
    let path = folder.path().join("jwks.json");
    let (trigger, moments) = reload();
    let mut host = believing("case-test", keys).0;
    host.process.reload = moments;
    let server = start(host).await;
    assert!(told(&server, &old_token).await.is_ok());
    assert_eq!(reason(&told(&server, &new_token).await.unwrap_err()), "CREDENTIALS_INVALID");

    write(&path, &jwks(&[&new]));
    assert!(told(&server, &old_token).await.is_ok(), "not before the moment has come");
    trigger.fire();
    until(&server, &new_token, Result::is_ok).await;
    assert_eq!(reason(&told(&server, &old_token).await.unwrap_err()), "CREDENTIALS_INVALID");
    assert_eq!(lines.of("identity_keys_changed").len(), 1);

    write(&path, "half of a fi");
    trigger.fire();
    happens(|| !lines.of("identity_keys_failed").is_empty()).await;
    assert!(told(&server, &new_token).await.is_ok(), "a broken file changes nothing");
    std::fs::remove_file(&path).unwrap();
    trigger.fire();
    happens(|| lines.of("identity_keys_failed").len() == 2).await;
    assert!(told(&server, &new_token).await.is_ok(), "nor does one that has gone");

    write(&path, &jwks(&[&old, &new]));
    trigger.fire();
    until(&server, &old_token, Result::is_ok).await;
    assert!(told(&server, &new_token).await.is_ok());
}

#[tokio::test]
async fn a_server_does_not_start_with_keys_that_cannot_be_used() {
    async fn refused(change: impl FnOnce(&mut Host), content: &str) -> String {
        let (_folder, keys) = in_file(content);
        let mut host = believing("case-test", keys).0;
        change(&mut host);
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (begun, _) = tokio::sync::mpsc::unbounded_channel();
        let exit = in_time(crate::probe::serve(host, listener, begun, CancellationToken::new())).await.unwrap_err();
        assert_eq!(exit.code, ExitCode::Configuration);
        exit.message
    }
    let signer = Signer::new("one");
    let good = jwks(&[&signer]);
    assert!(refused(|_| (), "garbage").await.contains("auth.jwks"));
    assert!(refused(|_| (), &json!({"keys": []}).to_string()).await.contains("no key in it"));
    let missing = |host: &mut Host| host.process.settings.auth.jwks = Some(Jwks::File("no/such/file".into()));
    assert!(refused(missing, &good).await.contains("no/such/file"));
    assert!(refused(|host| host.process.settings.auth.issuer = None, &good).await.contains("auth.issuer"));
    assert!(refused(|host| host.process.settings.auth.audience = None, &good).await.contains("auth.audience"));
    assert!(refused(|host| host.process.settings.auth.jwks = None, &good).await.contains("auth.jwks"));
}
