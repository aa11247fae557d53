//! What callers cannot do to telemetry: make labels, fill the trace store, leave credentials in it.

use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use service_kit::telemetry::{lines_of, names};
use tonic::{Code, Request, Status};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;

use crate::collector::{attribute, collector};
use crate::probe::{Lines, asked, channel, echo, host, plain, start, unary};
use crate::telemetry::logging;

/// How many methods a caller makes up.
const METHODS: usize = 10_000;

fn labels(metric: &Metric) -> Vec<Vec<(String, String)>> {
    let of = |attributes: &[opentelemetry_proto::tonic::common::v1::KeyValue]| {
        attributes.iter().map(|pair| (pair.key.clone(), attribute(attributes, &pair.key))).collect()
    };
    match metric.data.as_ref() {
        Some(Data::Histogram(histogram)) => histogram.data_points.iter().map(|point| of(&point.attributes)).collect(),
        Some(Data::Sum(sum)) => sum.data_points.iter().map(|point| of(&point.attributes)).collect(),
        Some(Data::Gauge(gauge)) => gauge.data_points.iter().map(|point| of(&point.attributes)).collect(),
        other => panic!("a kind of metric that nobody here makes: {other:?}"),
    }
}

/// Not sampled, so that the spans of other tests keep their room.
fn unsampled(text: &str, n: usize) -> Request<String> {
    let mut request = asked(text);
    let metadata = request.metadata_mut();
    metadata.insert("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00".parse().unwrap());
    metadata.insert("x-request-id", format!("made-up-id-{n}").parse().unwrap());
    metadata.insert("x-actor-id", format!("made-up-actor-{n}").parse().unwrap());
    request
}

/// Calls a method that there is not, `count` times under another name each.
async fn call_made_up_methods(client: tonic::client::Grpc<tonic::transport::Channel>, count: std::ops::Range<usize>) {
    let mut client = client;
    for n in count {
        let path: &'static str = format!("/made.up.Service{n}/Method{n}").leak();
        let status = unary(&mut client, path, unsampled("hello", n)).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
    }
}

#[tokio::test]
async fn ten_thousand_made_up_methods_are_one_series() {
    let server = start(host("case-labels")).await;
    let client = tonic::client::Grpc::new(channel(&server).await);
    let eighth = METHODS / 8;
    let callers = (0..8).map(|part| call_made_up_methods(client.clone(), part * eighth..(part + 1) * eighth));
    futures_util::future::join_all(callers).await;
    echo(&mut plain(&server).await, unsampled("hello", 0)).await.unwrap();
    drop(client);
    server.stop().await;
    let metrics = collector().metrics("case-labels");
    let calls = metrics.iter().find(|metric| metric.name == names::RPC_SERVER_CALL_DURATION).expect("a histogram");
    let Some(Data::Histogram(histogram)) = &calls.data else { panic!("{calls:?}") };
    let counted = |method: &str| {
        let of_method = histogram.data_points.iter().filter(|p| attribute(&p.attributes, names::RPC_METHOD) == method);
        of_method.map(|point| point.count).sum::<u64>()
    };
    assert_eq!(counted(names::METHOD_OTHER), 10_000, "each is counted");
    assert_eq!(counted("test.v1.Probe/Echo"), 1, "control: a method that there is has its name");
    assert_eq!(labels(calls).len(), 2);
    for metric in &metrics {
        let all = format!("{:?}", labels(metric));
        assert!(!all.contains("made"), "{} has a label that a caller chose: {all}", metric.name);
    }
}

#[tokio::test]
async fn callers_force_no_more_traces_than_they_may_and_lines_still_name_their_trace() {
    let lines = Lines::default();
    let _default = logging(&lines);
    let mut limited = host("case-clamped");
    limited.process.settings.telemetry.caller_traces_per_second = 0;
    let server = start(limited).await;
    let mut client = plain(&server).await;
    let trace = "e1111111111111111111111111111111";
    let mut request = asked("trace");
    request.metadata_mut().insert("traceparent", format!("00-{trace}-00f067aa0ba902b7-01").parse().unwrap());
    let answer = echo(&mut client, request).await.unwrap().into_inner();
    assert!(answer.starts_with(&format!("00-{trace}-")) && answer.ends_with("-00"), "goes on, unsampled: {answer}");
    drop(client);
    server.stop().await;
    assert_eq!(lines.of("request_finished")[0]["trace_id"], trace);
    assert!(collector().trace(trace).is_empty(), "nothing is exported");
    let metrics = collector().metrics("case-clamped");
    let clamped = metrics.iter().find(|metric| metric.name == names::RPC_SERVER_TRACES_CLAMPED).expect("a counter");
    let Some(Data::Sum(sum)) = &clamped.data else { panic!("{clamped:?}") };
    assert_eq!(sum.data_points.len(), 1);
}

/// Everything that a caller can hide a secret in.
fn with_canaries() -> Request<String> {
    let mut request = asked("log");
    let metadata = request.metadata_mut();
    for (name, value) in [
        ("authorization", "Bearer canary-token"),
        ("cookie", "session=canary-cookie"),
        ("x-api-key", "canary-key"),
        ("x-anything", "canary-metadata"),
        ("grpc-timeout", "canary"),
        ("traceparent", "00-canary"),
        ("tracestate", "canary"),
        ("x-request-id", "canary with blanks"),
        ("user-agent-canary", "canary"),
    ] {
        metadata.insert(name, value.parse().unwrap());
    }
    metadata.insert_bin("x-canary-bin", tonic::metadata::MetadataValue::from_bytes(b"canary-binary"));
    request
}

fn told(status: &Status) -> String {
    format!("{status:?} {:?}", tonic_types::StatusExt::get_error_details(status))
}

#[tokio::test]
async fn no_line_at_any_level_no_metric_and_no_status_has_what_a_caller_hides_in_metadata_or_bodies() {
    let (lines, unfiltered) = (Lines::default(), Lines::default());
    // As telemetry starts with `log.level = "trace"`, and beside it what the libraries below would say.
    let filtered = lines.layer().with_filter(lines_of("trace").unwrap());
    let subscriber = tracing_subscriber::registry().with(filtered).with(unfiltered.layer());
    let _default = tracing::subscriber::set_default(subscriber);
    let server = start(host("case-hidden")).await;
    let mut client = plain(&server).await;
    let mut statuses = Vec::new();
    echo(&mut client, with_canaries()).await.unwrap();
    for text in ["foreign canary", "panic canary", "missing canary", &"canary ".repeat(1_000)] {
        let mut request = with_canaries();
        *request.get_mut() = (*text).to_owned();
        statuses.push(told(&echo(&mut client, request).await.unwrap_err()));
    }
    let mut nobody = with_canaries();
    nobody.metadata_mut().insert("x-actor-id", "canary\u{9}canary".parse().unwrap());
    statuses.push(told(&echo(&mut client, nobody).await.unwrap_err()));
    drop(client);
    server.stop().await;
    let metrics = format!("{:?}", collector().metrics("case-hidden"));
    for (what, text) in [("lines", lines.text()), ("metrics", metrics), ("statuses", statuses.join("\n"))] {
        assert!(!text.contains("canary"), "{what}: {text}");
    }
    assert!(lines.of("request_finished").len() >= 6, "control: there are lines");
    assert!(unfiltered.text().contains("canary"), "control: without the filter, the libraries tell a canary");
}

#[tokio::test]
async fn a_field_that_must_not_be_written_is_hidden_whoever_logs_it() {
    let lines = Lines::default();
    let _default = logging(&lines);
    let error = std::io::Error::other("cannot reach postgres://app:canary@db/cases");
    let error: &(dyn std::error::Error + 'static) = &error;
    tracing::error!(name: "leak", authorization = "canary", case.title = "canary", error, "sent Bearer canary to it");
    tracing::error!(name: "control", note = "canary", "a field that nobody hides");
    assert!(!lines.of("leak")[0].to_string().contains("canary"), "{}", lines.text());
    assert_eq!(lines.of("leak")[0]["authorization"], "[redacted]");
    assert_eq!(lines.of("control")[0]["note"], "canary", "control: a canary that is not hidden is seen");
}
