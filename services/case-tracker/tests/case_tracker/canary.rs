//! What people write about cases, and what proves who they are, stays where it belongs: in the stores.

use case_api::pb::{AddCommentRequest, AssignCaseRequest, Case, CreateCaseRequest, GetCaseRequest, ListCasesRequest};
use case_api::pb::{TransitionCaseRequest, UpdateCaseRequest};
use prost_types::{Struct, Value, value::Kind};
use test_support::{Caller, Collector, ServerProcess, Transcript, poll_until};
use tonic::Status;
use tonic_types::StatusExt;

use crate::system::{COMMAND, QUERY, all_in_one, creation, transition};

/// Stands in everything that must not be told.
const CANARY: &str = "canary";

/// Stands in what may be told: if it is not found, the search finds nothing.
const CONTROL: &str = "visible-control";

/// Secrets of the configuration, each with a canary in it.
const SECRETS: [(&str, &str); 2] = [
    ("CASE_TRACKER__TELEMETRY__OTLP_HEADERS", "x-collector=canary-collector"),
    ("CASE_TRACKER__AUTH__TOKEN", "canary-service-token"),
];

fn caller() -> Caller {
    let caller = Caller::actor("amira").with("x-request-id", CONTROL);
    caller
        .with("authorization", "Bearer canary-token")
        .with("cookie", "session=canary-cookie")
        .with("x-anything", "canary-metadata")
        .with("tracestate", "canary")
}

fn fields() -> Struct {
    let value = Value { kind: Some(Kind::StringValue("canary-custom-value".to_owned())) };
    Struct { fields: [("canary_key".to_owned(), value)].into() }
}

fn full_case(title: &str) -> Case {
    let description = "canary-description".to_owned();
    Case { title: title.to_owned(), description, custom_fields: Some(fields()), ..Case::default() }
}

fn told(status: &Status) -> String {
    format!("{status:?} {:?} {:?}", status.get_error_details(), status.metadata())
}

/// Writes canaries into everything that people write.
async fn write_canaries(process: &ServerProcess) {
    let mut commands = caller().commands(process.address(COMMAND));
    let create = CreateCaseRequest {
        case: Some(full_case("canary-title")),
        idempotency_key: "canary-key".to_owned(),
        ..CreateCaseRequest::default()
    };
    commands.create_case(create.clone()).await.unwrap();
    commands.create_case(create).await.unwrap();
    let case = Case { case_id: "CASE-001".to_owned(), ..full_case("canary-title-2") };
    let reason = || "canary-reason".to_owned();
    let update = UpdateCaseRequest { case: Some(case), reason: reason(), ..UpdateCaseRequest::default() };
    commands.update_case(update).await.unwrap();
    let comment = AddCommentRequest {
        case_id: "CASE-001".to_owned(),
        body: "canary-comment".to_owned(),
        reason: reason(),
        ..AddCommentRequest::default()
    };
    commands.add_comment(comment).await.unwrap();
    let assign = AssignCaseRequest {
        case_id: "CASE-001".to_owned(),
        assignee: "citra".to_owned(),
        reason: reason(),
        ..AssignCaseRequest::default()
    };
    commands.assign_case(assign).await.unwrap();
    let moved = TransitionCaseRequest { reason: reason(), ..transition("CASE-001", "SUBMITTED", "") };
    commands.transition_case(moved).await.unwrap();
}

/// Everything that is refused although, or because, there is a canary in it.
async fn refusals(process: &ServerProcess) -> Vec<String> {
    let mut commands = caller().commands(process.address(COMMAND));
    let mut queries = caller().queries(process.address(QUERY));
    let mut found = Vec::new();
    let long = "canary ".repeat(1_000);
    found.push(told(&commands.create_case(creation(&long, &long)).await.unwrap_err()));
    let oversized = CreateCaseRequest {
        case: Some(Case { description: "canary ".repeat(1_000_000), ..full_case("t") }),
        ..CreateCaseRequest::default()
    };
    found.push(told(&commands.create_case(oversized).await.unwrap_err()));
    let reused = CreateCaseRequest {
        case: Some(full_case("canary-other")),
        idempotency_key: "canary-key".to_owned(),
        ..CreateCaseRequest::default()
    };
    found.push(told(&commands.create_case(reused).await.unwrap_err()));
    let forbidden =
        TransitionCaseRequest { reason: "canary-reason".to_owned(), ..transition("CASE-001", "CLOSED", "") };
    found.push(told(&commands.transition_case(forbidden).await.unwrap_err()));
    let consistency = case_api::pb::Consistency { at_least_as_fresh: vec!["canary-token".to_owned()] };
    let stale = GetCaseRequest { case_id: "CASE-001".to_owned(), consistency: Some(consistency) };
    found.push(told(&queries.get_case(stale).await.unwrap_err()));
    let page = ListCasesRequest { page_token: "canary-page".to_owned(), ..ListCasesRequest::default() };
    found.push(told(&queries.list_cases(page).await.unwrap_err()));
    let nobody = Caller::nobody().with("authorization", "Bearer canary-forged").with("x-request-id", CONTROL);
    found.push(told(&nobody.commands(process.address(COMMAND)).create_case(creation("t", "")).await.unwrap_err()));
    found
}

fn check(what: &str, text: &str) {
    let found = text.to_lowercase().find(CANARY);
    let around = found.map(|at| text.chars().skip(at.saturating_sub(200)).take(400).collect::<String>());
    assert_eq!(around, None, "{what} tell what they must not");
}

async fn everything_arrived(collector: &Collector, transcript: &Transcript) {
    poll_until("the spans of the consumers", || async {
        let has = |name: &str| collector.spans().iter().any(|seen| seen.span.name == name);
        (has("query.project") && has("audit.record") && collector.metric_exports() > 1).then_some(())
    })
    .await;
    poll_until("the last line", || async { (!transcript.of("credentials_refused").is_empty()).then_some(()) }).await;
}

#[tokio::test]
async fn no_canary_is_told_in_lines_at_any_level_nor_in_spans_metrics_or_errors() {
    let (collector, folder) = (Collector::start().await, tempfile::tempdir().unwrap());
    let endpoint = collector.endpoint();
    let mut settings = vec![
        ("CASE_TRACKER__TELEMETRY__OTLP_ENDPOINT", endpoint.as_str()),
        ("CASE_TRACKER__LOG__LEVEL", "trace"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "50"),
    ];
    settings.extend(SECRETS);
    let process = all_in_one(folder.path().to_owned(), &settings).start().await;
    let transcript = process.transcript();
    write_canaries(&process).await;
    let errors = refusals(&process).await;
    assert_eq!(errors.len(), 7);
    everything_arrived(&collector, &transcript).await;
    assert_eq!(collector.header("x-collector").as_deref(), Some("canary-collector"), "control: the secret is used");
    let mut queries = caller().queries(process.address(QUERY));
    let request = GetCaseRequest { case_id: "CASE-001".to_owned(), ..GetCaseRequest::default() };
    let kept = queries.get_case(request).await.unwrap().into_inner().case.unwrap();
    assert_eq!(kept.title, "canary-title-2", "control: it is kept");
    assert!(process.terminate().await.success());
    let (lines, exported, errors) = (transcript.lines().join("\n"), collector.everything(), errors.join("\n"));
    for (what, text) in [("lines", &lines), ("spans and metrics", &exported), ("errors", &errors)] {
        check(what, text);
        assert!(text.contains(CONTROL), "control: {what} tell the request id");
    }
}

#[tokio::test]
async fn no_command_of_the_configuration_prints_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    for task in ["print", "check"] {
        let mut spec = all_in_one(folder.path().to_owned(), &SECRETS);
        spec.environment.push(("CASE_TRACKER__COMMAND__CASE_ID_PREFIX".to_owned(), "CONTROL".to_owned()));
        // Not valid, and a problem report is no place for a password either.
        spec.environment.push(("CASE_TRACKER__QUERY__FEED_URL".to_owned(), "http://u:canary-password@h:1".to_owned()));
        spec.arguments = vec!["config".into(), task.into()];
        let (_, stdout, stderr) = spec.run().await;
        check(task, &format!("{stdout}{stderr}"));
        assert!(stderr.contains("feed_url") || stdout.contains("CONTROL"), "control: {stdout}{stderr}");
    }
}
