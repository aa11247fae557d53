//! The logging policy (R12) where cases and processes are: its moments, driven through three processes, and every line judged.
//! What the host alone can show (a bug) is in `crates/service-kit/tests`.

use std::collections::BTreeSet;

use case_api::pb::GetCaseRequest;
use serde_json::Value;
use service_kit::telemetry::policy::{EVERY_LINE, LOGGED, Logged, Moment, POLICY};
use test_support::{Caller, ServerProcess, Transcript, poll_until};

use crate::system::{AUDIT, COMMAND, QUERY, all_in_one, creation, one, transition};

/// Every event of the workspace that belongs to a moment.
fn logged() -> Vec<Logged> {
    let services = [&case_command::LOGGED[..], &case_query::LOGGED, &case_audit::LOGGED];
    let shared = [&LOGGED[..], &event_feed::names::LOGGED, &store_failure::names::LOGGED];
    services.concat().into_iter().chain(shared.concat()).collect()
}

/// The moments that these processes are driven through. The other one, a bug, is the host's test.
const DRIVEN: [Moment; 9] = [
    Moment::ServiceStart,
    Moment::ServiceShutdown,
    Moment::RequestStart,
    Moment::RequestEnd,
    Moment::DomainSuccess,
    Moment::DomainRejection,
    Moment::DependencyFailure,
    Moment::SecurityEvent,
    Moment::Internals,
];

async fn drive(command: &ServerProcess, query: &ServerProcess) {
    let caller = || Caller::actor("amira").with("x-request-id", "req-77");
    let mut commands = caller().commands(command.address(COMMAND));
    commands.create_case(creation("t", "k")).await.unwrap();
    commands.create_case(creation("t", "k")).await.unwrap();
    commands.transition_case(transition("CASE-001", "SUBMITTED", "")).await.unwrap();
    commands.transition_case(transition("CASE-001", "CLOSED", "")).await.unwrap_err();
    commands.create_case(creation("", "")).await.unwrap_err();
    Caller::nobody().commands(command.address(COMMAND)).create_case(creation("t", "")).await.unwrap_err();
    let missing = GetCaseRequest { case_id: "CASE-999".to_owned(), ..GetCaseRequest::default() };
    caller().queries(query.address(QUERY)).get_case(missing).await.unwrap_err();
}

fn parsed(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// What is wrong with a line: whatever it is about, and as a line of its moment.
fn breaches(line: &Value, moment: Option<Moment>) -> Vec<String> {
    let field = |name: &str| line.get(name).map(ToString::to_string);
    let missing = EVERY_LINE.iter().filter(|name| field(name).is_none()).map(|name| format!("no {name}"));
    let rule = moment.and_then(Moment::rule);
    let of_moment = rule.map(|rule| rule.breaches(line["level"].as_str().unwrap_or_default(), field));
    missing.chain(of_moment.unwrap_or_default()).map(|breach| format!("{breach}: {line}")).collect()
}

#[tokio::test]
async fn every_moment_of_the_policy_is_logged_as_it_says() {
    assert_eq!(DRIVEN.len() + 1, POLICY.len(), "a moment that nobody drives");
    let folder = tempfile::tempdir().unwrap();
    let debug = [("CASE_TRACKER__LOG__LEVEL", "debug")];
    let command = one(folder.path().to_owned(), COMMAND, &debug).start().await;
    let feed_url = format!("http://{}", command.address(COMMAND));
    let following = |name: &'static str, key: &'static str| {
        let mut spec = one(folder.path().to_owned(), name, &debug);
        spec.environment.push((key.to_owned(), feed_url.clone()));
        async move { spec.start().await }
    };
    let query = following(QUERY, "CASE_TRACKER__QUERY__FEED_URL").await;
    let audit = following(AUDIT, "CASE_TRACKER__AUDIT__FEED_URL").await;
    let transcripts: Vec<Transcript> = [&command, &query, &audit].map(ServerProcess::transcript).into();
    drive(&command, &query).await;
    poll_until("the record", || async { (transcripts[2].of("audit_event_recorded").len() >= 2).then_some(()) }).await;
    command.kill().await;
    poll_until("the break", || async { (!transcripts[1].of("feed_disconnected").is_empty()).then_some(()) }).await;
    for process in [query, audit] {
        assert_eq!(process.terminate().await.code(), Some(0));
    }
    for ended in &transcripts[1..] {
        poll_until("the last line", || async { (!ended.of("service_shutdown").is_empty()).then_some(()) }).await;
    }
    let lines: Vec<Value> = transcripts.iter().flat_map(|transcript| parsed(&transcript.lines())).collect();
    let logged = logged();
    let moment = |line: &Value| logged.iter().find(|logged| line["event"] == logged.event).map(|logged| logged.moment);
    let wrong: Vec<_> = lines.iter().flat_map(|line| breaches(line, moment(line))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let seen: BTreeSet<Moment> = lines.iter().filter_map(moment).collect();
    // A library of ours may have nothing unnamed to say at DEBUG; the record of an event is the sign for internals.
    assert_eq!(seen, BTreeSet::from(DRIVEN));
}

#[test]
fn a_line_without_its_fields_is_noticed() {
    let line: Value = serde_json::json!({ "event": "case_created", "level": "WARN", "case_id": "CASE-001" });
    let found = breaches(&line, Some(Moment::DomainSuccess)).join("\n");
    for part in ["no timestamp", "not at WARN", "needs the field duration_ms", "needs the field request_id"] {
        assert!(found.contains(part), "{part} in {found}");
    }
}

#[tokio::test]
async fn all_in_one_each_line_names_its_service() {
    let folder = tempfile::tempdir().unwrap();
    let process = all_in_one(folder.path().to_owned(), &[]).start().await;
    let transcript = process.transcript();
    let mut commands = Caller::actor("amira").commands(process.address(COMMAND));
    commands.create_case(creation("t", "")).await.unwrap();
    poll_until("the line", || async { (!transcript.of("case_created").is_empty()).then_some(()) }).await;
    assert_eq!(transcript.of("case_created")[0]["service"], COMMAND);
    assert_eq!(transcript.of("service_started")[0]["service"], "case-tracker");
    assert!(process.terminate().await.success());
}
