//! How often a caller may come, through the real port.

use std::time::Duration;

use service_kit::host::Host;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;
use tracing_subscriber::layer::SubscriberExt;

use super::identity::{reason, said};
use crate::probe::{Lines, Running, asked, echo, host, in_time, open, plain, start};

fn limited(per_second: u32, burst: usize) -> Host {
    let mut host = host("case-test");
    host.process.settings.limits.calls_per_second_per_caller = per_second;
    host.process.settings.limits.calls_burst_per_caller = burst;
    host
}

fn by(actor: &str) -> Request<String> {
    let mut request = Request::new("hello".to_owned());
    request.metadata_mut().insert("x-actor-id", actor.parse().unwrap());
    request
}

/// Calls until the server has had enough: at one call a second, that comes.
async fn hurry(server: &Running, actor: &str) -> Status {
    let mut client = plain(server).await;
    in_time(async {
        loop {
            if let Err(status) = echo(&mut client, by(actor)).await {
                return status;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_caller_in_a_hurry_is_told_when_to_come_back_and_others_are_not_held_up() {
    let server = start(limited(1, 2)).await;
    let status = hurry(&server, "amira").await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "RATE_LIMITED"));
    let told = ["cause", "scope", "limit"].map(|key| said(&status, key));
    assert_eq!(told, ["calls_per_second_per_caller", "caller", "1"]);
    let details = status.get_error_details();
    assert_eq!(details.quota_failure().unwrap().violations[0].subject, "caller");
    let wait = details.retry_info().unwrap().retry_delay.unwrap();
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
    assert!(echo(&mut plain(&server).await, by("budi")).await.is_ok());
    for name in ["readiness", "liveness"] {
        assert_eq!(crate::health::check(&server, name).await, Ok(crate::health::SERVING), "health does not count");
    }
}

#[tokio::test]
async fn whoever_waits_as_told_is_let_in() {
    let server = start(limited(20, 1)).await;
    let status = hurry(&server, "amira").await;
    let wait = status.get_error_details().retry_info().unwrap().retry_delay.unwrap();
    tokio::time::sleep(wait).await;
    assert!(echo(&mut plain(&server).await, by("amira")).await.is_ok());
}

#[tokio::test]
async fn a_stream_counts_once() {
    let server = start(limited(1, 3)).await;
    let mut client = plain(&server).await;
    let mut stream = open(&mut client, asked("endless")).await.unwrap();
    assert_eq!(in_time(stream.message()).await.unwrap().as_deref(), Some("first"));
    for _ in 0..2 {
        assert!(echo(&mut client, by("amira")).await.is_ok(), "its messages are free");
    }
    assert_eq!(reason(&hurry(&server, "amira").await), "RATE_LIMITED", "and it counts");
}

#[tokio::test]
async fn without_a_limit_nobody_is_held_up() {
    let server = start(host("case-test")).await;
    let mut client = plain(&server).await;
    for _ in 0..500 {
        assert!(echo(&mut client, by("amira")).await.is_ok());
    }
}

#[tokio::test]
async fn callers_who_do_not_show_who_they_are_have_no_account() {
    let server = start(limited(1, 1)).await;
    let mut client = plain(&server).await;
    for _ in 0..5 {
        let status = echo(&mut client, Request::new("hello".to_owned())).await.unwrap_err();
        assert_eq!(reason(&status), "CREDENTIALS_MISSING");
    }
}

#[tokio::test]
async fn a_hasty_caller_is_a_security_event() {
    let lines = Lines::default();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.layer()));
    let server = start(limited(1, 1)).await;
    hurry(&server, "amira").await;
    let line = lines.of("rate_limited").into_iter().next().expect("a line");
    assert_eq!((line["level"].as_str(), line["actor"].as_str()), (Some("WARN"), Some("amira")));
    assert_eq!(line["action"], "test.v1.Probe/Echo");
    assert_eq!(line["reason"], "RATE_LIMITED");
}
