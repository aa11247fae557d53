//! What leaves a process: spans and metrics over OTLP, log lines.

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use service_kit::identity::Identity;
use service_kit::telemetry::policy::Moment;
use service_kit::telemetry::{Sampling, remote_parent, remote_request, spans};
use tonic::{Code, Request};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;

use crate::collector::{Exported, attribute, collector, hex};
use crate::probe::{Lines, Running, asked, channel, echo, host, in_time, open, plain, start, unary};

/// A trace of the caller's own making.
fn traced(text: &str, trace_id: &str) -> Request<String> {
    let mut request = asked(text);
    request.metadata_mut().insert("traceparent", format!("00-{trace_id}-00f067aa0ba902b7-01").parse().unwrap());
    request.metadata_mut().insert("x-request-id", "order-42".parse().unwrap());
    request
}

/// The spans of a trace, once the server has ended them: it does so after its answer has left.
async fn exported(server: Running, trace_id: &str) -> Vec<Exported> {
    server.stop().await;
    collector().trace(trace_id)
}

fn only<'a>(spans: &'a [Exported], scope: &str, kind: SpanKind) -> &'a Exported {
    let mut found = spans.iter().filter(|span| span.scope == scope && span.span.kind == kind as i32);
    let first = found.next().expect("a span");
    assert!(found.next().is_none(), "only one {kind:?} span of {scope}");
    first
}

fn status_of(span: &Exported) -> StatusCode {
    span.span.status.as_ref().map_or(StatusCode::Unset, opentelemetry_proto::tonic::trace::v1::Status::code)
}

#[tokio::test]
async fn a_server_span_joins_the_callers_trace() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let server = start(host("case-command")).await;
    let mut client = plain(&server).await;
    let answer = echo(&mut client, traced("trace", trace)).await.unwrap();
    drop(client);
    let spans = exported(server, trace).await;
    let server_span = only(&spans, "case-command", SpanKind::Server);
    let span = &server_span.span;
    assert_eq!(*answer.get_ref(), format!("00-{trace}-{}-01", hex(&span.span_id)), "the trace a handler stores");
    assert_eq!(hex(&span.parent_span_id), "00f067aa0ba902b7");
    assert_eq!(span.name, "test.v1.Probe/Echo");
    assert_eq!(status_of(server_span), StatusCode::Unset);
    let said = ["rpc.system.name", "rpc.method", "rpc.response.status_code", "request_id"];
    let said = said.map(|key| attribute(&span.attributes, key));
    assert_eq!(said, ["grpc", "test.v1.Probe/Echo", "OK", "order-42"]);
    let process = ["service.name", "service.version", "deployment.environment.name"];
    assert_eq!(process.map(|key| attribute(&server_span.resource, key)), ["case-tracker", "1.2.3", "test"]);
    assert!(!attribute(&server_span.resource, "service.instance.id").is_empty());
}

#[tokio::test]
async fn a_tool_that_asks_for_the_schema_in_the_callers_trace_leaves_no_span_in_it() {
    let trace = "c2111111111111111111111111111111";
    let server = start(host("case-command")).await;
    let mut tool = ServerReflectionClient::new(channel(&server).await);
    let question = MessageRequest::ListServices(String::new());
    let question = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let mut schema = Request::new(tokio_stream::iter([question]));
    *schema.metadata_mut() = traced("", trace).metadata().clone();
    let mut answers = in_time(tool.server_reflection_info(schema)).await.unwrap().into_inner();
    while in_time(answers.message()).await.unwrap().is_some() {}
    echo(&mut plain(&server).await, traced("trace", trace)).await.unwrap();
    drop((answers, tool));
    let spans = exported(server, trace).await;
    assert_eq!(only(&spans, "case-command", SpanKind::Server).span.name, "test.v1.Probe/Echo");
}

#[tokio::test]
async fn one_trace_goes_through_two_services() {
    let trace = "11111111111111111111111111111111";
    let command = start(host("case-command")).await;
    let query = start(host("case-query")).await;
    let mut client = plain(&command).await;
    let answer = echo(&mut client, traced(&format!("relay {}", query.url()), trace)).await.unwrap();
    assert_eq!(answer.get_ref(), "case-command order-42", "the id goes on, the actor is the service");
    drop(client);
    command.stop().await;
    let spans = exported(query, trace).await;
    assert_eq!(spans.len(), 3);
    let first = &only(&spans, "case-command", SpanKind::Server).span;
    let call = only(&spans, "case-command", SpanKind::Client);
    let second = &only(&spans, "case-query", SpanKind::Server).span;
    assert_eq!(call.span.parent_span_id, first.span_id);
    assert_eq!(second.parent_span_id, call.span.span_id, "the client span is the parent, not what is around it");
    assert_eq!(attribute(&call.span.attributes, "server.address"), "127.0.0.1");
}

#[tokio::test]
async fn a_span_has_the_status_of_the_answer() {
    let cases = [
        ("21111111111111111111111111111111", "missing", "NOT_FOUND", StatusCode::Unset),
        ("31111111111111111111111111111111", "foreign", "INTERNAL", StatusCode::Error),
        ("41111111111111111111111111111111", "panic", "INTERNAL", StatusCode::Error),
    ];
    for (trace, text, code, status) in cases {
        let server = start(host("case-command")).await;
        let mut client = plain(&server).await;
        echo(&mut client, traced(text, trace)).await.unwrap_err();
        drop(client);
        let spans = exported(server, trace).await;
        let span = only(&spans, "case-command", SpanKind::Server);
        assert_eq!(attribute(&span.span.attributes, "rpc.response.status_code"), code, "{text}");
        assert_eq!(status_of(span), status, "{text}");
    }
}

#[tokio::test]
async fn a_stream_ends_its_span_with_its_trailers_or_as_cancelled() {
    let cases = [
        ("51111111111111111111111111111111", "foreign", "INTERNAL"),
        ("61111111111111111111111111111111", "short", "OK"),
        ("71111111111111111111111111111111", "endless", "CANCELLED"),
    ];
    for (trace, text, code) in cases {
        let server = start(host("case-command")).await;
        let mut client = plain(&server).await;
        let mut stream = open(&mut client, traced(text, trace)).await.unwrap();
        in_time(stream.message()).await.unwrap();
        if text != "endless" {
            let _ = in_time(stream.message()).await;
        }
        drop((stream, client));
        let spans = exported(server, trace).await;
        let span = only(&spans, "case-command", SpanKind::Server);
        assert_eq!(attribute(&span.span.attributes, "rpc.response.status_code"), code, "{text}");
    }
}

#[tokio::test]
async fn an_unknown_method_gives_nobody_a_name() {
    let trace = "81111111111111111111111111111111";
    let server = start(host("case-command")).await;
    let mut client = plain(&server).await;
    let status = unary(&mut client, "/made.up.Service/Canary", traced("hello", trace)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    drop(client);
    let spans = exported(server, trace).await;
    let span = only(&spans, "case-command", SpanKind::Server);
    assert_eq!(span.span.name, "_OTHER");
    assert!(!format!("{:?}", span.span).contains("Canary"));
}

#[tokio::test]
async fn a_consumers_span_continues_a_stored_trace_in_its_own_name() {
    // Spans are only made once telemetry has started.
    collector();
    let trace = "91111111111111111111111111111111";
    let audit = Identity { name: "case-audit" };
    {
        let recording = tracing::info_span!("audit.record");
        recording.set_parent(remote_parent(audit, &format!("00-{trace}-00f067aa0ba902b7-01"))).unwrap();
        let _entered = recording.enter();
        let _store = tracing::info_span!("store.append").entered();
    }
    let spans = collector().trace(trace);
    assert_eq!(spans.len(), 2);
    assert!(spans.iter().all(|span| span.scope == "case-audit"));
    let named = |name| &spans.iter().find(|span| span.span.name == name).expect("a span").span;
    assert_eq!(hex(&named("audit.record").parent_span_id), "00f067aa0ba902b7");
    assert_eq!(named("store.append").parent_span_id, named("audit.record").span_id);
}

#[tokio::test]
async fn a_client_span_is_in_the_name_of_its_channel() {
    let server = start(host("case-command")).await;
    let mut client = server.client(Identity { name: "case-audit" });
    let traceparent = echo(&mut client, Request::new("trace".to_owned())).await.unwrap().into_inner();
    drop(client);
    let spans = exported(server, &traceparent[3..35]).await;
    assert!(only(&spans, "case-audit", SpanKind::Client).span.parent_span_id.is_empty());
    assert_eq!(hex(&only(&spans, "case-command", SpanKind::Server).span.span_id), traceparent[36..52]);
}

#[tokio::test]
async fn calls_are_measured() {
    let server = start(host("case-measured")).await;
    let mut client = server.client(Identity { name: "case-measuring" });
    echo(&mut client, Request::new("hello".to_owned())).await.unwrap();
    echo(&mut client, Request::new("missing".to_owned())).await.unwrap_err();
    drop(client);
    server.stop().await;
    for (scope, name) in [("case-measured", "rpc.server.call.duration"), ("case-measuring", "rpc.client.call.duration")]
    {
        let metrics = collector().metrics(scope);
        let metric = metrics.iter().find(|metric| metric.name == name).expect(name);
        assert_eq!(metric.unit, "s");
        let Some(Data::Histogram(histogram)) = &metric.data else { panic!("{metric:?}") };
        let mut codes: Vec<_> = histogram
            .data_points
            .iter()
            .map(|point| attribute(&point.attributes, "rpc.response.status_code"))
            .collect();
        codes.sort_unstable();
        assert_eq!(codes, ["NOT_FOUND", "OK"]);
        assert_eq!(histogram.data_points[0].explicit_bounds[..2], [0.0005, 0.001]);
    }
    let metrics = collector().metrics("case-measured");
    let active = metrics.iter().find(|metric| metric.name == "rpc.server.active_requests").expect("a gauge");
    let Some(Data::Sum(active)) = &active.data else { panic!("{active:?}") };
    assert_eq!(active.data_points.len(), 1);
}

/// A subscriber for this thread alone: the test's runtime has no other.
pub(crate) fn logging(lines: &Lines) -> tracing::subscriber::DefaultGuard {
    let sampling = Sampling::new(Sampler::AlwaysOn);
    let provider = SdkTracerProvider::builder().with_sampler(sampling.clone()).build();
    let spans = spans(&provider, &sampling, "case-test", "1.2.3");
    let subscriber = tracing_subscriber::registry().with(spans).with(lines.layer());
    tracing::subscriber::set_default(subscriber)
}

#[tokio::test]
async fn every_line_of_a_request_carries_its_ids() {
    let lines = Lines::default();
    let _default = logging(&lines);
    let trace = "a1111111111111111111111111111111";
    let server = start(host("case-command")).await;
    let mut client = plain(&server).await;
    echo(&mut client, traced("log", trace)).await.unwrap();
    drop(client);
    server.stop().await;
    for event in ["request_started", "case_transitioned", "request_finished"] {
        let found = lines.of(event);
        assert_eq!(found.len(), 1, "{event}");
        let line = &found[0];
        assert_eq!(line["request_id"], "order-42", "{event}");
        assert_eq!(line["trace_id"], trace, "{event}");
        assert_eq!(line["span_id"].as_str().unwrap().len(), 16, "{event}");
        assert_eq!(line["service"], "case-command", "{event}");
        let timestamp = line["timestamp"].as_str().unwrap();
        assert_eq!((timestamp.len(), &timestamp[26..]), (27, "Z"), "microseconds, UTC: {timestamp}");
        assert!(line["target"].is_string() && line["message"].is_string());
    }
    let moved = &lines.of("case_transitioned")[0];
    assert_eq!((&moved["level"], &moved["case_id"]), (&"INFO".into(), &"CASE-001".into()));
    assert_eq!((&moved["duration_ms"], &moved["message"]), (&1.5.into(), &"CASE-001 moved".into()));
    let finished = &lines.of("request_finished")[0];
    assert_eq!((&finished["level"], &finished["code"]), (&"INFO".into(), &"OK".into()));
    assert_eq!(finished["method"], "test.v1.Probe/Echo");
    assert!(finished["duration_ms"].is_number());
    assert_eq!(lines.of("request_started")[0]["level"], "DEBUG");
}

#[tokio::test]
async fn a_failure_quotes_the_trace() {
    let lines = Lines::default();
    let _default = logging(&lines);
    let trace = "b1111111111111111111111111111111";
    let server = start(host("case-command")).await;
    let status = echo(&mut plain(&server).await, traced("missing", trace)).await.unwrap_err();
    let details = tonic_types::StatusExt::get_error_details(&status);
    assert_eq!(details.request_info().unwrap().serving_data, trace);
}

#[tokio::test]
async fn probes_of_health_are_no_news() {
    let lines = Lines::default();
    let _default = logging(&lines);
    let server = start(host("case-command")).await;
    crate::health::check(&server, "").await.unwrap();
    server.stop().await;
    assert_eq!(lines.of("request_finished")[0]["level"], "DEBUG");
}

#[tokio::test]
async fn a_drain_is_logged_in_the_services_name() {
    let lines = Lines::default();
    let _default = logging(&lines);
    let server = start(host("case-command")).await;
    server.stop().await;
    for event in ["listening", "drain_started", "readiness_changed", "drain_finished"] {
        assert!(lines.of(event).iter().any(|line| line["service"] == "case-command"), "{event}: {}", lines.text());
    }
}

#[tokio::test]
async fn lines_escape_rename_and_chain() {
    let lines = Lines::default();
    let _default = logging(&lines);
    let consumed = tracing::info_span!("projection");
    let parent = remote_request(
        Identity { name: "case-query" },
        "00-c1111111111111111111111111111111-00f067aa0ba902b7-01",
        "r-1",
    );
    consumed.set_parent(parent).unwrap();
    async {
        let error = std::io::Error::other(std::fmt::Error);
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::warn!(name: "odd", error, level = "high", request_id = "r-2", "a \"quote\"\nand a break");
    }
    .instrument(consumed)
    .await;
    tracing::info!("outside");
    let odd = &lines.of("odd")[0];
    assert_eq!(odd["message"], "a \"quote\"\nand a break");
    assert_eq!((&odd["level"], &odd["field_level"]), (&"WARN".into(), &"high".into()));
    assert_eq!(odd["request_id"], "r-2", "what the event says itself");
    assert_eq!(odd["service"], "case-query");
    assert!(odd["error"].as_str().unwrap().contains("error"));
    let outside = &lines.of("log")[0];
    assert_eq!((&outside["service"], &outside["request_id"]), (&"case-test".into(), &serde_json::Value::Null));
}

/// Set for the program that [`a_panic_is_one_line`] starts.
const PANICKING: &str = "SERVICE_KIT_TEST_PANICKING";

#[test]
#[ignore = "the program that another test starts"]
fn panicking_child() {
    if std::env::var_os(PANICKING).is_none() {
        return;
    }
    let mut settings = service_kit::settings::Settings::defaults().unwrap();
    settings.log.format = service_kit::settings::LogFormat::Json;
    let guard = service_kit::telemetry::init(&settings, "case-test", "1.2.3").unwrap();
    let span = tracing::info_span!("command.create_case");
    let parent = "00-d1111111111111111111111111111111-00f067aa0ba902b7-01";
    span.set_parent(remote_request(Identity { name: "case-command" }, parent, "r-1")).unwrap();
    span.in_scope(|| std::panic::catch_unwind(|| panic!("an index\nout of bounds"))).unwrap_err();
    guard.shutdown(std::time::Duration::from_secs(5));
}

#[test]
fn a_panic_is_one_line() {
    let test_binary = std::env::current_exe().unwrap();
    let arguments = ["--exact", "telemetry::panicking_child", "--ignored", "--nocapture"];
    let output = std::process::Command::new(test_binary).args(arguments).env(PANICKING, "1").output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(!stderr.contains("out of bounds"), "{stderr}");
    let lines = stdout.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let panicked: Vec<_> = lines.filter(|line| line["event"] == "panicked").collect();
    assert_eq!(panicked.len(), 1, "{stdout}");
    let line = &panicked[0];
    assert_eq!((&line["level"], &line["error"]), (&"ERROR".into(), &"an index\nout of bounds".into()));
    let rule = Moment::UnexpectedError.rule().unwrap();
    let breaches = rule.breaches("ERROR", |name| line.get(name).map(ToString::to_string));
    assert!(breaches.is_empty() && line["error.type"] == "panic", "{breaches:?}");
    assert_eq!((&line["request_id"], &line["service"]), (&"r-1".into(), &"case-command".into()));
    assert_eq!(line["trace_id"], "d1111111111111111111111111111111");
    assert!(line["location"].as_str().unwrap().contains("telemetry.rs"), "{line}");
}
