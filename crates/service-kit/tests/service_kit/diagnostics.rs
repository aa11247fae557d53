//! What operators are told about a running server, over a real port.

use std::collections::BTreeMap;
use std::sync::Arc;

use service_kit::clock::Clock;
use service_kit::diagnostics::pb::diagnostics_service_client::DiagnosticsServiceClient;
use service_kit::diagnostics::pb::{BreakerState, Condition, Diagnostics, GetDiagnosticsRequest};
use service_kit::diagnostics::{DependencyReport, FeedReport, QueueReport, Report, StoreReport};
use service_kit::host::Host;
use service_kit::program::{About, Process};
use service_kit::settings::{Sources, load};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::probe::{Running, asked, channel, echo, host, in_time, plain, start};

/// 2026-11-23T09:30:00Z
const NOW_S: i64 = 1_795_426_200;

const CANARY: &str = "canary-4c1f";

struct StandingClock;

impl Clock for StandingClock {
    fn unix_us(&self) -> i64 {
        NOW_S * 1_000_000
    }
}

/// Asks as `amira`.
async fn ask(server: &Running) -> Result<Diagnostics, Status> {
    let mut request = Request::new(GetDiagnosticsRequest {});
    request.metadata_mut().insert("x-actor-id", "amira".parse().unwrap());
    let mut client = DiagnosticsServiceClient::new(channel(server).await);
    in_time(client.get_diagnostics(request)).await.map(|answer| answer.into_inner().diagnostics.unwrap())
}

/// A host that was started with these variables.
fn started_with(variables: &[(&str, &str)]) -> Host {
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let sources = Sources { environment: environment.collect(), ..Sources::default() };
    let loaded = load(&sources, |_| Vec::new()).unwrap();
    let process = Process {
        about: About { program: "case-tracker", version: "1.2.3" },
        clock: Arc::new(StandingClock),
        provenance: Arc::new(loaded.provenance),
        ..Process::new(loaded.settings, CancellationToken::new())
    };
    Host { process, ..host("case-test") }
}

fn settings_of(state: &Diagnostics) -> BTreeMap<&str, (&str, &str)> {
    state.settings.iter().map(|s| (s.key.as_str(), (s.value.as_str(), s.source.as_str()))).collect()
}

#[tokio::test]
async fn an_operator_learns_what_runs_and_from_where_each_setting_comes() {
    let variables = [("CASE_TRACKER__ENVIRONMENT", "staging"), ("CASE_TRACKER__LIMITS__REQUESTS_IN_FLIGHT", "7")];
    let server = start(started_with(&variables)).await;
    let state = ask(&server).await.unwrap();
    assert_eq!((state.service.as_str(), state.program.as_str()), ("case-test", "case-tracker"));
    assert_eq!((state.version.as_str(), state.environment.as_str()), ("1.2.3", "staging"));
    assert!(state.rustc_version.starts_with("rustc 1."), "{}", state.rustc_version);
    assert_eq!(state.process_id, std::process::id());
    assert_eq!(state.start_time, Some(prost_types::Timestamp { seconds: NOW_S, nanos: 0 }));
    assert_eq!(state.read_time, state.start_time, "the clock stands still");
    assert!(state.uptime.is_some_and(|uptime| uptime.seconds >= 0 && uptime.seconds < 3_600));
    let settings = settings_of(&state);
    assert_eq!(settings["environment"], ("\"staging\"", "environment variable CASE_TRACKER__ENVIRONMENT"));
    assert_eq!(
        settings["limits.requests_in_flight"],
        ("7", "environment variable CASE_TRACKER__LIMITS__REQUESTS_IN_FLIGHT")
    );
    assert_eq!(settings["reflection.enabled"], ("true", "default"));
    let features: Vec<_> = state.features.iter().map(|f| (f.name.as_str(), f.state.as_str())).collect();
    assert!(features.contains(&("auth", "insecure")) && features.contains(&("tls", "off")), "{features:?}");
    assert!(features.contains(&("reflection", "on")), "{features:?}");
    assert!(features.is_sorted(), "{features:?}");
    server.stop().await;
}

#[tokio::test]
async fn every_part_reports_itself_anew_at_each_question() {
    let host = host("case-test");
    let depth = Arc::new(std::sync::atomic::AtomicU64::new(3));
    let counted = Arc::clone(&depth);
    host.diagnostics.add(move || {
        let depth = counted.load(std::sync::atomic::Ordering::Relaxed);
        Report::Queue(QueueReport { name: "commands", depth, capacity: 8 })
    });
    host.diagnostics.add(|| {
        Report::Store(StoreReport {
            name: "command",
            address: "sqlite:data/command.db".to_owned(),
            schema_version: 2,
            schema_version_supported: 3,
            size_bytes: 4_096,
            problem: "the disk is full".to_owned(),
        })
    });
    host.diagnostics.add(|| {
        let consumer = "case-query".to_owned();
        Report::Feed(FeedReport { consumer, position: 5, head: 9, lag_ms: 1_500, connected: true })
    });
    host.diagnostics.add(|| {
        Report::Dependency(DependencyReport {
            name: "case-command".to_owned(),
            address: "http://127.0.0.1:50051".to_owned(),
            breaker: "open",
            last_failure: "connection refused".to_owned(),
        })
    });
    let server = start(host).await;
    let state = ask(&server).await.unwrap();
    assert_eq!((state.queues[0].depth, state.queues[0].capacity), (3, 8));
    let store = &state.stores[0];
    assert_eq!((store.schema_version, store.schema_version_supported, store.size_bytes), (2, 3, 4_096));
    assert_eq!(store.problem, "the disk is full");
    let feed = &state.feeds[0];
    assert_eq!((feed.position, feed.head_position, feed.connected), (5, 9, true));
    assert_eq!(feed.lag, Some(prost_types::Duration { seconds: 1, nanos: 500_000_000 }));
    assert_eq!(state.dependencies[0].breaker_state(), BreakerState::Open);
    depth.store(4, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(ask(&server).await.unwrap().queues[0].depth, 4);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_is_not_ready_says_why() {
    let host = host("case-test");
    let (store, feed) = (host.health.condition("store"), host.health.condition("feed"));
    let server = start(host).await;
    store.pass();
    feed.fail("connection refused");
    let condition = |name: &str, reason: &str| Condition {
        name: name.to_owned(),
        passing: reason.is_empty(),
        reason: reason.to_owned(),
    };
    let health = ask(&server).await.unwrap().health.unwrap();
    assert_eq!((health.ready, health.started, health.draining), (false, true, false));
    assert_eq!(health.conditions, [condition("store", ""), condition("feed", "connection refused")]);
    feed.pass();
    assert!(ask(&server).await.unwrap().health.unwrap().ready, "the control");
    server.stop().await;
}

#[tokio::test]
async fn diagnostics_are_a_call_like_any_other() {
    let mut host = host("case-test");
    host.process.settings.limits.requests_in_flight = 1;
    let mut server = start(host).await;
    let mut client = DiagnosticsServiceClient::new(channel(&server).await);
    let nobody = in_time(client.get_diagnostics(GetDiagnosticsRequest {})).await.unwrap_err();
    assert_eq!(nobody.code(), Code::Unauthenticated, "nobody in particular is told nothing");
    assert!(ask(&server).await.is_ok(), "the control");

    let mut other = plain(&server).await;
    let hanging = tokio::spawn(async move { echo(&mut other, asked("hang")).await });
    server.next_begun().await;
    assert_eq!(ask(&server).await.unwrap_err().code(), Code::ResourceExhausted);
    // Over a connection that is there already: a server that drains takes no new ones.
    let mut request = Request::new(GetDiagnosticsRequest {});
    request.metadata_mut().insert("x-actor-id", "amira".parse().unwrap());
    server.health.drain();
    let refused = in_time(client.get_diagnostics(request)).await.unwrap_err();
    assert_eq!(refused.get_error_details().error_info().unwrap().reason, "DRAINING");
    hanging.abort();
    server.stop().await;
}

#[tokio::test]
async fn no_secret_leaves_the_process() {
    let issuer = format!("https://case:{CANARY}@id.example/");
    let headers = format!("authorization={CANARY}");
    let variables = [
        ("CASE_TRACKER__AUTH__TOKEN", CANARY),
        ("CASE_TRACKER__TELEMETRY__OTLP_HEADERS", &headers),
        ("CASE_TRACKER__AUTH__ISSUER", &issuer),
    ];
    let host = started_with(&variables);
    host.health.condition("store").fail(format!("postgres://case:{CANARY}@db/cases does not answer"));
    let server = start(host).await;
    let state = ask(&server).await.unwrap();
    let shown = format!("{state:?}");
    assert!(!shown.contains(CANARY), "{shown}");
    let settings = settings_of(&state);
    assert_eq!(settings["auth.token"], ("\"[redacted]\"", "environment variable CASE_TRACKER__AUTH__TOKEN"));
    assert_eq!(settings["auth.token_file"], ("\"\"", "default"));
    server.stop().await;

    let server = start(started_with(&[("CASE_TRACKER__ENVIRONMENT", CANARY)])).await;
    let shown = format!("{:?}", in_time(ask(&server)).await.unwrap());
    assert!(shown.contains(CANARY), "the control: what is no secret is shown");
    server.stop().await;
}
