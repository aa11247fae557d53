//! What is counted and logged of those who were turned away.

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value::AsInt;
use serde_json::json;
use tonic::Request;
use tracing_subscriber::layer::SubscriberExt;

use super::identity::{Signer, bearing, believing, claims, in_file, jwks};
use crate::collector::{attribute, collector};
use crate::probe::{Lines, echo, host, plain, start};

/// How often an event was counted, by reason.
fn counted(scope: &str) -> Vec<(String, String, i64)> {
    let metrics = collector().metrics(scope);
    let metric = metrics.into_iter().find(|metric| metric.name == "casetracker.security.events").expect("the metric");
    let Some(Data::Sum(sum)) = metric.data else { panic!("not a sum") };
    let point = |point: &opentelemetry_proto::tonic::metrics::v1::NumberDataPoint| {
        let Some(AsInt(count)) = point.value else { panic!("not a count") };
        (attribute(&point.attributes, "event"), attribute(&point.attributes, "reason"), count)
    };
    let mut counted: Vec<_> = sum.data_points.iter().map(point).collect();
    counted.sort();
    counted
}

#[tokio::test]
async fn a_flood_is_counted_whole_and_logged_in_part() {
    let lines = Lines::default();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.layer()));
    let signer = Signer::new("one");
    let (_folder, keys) = in_file(&jwks(&[&signer]));
    let server = start(believing("case-flood", keys).0).await;
    let mut client = plain(&server).await;
    for number in 0..40 {
        let forged = Signer::new("one").sign(&claims(&format!("made-up-{number}"), &["operator"], json!({})));
        echo(&mut client, bearing("who", &forged)).await.unwrap_err();
    }
    let viewer = signer.sign(&claims("amira", &["viewer"], json!({})));
    echo(&mut client, bearing("who", &viewer)).await.unwrap_err();
    echo(&mut client, Request::new(String::new())).await.unwrap_err();

    let event = |event: &str, reason: &str, count| (event.to_owned(), reason.to_owned(), count);
    let expected = [
        event("credentials_refused", "CREDENTIALS_INVALID", 40),
        event("credentials_refused", "CREDENTIALS_MISSING", 1),
        event("permission_denied", "PERMISSION_DENIED", 1),
    ];
    assert_eq!(counted("case-flood"), expected);
    let refused = lines.of("credentials_refused");
    let forged = refused.iter().filter(|line| line["check"] == "signature").count();
    // Windows last ten seconds: a machine that is slow enough opens more than one.
    assert!((10..40).contains(&forged), "{forged}");
    assert_eq!(refused.iter().filter(|line| line["check"] == "no_token").count(), 1, "others are still heard");
    let denied = &lines.of("permission_denied")[0];
    assert_eq!((denied["level"].as_str(), denied["actor"].as_str()), (Some("WARN"), Some("amira")));
    assert_eq!((denied["check"].as_str(), denied["reason"].as_str()), (Some("probe.echo"), Some("PERMISSION_DENIED")));
    assert!(!lines.text().contains("made-up"), "a forged token names nobody");
}

#[tokio::test]
async fn a_server_that_believes_everybody_says_so_and_the_others_do_not() {
    let lines = Lines::default();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.layer()));
    let signer = Signer::new("one");
    let (_folder, keys) = in_file(&jwks(&[&signer]));
    let believing = start(believing("case-believing", keys).0).await;
    // A call that is answered: the server has started.
    echo(&mut plain(&believing).await, Request::new(String::new())).await.unwrap_err();
    assert_eq!(lines.of("insecure_mode").len(), 0);

    let insecure = start(host("case-insecure")).await;
    echo(&mut plain(&insecure).await, Request::new(String::new())).await.unwrap_err();
    assert_eq!(lines.of("insecure_mode")[0]["level"], "WARN");

    let open = crate::probe::start_on(host("case-open"), "0.0.0.0:0").await;
    echo(&mut plain(&open).await, Request::new(String::new())).await.unwrap_err();
    let loud = &lines.of("insecure_mode")[1];
    assert_eq!((loud["level"].as_str(), loud["action"].as_str()), (Some("WARN"), Some("serve")));
    assert!(counted("case-open").contains(&("insecure_mode".to_owned(), "insecure_mode".to_owned(), 1)));
    assert_eq!(lines.of("insecure_mode").len(), 2, "once for each server");
}
