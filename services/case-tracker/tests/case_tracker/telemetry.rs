//! What an operator sees of one request.

use std::collections::BTreeSet;

use case_api::pb::{AuditEvent, ListAuditEventsRequest, TransitionCaseRequest};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value::AsInt;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use test_support::{Caller, Collector, MetricSeen, SpanSeen, poll_until};

use crate::system::{AUDIT, COMMAND, QUERY, System, creation, one, transition};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const REMOTE_SPAN: [u8; 8] = [0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7];
const TRANSPORT: &str = "casetracker.v1.CaseCommandService/TransitionCase";

fn caller() -> Caller {
    Caller::actor("amira").with("x-request-id", "req-77")
}

/// Creates a case, and moves it in the trace of the caller.
async fn move_a_case(system: &System, title: &str, reason: &str) {
    system.commands(caller()).create_case(creation(title, "")).await.unwrap();
    let traced = caller().with("traceparent", &format!("00-{TRACE_ID}-00f067aa0ba902b7-01"));
    let request = TransitionCaseRequest { reason: reason.to_owned(), ..transition("CASE-001", "SUBMITTED", "") };
    system.commands(traced).transition_case(request).await.unwrap();
}

/// The one span of a service with this name.
fn only<'a>(spans: &'a [SpanSeen], scope: &str, name: &str) -> &'a SpanSeen {
    let found: Vec<_> = spans.iter().filter(|seen| seen.scope == scope && seen.span.name == name).collect();
    assert_eq!(found.len(), 1, "spans of {scope} named {name}");
    found[0]
}

/// The journey of one transition: transport, service and store of the command, and both consumers below the service.
fn check_journey(spans: &[SpanSeen]) {
    let transport = only(spans, COMMAND, TRANSPORT);
    assert_eq!((transport.span.kind(), transport.span.parent_span_id.as_slice()), (SpanKind::Server, &REMOTE_SPAN[..]));
    let service = only(spans, COMMAND, "command.transition_case");
    assert_eq!(service.span.parent_span_id, transport.span.span_id);
    for (scope, below) in [(COMMAND, "store.append"), (QUERY, "query.project"), (AUDIT, "audit.record")] {
        assert_eq!(only(spans, scope, below).span.parent_span_id, service.span.span_id, "{below}");
    }
    let known: BTreeSet<_> = spans.iter().map(|seen| seen.span.span_id.clone()).collect();
    let roots: Vec<_> = spans.iter().filter(|seen| !known.contains(&seen.span.parent_span_id)).collect();
    assert_eq!(roots.len(), 1, "one root");
}

fn is_complete(spans: &[SpanSeen]) -> bool {
    let has = |name: &str| spans.iter().any(|seen| seen.span.name == name);
    [TRANSPORT, "store.append", "query.project", "audit.record"].into_iter().all(has)
}

#[tokio::test]
async fn one_transition_is_one_trace_across_three_processes_without_case_text() {
    let collector = Collector::start().await;
    let endpoint = collector.endpoint();
    let mut system = System::apart(&[("CASE_TRACKER__TELEMETRY__OTLP_ENDPOINT", &endpoint)]).await;
    move_a_case(&system, "canary-title", "canary-reason").await;
    let spans = collector.trace(TRACE_ID, is_complete).await;
    check_journey(&spans);
    for (name, service) in [(TRANSPORT, COMMAND), ("query.project", QUERY), ("audit.record", AUDIT)] {
        assert_eq!(only(&spans, service, name).service, service);
    }
    let lines = system.lines().join("\n");
    system.stop().await;
    let everything = collector.everything();
    assert!(!everything.contains("canary") && !lines.contains("canary"), "case text was told");
    assert!(everything.contains("CASE-001") && lines.contains("CASE-001"), "control: the case is named");
}

/// What a counter of case-command says in the end: its labels, and how often.
fn counted(collector: &Collector, name: &str) -> Vec<(Vec<(String, String)>, i64)> {
    let named = |seen: &MetricSeen| seen.scope == COMMAND && seen.metric.name == name;
    let Some(Data::Sum(sum)) = collector.metrics().into_iter().rfind(named).and_then(|seen| seen.metric.data) else {
        return Vec::new();
    };
    let label = |pair: &KeyValue| match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(StringValue(text)) => (pair.key.clone(), text.clone()),
        other => panic!("a label that is no text: {other:?}"),
    };
    let count = |value| if let Some(AsInt(count)) = value { count } else { panic!("no count: {value:?}") };
    let point = |point: &opentelemetry_proto::tonic::metrics::v1::NumberDataPoint| {
        (point.attributes.iter().map(label).collect(), count(point.value))
    };
    sum.data_points.iter().map(point).collect()
}

/// The audit events, once there are two.
async fn evidence(system: &System) -> Vec<AuditEvent> {
    poll_until("the audit events", || async {
        let listed = system.audit(caller()).list_audit_events(ListAuditEventsRequest::default()).await.unwrap();
        let events = listed.into_inner().audit_events;
        (events.len() == 2).then_some(events)
    })
    .await
}

#[tokio::test]
async fn one_transition_leaves_a_log_line_a_count_a_trace_and_evidence() {
    let collector = Collector::start().await;
    let endpoint = collector.endpoint();
    let mut system = System::all_in_one(&[("CASE_TRACKER__TELEMETRY__OTLP_ENDPOINT", &endpoint)]).await;
    move_a_case(&system, "t", "ready for review").await;
    let event = evidence(&system).await.remove(1);
    check_journey(&collector.trace(TRACE_ID, is_complete).await);
    let moved = |line: &String| line.contains(r#""event":"case_transitioned""#) && line.contains(TRACE_ID);
    poll_until("the line", || async { system.lines().iter().any(moved).then_some(()) }).await;
    let forbidden = transition("CASE-001", "CLOSED", "");
    system.commands(caller()).transition_case(forbidden).await.unwrap_err();
    system.stop().await;

    assert_eq!((event.case_id.as_str(), event.actor_id.as_str()), ("CASE-001", "amira"));
    assert_eq!((event.request_id.as_str(), event.trace_id.as_str()), ("req-77", TRACE_ID));
    assert!(event.reason == "ready for review" && event.time.is_some_and(|time| time.seconds > 0), "{event:?}");
    let labelled = |key: &str, value: &str| vec![(vec![(key.to_owned(), value.to_owned())], 1)];
    assert_eq!(counted(&collector, "case_transition_total"), labelled("to_status", "SUBMITTED"));
    assert_eq!(counted(&collector, "case_created_total"), [(Vec::new(), 1)]);
    assert_eq!(counted(&collector, "case_command_rejected_total"), labelled("reason", "TRANSITION_NOT_ALLOWED"));
}

#[tokio::test]
async fn in_one_process_each_service_has_a_scope_of_its_own_and_metrics_arrive() {
    let collector = Collector::start().await;
    let endpoint = collector.endpoint();
    let mut system = System::all_in_one(&[("CASE_TRACKER__TELEMETRY__OTLP_ENDPOINT", &endpoint)]).await;
    move_a_case(&system, "t", "").await;
    let spans = collector.trace(TRACE_ID, is_complete).await;
    check_journey(&spans);
    assert!(spans.iter().all(|seen| seen.service == "case-tracker"));
    system.stop().await;
    let metrics = collector.metric_names();
    for (scope, name) in [
        (COMMAND, "case_transition_total"),
        (COMMAND, "case_created_total"),
        (COMMAND, "rpc.server.call.duration"),
        (COMMAND, "db.client.operation.duration"),
        (AUDIT, "audit_events_recorded_total"),
    ] {
        assert!(metrics.contains(&(scope.to_owned(), name.to_owned())), "{scope} {name} in {metrics:?}");
    }
}

#[tokio::test]
async fn commands_that_meet_an_obstacle_are_no_rejections_and_those_that_find_the_queue_full_are_counted_as_shed() {
    let collector = Collector::start().await;
    let settings = [
        ("CASE_TRACKER__TELEMETRY__OTLP_ENDPOINT", collector.endpoint()),
        ("CASE_TRACKER__COMMAND__AUDIT_MAX_BACKLOG", "1".to_owned()),
        ("CASE_TRACKER__LIMITS__COMMANDS_QUEUED", "1".to_owned()),
    ];
    let settings: Vec<_> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let folder = tempfile::tempdir().unwrap();
    let process = one(folder.path().to_owned(), COMMAND, &settings).start().await;
    let transcript = process.transcript();
    let mut client = caller().commands(process.address(COMMAND));
    client.create_case(creation("a", "")).await.unwrap();
    // Nobody records it.
    client.create_case(creation("b", "")).await.unwrap_err();
    client.create_case(creation("", "")).await.unwrap_err();
    let of = |event: &'static str| {
        let transcript = &transcript;
        poll_until(event, move || async move { transcript.of(event).pop() })
    };
    let obstructed = of("command_obstructed").await;
    let said = ["level", "dependency", "operation", "reason"].map(|field| obstructed[field].as_str().unwrap());
    assert_eq!(said, ["WARN", "case-audit", "append", "AUDIT_BACKLOG_FULL"], "{obstructed}");
    assert_eq!(of("command_rejected").await["reason"], "VALIDATION_FAILED", "the control");
    assert_eq!(transcript.of("command_rejected").len(), 1);

    let other = rusqlite::Connection::open(folder.path().join("command.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let calls: Vec<_> = (0..32)
        .map(|_| {
            let mut client = client.clone();
            tokio::spawn(async move { client.create_case(creation("c", "")).await.unwrap_err().code() })
        })
        .collect();
    poll_until("a call that is over", || async {
        calls.iter().any(tokio::task::JoinHandle::is_finished).then_some(())
    })
    .await;
    other.execute_batch("ROLLBACK").unwrap();
    let mut shed = 0;
    for call in calls {
        shed += i64::from(call.await.unwrap() == tonic::Code::ResourceExhausted);
    }
    assert!(process.terminate().await.success());
    assert!(shed > 0);
    let cause = vec![("cause".to_owned(), "queue".to_owned())];
    assert_eq!(counted(&collector, "rpc.server.shed_requests"), [(cause, shed)]);
}

#[tokio::test]
async fn what_is_committed_is_logged_though_its_caller_has_gone() {
    const CALLERS: u64 = 200;
    let mut system = System::all_in_one(&[]).await;
    let client = system.commands(caller());
    let calls: Vec<_> = (0..CALLERS)
        .map(|n| {
            let mut client = client.clone();
            // Each caller loses patience a little later than the one before, somewhere on the way of its command.
            let patience = std::time::Duration::from_micros(n * 50);
            tokio::spawn(
                async move { tokio::time::timeout(patience, client.create_case(creation("t", ""))).await.is_ok() },
            )
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let logged = || system.lines().iter().filter(|line| line.contains(r#""event":"case_created""#)).count();
    // Commands of callers who have gone may still be on their way; once they have arrived, the next number tells how many
    // there are, and a line that is missing is missing for good.
    poll_until("as many lines as cases", || async {
        let next =
            system.commands(caller()).create_case(creation("next", "")).await.unwrap().into_inner().case.unwrap();
        let created: usize = next.case_id.trim_start_matches("CASE-").parse().unwrap();
        poll_until("the line of the latest case", || async { (logged() >= created).then_some(()) }).await;
        (logged() == created).then_some(())
    })
    .await;
    system.stop().await;
}

#[tokio::test]
async fn the_log_line_of_a_transition_reads_alone() {
    let mut system = System::all_in_one(&[]).await;
    move_a_case(&system, "t", "").await;
    let line = poll_until("the log line", || async {
        let lines = system.lines();
        lines
            .iter()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find(|line| line["event"] == "case_transitioned")
    })
    .await;
    let expected = [
        ("level", "INFO"),
        ("service", COMMAND),
        ("case_id", "CASE-001"),
        ("from_status", "DRAFT"),
        ("to_status", "SUBMITTED"),
        ("request_id", "req-77"),
        ("trace_id", TRACE_ID),
        ("outcome", "accepted"),
    ];
    for (key, value) in expected {
        assert_eq!(line[key], value, "{key} in {line}");
    }
    assert!(line["duration_ms"].as_f64().is_some() && line["span_id"].as_str().is_some_and(|id| id.len() == 16));
    assert!(line["timestamp"].as_str().is_some() && line["target"].as_str().is_some());
    system.stop().await;
}
