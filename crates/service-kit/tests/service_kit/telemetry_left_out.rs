//! Calls whose trace is not kept: they open no span, and everything that they leave behind carries their ids all the same.

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use service_kit::telemetry::{Sampling, lines_of, spans};
use tonic::Request;
use tonic_types::StatusExt;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;

use crate::collector::{attribute, collector};
use crate::probe::{Lines, Running, asked, echo, host, in_time, plain, start};

const TRACE: &str = "f1111111111111111111111111111111";

/// A subscriber as the process starts it, for this thread alone; `roots` decides upon traces that begin here.
fn subscribed(lines: &Lines, roots: Sampler) -> tracing::subscriber::DefaultGuard {
    let sampling = Sampling::new(roots);
    let provider = SdkTracerProvider::builder().with_sampler(sampling.clone()).build();
    let lines = lines.layer().with_filter(lines_of("debug").unwrap());
    let subscriber = tracing_subscriber::registry().with(spans(&provider, &sampling, "case-test", "1.2.3")).with(lines);
    tracing::subscriber::set_default(subscriber)
}

/// A call in a trace of its caller's, who keeps it ("01") or not ("00").
fn in_trace(text: &str, flags: &str) -> Request<String> {
    let mut request = asked(text);
    request.metadata_mut().insert("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-{flags}").parse().unwrap());
    request
}

async fn answer(server: &Running, request: Request<String>) -> String {
    echo(&mut plain(server).await, request).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_call_whose_trace_is_not_kept_opens_no_span_and_another_opens_all_of_them() {
    let lines = Lines::default();
    let _default = subscribed(&lines, Sampler::AlwaysOff);
    let server = start(host("case-left-out")).await;
    assert_eq!(answer(&server, in_trace("spans", "00")).await, "", "as its caller says");
    assert_eq!(answer(&server, asked("spans")).await, "", "as our sampler says");
    assert_eq!(answer(&server, in_trace("spans", "01")).await, "rpc.server command.create_case", "control");
    assert_eq!(answer(&server, in_trace("spans", "00")).await, "", "and nothing of the control is left");
}

#[tokio::test]
async fn a_trace_that_begins_here_is_kept_as_the_sampler_says() {
    let lines = Lines::default();
    for (roots, flags, opened) in
        [(Sampler::AlwaysOn, "-01", "rpc.server command.create_case"), (Sampler::AlwaysOff, "-00", "")]
    {
        let _default = subscribed(&lines, roots);
        let server = start(host("case-left-out")).await;
        assert_eq!(answer(&server, asked("spans")).await, opened);
        let (first, second) = (answer(&server, asked("trace")).await, answer(&server, asked("trace")).await);
        assert!(first.ends_with(flags) && second.ends_with(flags), "{first} {second}");
        assert!(first[3..35] != second[3..35] && first[3..35] != "0".repeat(32), "a trace each: {first} {second}");
    }
}

#[tokio::test]
async fn what_a_call_without_a_span_leaves_behind_carries_its_ids() {
    let lines = Lines::default();
    let _default = subscribed(&lines, Sampler::AlwaysOn);
    let (server, other) = (start(host("case-left-out")).await, start(host("case-query")).await);
    let stored = answer(&server, in_trace("trace", "00")).await;
    assert!(stored.starts_with(&format!("00-{TRACE}-")) && stored.ends_with("-00"), "what a command stores: {stored}");
    assert!(!stored.contains("00f067aa0ba902b7"), "under a span id of its own: {stored}");
    let spawned = answer(&server, in_trace("spawned-trace", "00")).await;
    assert!(spawned.starts_with(&format!("00-{TRACE}-")), "in tasks, too: {spawned}");
    let relayed = answer(&server, in_trace(&format!("relay-trace {}", other.url()), "00")).await;
    assert!(relayed.starts_with(&format!("00-{TRACE}-")) && relayed.ends_with("-00"), "in other services: {relayed}");
    let refused = echo(&mut plain(&server).await, in_trace("missing", "00")).await.unwrap_err();
    assert_eq!(refused.get_error_details().request_info().unwrap().serving_data, TRACE);
    answer(&server, in_trace("log", "00")).await;
    server.stop().await;
    other.stop().await;
    for event in ["request_started", "case_transitioned", "request_finished"] {
        let found = lines.of(event);
        assert!(!found.is_empty() && found.iter().all(|line| line["trace_id"] == TRACE), "{event}: {}", lines.text());
        assert!(found.iter().all(|line| line["span_id"].as_str().unwrap().len() == 16), "{event}");
        assert!(found.iter().all(|line| line["request_id"].is_string()), "{event}");
    }
}

#[tokio::test]
async fn a_flood_of_refusals_is_counted_whole_logged_in_part_and_leaves_no_span() {
    const REFUSED: u64 = 40;
    let lines = Lines::default();
    let _default = subscribed(&lines, Sampler::AlwaysOn);
    let mut host = host("case-refusing");
    host.process.settings.limits.requests_in_flight = 1;
    let mut server = start(host).await;
    let (mut client, mut other) = (plain(&server).await, plain(&server).await);
    let hanging = tokio::spawn(async move { echo(&mut client, asked("hang")).await });
    assert_eq!(server.next_begun().await, "hang");
    for _ in 0..REFUSED {
        let mut request = in_trace("hello", "01");
        request.metadata_mut().insert("x-request-id", "order-42".parse().unwrap());
        let refused = echo(&mut other, request).await.unwrap_err();
        assert_eq!(refused.metadata().get("x-request-id").unwrap(), "order-42");
        let details = refused.get_error_details();
        let told = details.request_info().unwrap();
        assert_eq!((&*told.request_id, &*told.serving_data), ("order-42", TRACE));
        assert_eq!(details.error_info().unwrap().reason, "OVERLOADED");
    }
    hanging.abort();
    in_time(async { while echo(&mut other, asked("control")).await.is_err() {} }).await;
    drop(other);
    server.stop().await;
    let all = lines.of("request_finished");
    let refused: Vec<_> = all.iter().filter(|line| line["trace_id"] == TRACE).collect();
    // Windows last ten seconds: a machine that is slow enough opens more than one.
    assert!((10..REFUSED).contains(&u64::try_from(refused.len()).unwrap()), "{}", lines.text());
    for line in refused {
        let said = ["code", "outcome", "reason", "request_id", "service"].map(|field| line[field].as_str());
        let expected = ["RESOURCE_EXHAUSTED", "refused", "OVERLOADED", "order-42", "case-refusing"];
        assert_eq!(said, expected.map(Some));
    }
    assert!(all.iter().any(|line| line["code"] == "OK"), "control: an accepted call is heard");
    assert!(counted_calls("case-refusing", "RESOURCE_EXHAUSTED") >= REFUSED);
}

#[tokio::test]
async fn a_refused_call_leaves_no_span_in_its_callers_trace_and_an_accepted_one_does() {
    let mut host = host("case-refusing-spans");
    host.process.settings.limits.requests_in_flight = 1;
    let mut server = start(host).await;
    let (mut client, mut other) = (plain(&server).await, plain(&server).await);
    let traced = |text: &str, trace: &str| {
        let mut request = asked(text);
        request.metadata_mut().insert("traceparent", format!("00-{trace}-00f067aa0ba902b7-01").parse().unwrap());
        request
    };
    let (accepted, refused) = ("f2111111111111111111111111111111", "f3111111111111111111111111111111");
    let hanging = tokio::spawn({
        let request = traced("hang", accepted);
        async move { echo(&mut client, request).await }
    });
    assert_eq!(server.next_begun().await, "hang");
    echo(&mut other, traced("hello", refused)).await.unwrap_err();
    hanging.abort();
    let _ = hanging.await;
    in_time(async { while echo(&mut other, asked("hello")).await.is_err() {} }).await;
    drop(other);
    server.stop().await;
    assert!(collector().trace(refused).is_empty());
    assert_eq!(collector().trace(accepted).len(), 1, "control");
}

/// How many calls a server has measured that ended with a code.
fn counted_calls(scope: &str, code: &str) -> u64 {
    let metrics = collector().metrics(scope);
    let calls = metrics.iter().find(|metric| metric.name == "rpc.server.call.duration").expect("a histogram");
    let Some(Data::Histogram(histogram)) = &calls.data else { panic!("{calls:?}") };
    let of_code =
        histogram.data_points.iter().filter(|point| attribute(&point.attributes, "rpc.response.status_code") == code);
    of_code.map(|point| point.count).sum()
}
