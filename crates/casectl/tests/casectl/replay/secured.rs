//! A replay as people start it, with credentials, over TLS, against limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rpc_error::{FailedCall, Failure, Reason};
use tonic::metadata::MetadataValue;

use super::fake::Fault;
use super::{SAMPLE, Short, assert_sample, fake_for, options, records, targets};
use crate::front::{Said, Setting};
use crate::tls_gate::{Authority, Clients};

#[tokio::test]
async fn a_replay_goes_over_tls_and_shows_its_token_with_every_call() {
    let records = records(SAMPLE);
    let fake = fake_for(&records);
    let running = fake.serve().await;
    let authority = Authority::new();
    let gate = authority.gate(running.address, Clients::Anybody).await;
    let log = authority.file("log.jsonl");
    std::fs::write(&log, SAMPLE).unwrap();
    let setting = ["CASECTL_COMMAND", "CASECTL_QUERY", "CASECTL_AUDIT"]
        .into_iter()
        .fold(Setting::bare(), |setting, name| setting.with(name, &format!("https://{gate}")));
    let setting = setting.with("CASECTL_TOKEN", "s3cret").with("CASECTL_CA", &authority.ca());
    let Said { code, err, .. } = setting.run(&["replay", log.to_str().unwrap(), "-o", "json"]).await;
    assert_eq!((code, err.as_str()), (0, ""));
    let state = fake.state();
    assert_eq!(state.events.len(), 15);
    assert!(state.attempts > 0 && state.authorizations.len() == 1, "{:?}", state.authorizations);
    assert_eq!(state.authorizations.first().unwrap().as_deref(), Some("Bearer s3cret"));
}

#[tokio::test]
async fn a_token_is_not_sent_where_others_can_read_it() {
    let authority = Authority::new();
    let log = authority.file("log.jsonl");
    std::fs::write(&log, SAMPLE).unwrap();
    let setting = Setting::bare().with("CASECTL_TOKEN", "s3cret").with("CASECTL_SERVER", "192.0.2.1");
    let said = setting.run(&["replay", log.to_str().unwrap()]).await;
    assert_eq!(said.code, 78, "{said:?}");
    assert!(said.err.contains("over plain HTTP") && !said.err.contains("s3cret"), "{said:?}");
}

#[tokio::test]
async fn a_replay_waits_as_long_as_a_server_that_is_too_busy_asks() {
    let records = records(SAMPLE);
    let fake = fake_for(&records);
    let refused = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&refused);
    let wait = Duration::from_millis(40);
    fake.with_faults(move |attempt| {
        if attempt % 2 == 0 {
            return Fault::None;
        }
        counted.fetch_add(1, Ordering::Relaxed);
        let busy = Failure::new(Reason::Overloaded, "slower").with_retry_after(wait);
        Fault::Refuse(busy.into_status(FailedCall { request_id: "r", trace_id: "" }))
    });
    let running = fake.serve().await;
    let token = MetadataValue::try_from("Bearer s3cret").unwrap();
    let mut targets = targets(&running.channel());
    targets.commands.authorization = Some(token);
    let options = casectl::replay::Options { concurrency: 1, ..options() };
    // Our own waits are a hundredth of that.
    let begun = tokio::time::Instant::now();
    let summary = casectl::replay::run(&records, targets, options, Arc::new(Short)).await.unwrap();
    assert_sample(&fake, &summary);
    let refused = refused.load(Ordering::Relaxed);
    assert!(refused > 10 && summary.retries >= refused, "{refused}");
    // One case after the other: every wait that was asked for adds up.
    assert!(begun.elapsed() >= wait * u32::try_from(refused).unwrap(), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_replay_that_finds_nobody_says_where_it_looked_and_who_said_so() {
    let authority = Authority::new();
    let log = authority.file("log.jsonl");
    std::fs::write(&log, SAMPLE).unwrap();
    // A port that was free a moment ago.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let arguments = ["replay", log.to_str().unwrap(), "--query", &gone, "--patience", "10ms"];
    let said = Setting::bare().run(&arguments).await;
    assert_eq!((said.code, said.out.as_str()), (69, ""), "{said:?}");
    assert!(said.err.contains(&format!("cannot ask case-query at {gone} (--query) for the lifecycle")), "{said:?}");
}
