//! Which tokens are believed, through the real port.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tonic::{Code, Request};
use tracing_subscriber::layer::SubscriberExt;

use super::identity::{NOW_S, Signer, amira, authorized, bearing, believing, claims, in_file, jwks, reason, said};
use crate::probe::{Lines, Running, asked, echo, in_time, open, plain, start};

/// A server that believes these keys.
async fn server(name: &'static str, signers: &[&Signer]) -> (Running, tempfile::TempDir) {
    let (folder, keys) = in_file(&jwks(signers));
    (start(believing(name, keys).0).await, folder)
}

/// What the server answers to a token: the actor, or the reason with the check that the caller is told.
async fn told(server: &Running, request: Request<String>) -> Result<String, (String, String)> {
    let answer = echo(&mut plain(server).await, request).await;
    answer.map(|answer| answer.get_ref().split(' ').next().unwrap().to_owned()).map_err(|status| {
        assert_eq!(status.code(), Code::Unauthenticated);
        (reason(&status), said(&status, "check"))
    })
}

#[tokio::test]
async fn every_algorithm_that_is_promised_verifies_and_only_with_a_key_that_fits() {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let (ec, ec384, ed) = (Signer::of("ec", ES256), Signer::of("ec384", ES384), Signer::of("ed", EdDSA));
    let (rsa, rsa_for_one) = (Signer::of("rsa", RS256), Signer::of("rsa for one", RS256));
    let mut any = rsa.jwk();
    any.as_object_mut().unwrap().remove("alg");
    let set = json!({"keys": [any, rsa_for_one.jwk(), ec.jwk(), ec384.jwk(), ed.jwk()]});
    let (_folder, keys) = in_file(&set.to_string());
    let server = start(believing("case-test", keys).0).await;
    let believed = async |signer: &Signer, algorithm| {
        let header = Header { kid: Some(signer.kid.to_owned()), ..Header::new(algorithm) };
        told(&server, bearing("who", &signer.sign_as(&header, &amira()))).await
    };
    for algorithm in [RS256, RS384, RS512, PS256, PS384, PS512] {
        assert_eq!(believed(&rsa, algorithm).await.as_deref(), Ok("amira"), "{algorithm:?}");
    }
    for (signer, algorithm) in [(&ec, ES256), (&ec384, ES384), (&ed, EdDSA), (&rsa_for_one, RS256)] {
        assert_eq!(believed(signer, algorithm).await.as_deref(), Ok("amira"), "{algorithm:?}");
    }
    assert_eq!(believed(&rsa_for_one, PS256).await, invalid("signature"), "the key says which algorithm it is for");
}

fn invalid(check: &str) -> Result<String, (String, String)> {
    Err(("CREDENTIALS_INVALID".to_owned(), check.to_owned()))
}

/// Header and claims without a signature, or with one made by hand.
fn by_hand(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| base64_url(value.to_string().as_bytes());
    format!("{}.{}.{signature}", part(header), part(claims))
}

fn base64_url(bytes: &[u8]) -> String {
    // The library's own encoder of binary header values has the same alphabet but for two letters, and no padding.
    let value = tonic::metadata::BinaryMetadataValue::from_bytes(bytes);
    String::from_utf8(value.as_encoded_bytes().to_vec()).unwrap().replace('+', "-").replace('/', "_").replace('=', "")
}

#[tokio::test]
async fn a_stream_ends_when_the_token_that_opened_it_expires() {
    let signer = Signer::new("one");
    let (_folder, keys) = in_file(&jwks(&[&signer]));
    let (mut host, clock) = believing("case-test", keys);
    host.process.settings.auth.clock_skew = std::time::Duration::ZERO;
    let server = start(host).await;
    let worker = |expires_s| signer.sign(&claims("worker", &["service"], json!({"exp": NOW_S + expires_s})));
    let (short, long) = (worker(1), worker(3_600));
    let mut client = plain(&server).await;
    let mut opened = Vec::new();
    // "flood" always has more to say.
    for (text, token) in [("endless", &short), ("flood", &short), ("endless", &long)] {
        let mut stream = open(&mut client, bearing(text, token)).await.unwrap();
        assert_eq!(in_time(stream.message()).await.unwrap().as_deref(), Some("first"));
        opened.push(stream);
    }
    clock.advance_s(1);
    for stream in &mut opened[..2] {
        let status = in_time(async {
            loop {
                if let Err(status) = stream.message().await {
                    break status;
                }
            }
        })
        .await;
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "CREDENTIALS_EXPIRED"));
    }
    let again = open(&mut client, bearing("endless", &short)).await.unwrap_err();
    assert_eq!(reason(&again), "CREDENTIALS_EXPIRED", "a new stream is told the same");
    let goes_on = tokio::time::timeout(std::time::Duration::from_millis(50), opened[2].message()).await;
    assert!(goes_on.is_err(), "the control: its token is still good: {goes_on:?}");
}

#[tokio::test]
async fn a_token_that_is_not_signed_by_a_key_of_the_provider_is_refused() {
    let (good, second, stranger) = (Signer::new("good"), Signer::new("second"), Signer::new("good"));
    let (server, _folder) = server("case-test", &[&good, &second]).await;
    let header = |kid: Option<&str>| Header { kid: kid.map(ToOwned::to_owned), ..Header::new(Algorithm::EdDSA) };
    let hmac = |secret: &[u8]| {
        let header = Header { kid: Some("good".to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &amira(), &EncodingKey::from_secret(secret)).unwrap()
    };
    let token = good.sign(&amira());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (head, _) = signed.split_once('.').unwrap();
    let changed =
        format!("{head}.{}.{signature}", base64_url(claims("admin", &["operator"], json!({})).to_string().as_bytes()));
    let raw_key = good.jwk()["x"].as_str().unwrap().to_owned();
    for (what, token, expected) in [
        ("the control", token.clone(), Ok("amira".to_owned())),
        ("another key by the same name", stranger.sign(&amira()), invalid("signature")),
        ("another key's name", good.sign_as(&header(Some("second")), &amira()), invalid("signature")),
        ("an unknown key", good.sign_as(&header(Some("third")), &amira()), invalid("signature")),
        ("no key named where there are two", good.sign_as(&header(None), &amira()), invalid("signature")),
        ("claims changed after signing", changed, invalid("signature")),
        ("no signature", format!("{signed}."), invalid("signature")),
        ("half a signature", format!("{signed}.{}", &signature[..40]), invalid("signature")),
        ("the public key as a secret", hmac(good.public_pem().as_bytes()), invalid("signature")),
        ("the raw public key as a secret", hmac(raw_key.as_bytes()), invalid("signature")),
        ("alg none", by_hand(&json!({"alg": "none", "kid": "good"}), &amira(), ""), invalid("form")),
        ("alg None", by_hand(&json!({"alg": "None", "kid": "good"}), &amira(), signature), invalid("form")),
        (
            "another algorithm",
            by_hand(&json!({"alg": "RS256", "kid": "good"}), &amira(), signature),
            invalid("signature"),
        ),
        (
            "its own key",
            by_hand(&json!({"alg": "EdDSA", "jwk": stranger.jwk()}), &amira(), signature),
            invalid("signature"),
        ),
        (
            "something critical",
            by_hand(&json!({"alg": "EdDSA", "kid": "good", "crit": ["b64"]}), &amira(), signature),
            invalid("form"),
        ),
    ] {
        assert_eq!(told(&server, bearing("who", &token)).await, expected, "{what}");
    }
}

#[tokio::test]
async fn a_token_for_others_of_others_or_of_another_time_is_refused() {
    let signer = Signer::new("good");
    let (server, _folder) = server("case-test", &[&signer]).await;
    let expired = Err(("CREDENTIALS_EXPIRED".to_owned(), "expiry".to_owned()));
    let amira = || Ok("amira".to_owned());
    for (changes, expected) in [
        (json!({}), amira()),
        (json!({"iss": "https://elsewhere.example"}), invalid("issuer")),
        (json!({"iss": null}), invalid("issuer")),
        (json!({"iss": 7}), invalid("issuer")),
        (json!({"aud": "somebody-else"}), invalid("audience")),
        (json!({"aud": null}), invalid("audience")),
        (json!({"aud": []}), invalid("audience")),
        (json!({"aud": ["somebody-else", "case-tracker"]}), amira()),
        (json!({"exp": NOW_S - 60}), expired.clone()),
        (json!({"exp": NOW_S - 59}), amira()),
        (json!({"exp": null}), invalid("expiry")),
        (json!({"exp": "never"}), invalid("expiry")),
        (json!({"nbf": NOW_S + 61}), invalid("not_before")),
        (json!({"nbf": NOW_S + 60}), amira()),
        (json!({"sub": null}), invalid("actor")),
        (json!({"sub": ""}), invalid("actor")),
        (json!({"sub": "two words"}), invalid("actor")),
        (json!({"sub": ["amira"]}), invalid("form")),
        (json!({"sub": "x".repeat(129)}), invalid("actor")),
        (json!({"sub": "x".repeat(128)}), Ok("x".repeat(128))),
    ] {
        let token = signer.sign(&claims("amira", &["agent"], changes.clone()));
        assert_eq!(told(&server, bearing("who", &token)).await, expected, "{changes}");
    }
    // Who has signed comes before what is said: a forged token learns nothing of its times.
    let forged = Signer::new("good").sign(&claims("amira", &["agent"], json!({"exp": 1})));
    assert_eq!(told(&server, bearing("who", &forged)).await, invalid("signature"));
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let signer = Signer::new("good");
    let (server, _folder) = server("case-test", &[&signer]).await;
    let token = signer.sign(&amira());
    let missing = Err(("CREDENTIALS_MISSING".to_owned(), String::new()));
    assert_eq!(told(&server, Request::new("who".to_owned())).await, missing);
    assert_eq!(told(&server, asked("who")).await, missing, "x-actor-id counts for nothing");
    for value in ["", "Bearer", "Bearer ", "Bearer  ", &token, "Basic YTpi", "Bearer a.b.c", "Bearer ...", "Bearer 7"] {
        assert_eq!(told(&server, authorized("who", value)).await, invalid("form"), "{value:?}");
    }
    let huge = signer.sign(&claims("amira", &["agent"], json!({"padding": "x".repeat(8 * 1_024)})));
    assert_eq!(told(&server, bearing("who", &huge)).await, invalid("form"));
    let mut twice = bearing("who", &token);
    twice.metadata_mut().append("authorization", format!("Bearer {token}").parse().unwrap());
    assert_eq!(told(&server, twice).await, invalid("form"));
    assert_eq!(told(&server, authorized("who", &format!("bEARER {token}"))).await.as_deref(), Ok("amira"));
    let large = signer.sign(&claims("amira", &["agent"], json!({"padding": "x".repeat(5 * 1_024)})));
    assert_eq!(told(&server, bearing("who", &large)).await.as_deref(), Ok("amira"), "a large one is none too many");
}

#[tokio::test]
async fn a_token_need_not_name_the_only_key() {
    let signer = Signer::of("unnamed", Algorithm::ES256);
    let unnamed = signer.sign_as(&Header::new(Algorithm::ES256), &amira());
    for content in [jwks(&[&signer]), jwks(&[&signer, &Signer::new("of another kind")]), signer.public_pem()] {
        let (_folder, keys) = in_file(&content);
        let server = start(believing("case-test", keys).0).await;
        assert_eq!(told(&server, bearing("who", &unnamed)).await.as_deref(), Ok("amira"), "{content}");
    }
}

#[tokio::test]
async fn a_token_that_was_believed_expires_all_the_same() {
    let signer = Signer::new("good");
    let (_folder, keys) = in_file(&jwks(&[&signer]));
    let (host, clock) = believing("case-test", keys);
    let server = start(host).await;
    let token = signer.sign(&amira());
    for _ in 0..3 {
        assert_eq!(told(&server, bearing("who", &token)).await.as_deref(), Ok("amira"));
    }
    clock.advance_s(3_600 + 59);
    assert_eq!(told(&server, bearing("who", &token)).await.as_deref(), Ok("amira"), "within the skew");
    clock.advance_s(1);
    assert_eq!(told(&server, bearing("who", &token)).await.unwrap_err().0, "CREDENTIALS_EXPIRED");
}

#[tokio::test]
async fn the_log_tells_apart_what_the_caller_is_not_told_and_has_no_token() {
    let lines = Lines::default();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.layer()));
    let (one, two, stranger) = (Signer::new("one"), Signer::new("two"), Signer::new("one"));
    let (server, _folder) = server("case-test", &[&one, &two]).await;
    let unnamed = one.sign_as(&Header::new(Algorithm::EdDSA), &amira());
    let unknown = Signer::new("three").sign(&amira());
    let mut messages = Vec::new();
    for token in [&stranger.sign(&amira()), &unknown, &unnamed] {
        let status = echo(&mut plain(&server).await, bearing("who", token)).await.unwrap_err();
        messages.push(format!("{} {}", status.message(), said(&status, "check")));
        for part in token.split('.') {
            assert!(!lines.text().contains(part), "a part of the token stands in the log");
        }
    }
    messages.dedup();
    assert_eq!(messages.len(), 1, "the caller cannot tell which keys there are: {messages:?}");
    let refused = lines.of("credentials_refused");
    let checks: Vec<_> = refused.iter().map(|line| line["check"].as_str().unwrap()).collect();
    assert_eq!(checks, ["signature", "unknown_key", "no_key_named"]);
    for line in refused {
        assert_eq!((&line["level"], &line["actor"]), (&json!("WARN"), &json!("none")));
        assert_eq!((&line["action"], &line["reason"]), (&json!("test.v1.Probe/Echo"), &json!("CREDENTIALS_INVALID")));
        assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    }
}
