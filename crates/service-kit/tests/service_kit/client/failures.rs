//! What a caller is told when a dependency is dead, silent, slow, broken or of another opinion.

use std::time::Duration;

use rpc_error::{Failure, Reason};
use service_kit::client::Cause;
use tonic::{Code, Request};
use tonic_types::StatusExt;

use super::scripted::{Scripted, Step, black_hole, nobody};
use super::{Client, ONCE, PLAIN, Policy, as_time_flies, failed, logging, skip};
use crate::probe::{ECHO, Lines, in_time, process};
use service_kit::client::policy::Logged;
use service_kit::client::policy::Severity;

#[tokio::test]
async fn a_dead_dependency_is_named_with_the_operation_and_the_innermost_cause() {
    let client = Client::new(&PLAIN, &nobody());
    let status = client.echo().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let error = failed(&status);
    assert_eq!((error.dependency, &*error.operation), ("probe", "test.v1.Probe/Echo"));
    assert_eq!((error.cause, error.code, error.attempts), (Cause::Unreachable, Code::Unavailable, 1));
    assert!(error.reason.contains("refused"), "{error:?}");
    let info = status.get_error_details();
    assert_eq!(info.error_info().unwrap().metadata["dependency"], "probe");
    assert!(client.outgoing.report().last_failure.contains("refused"));
}

#[tokio::test]
async fn a_silent_dependency_is_given_up_after_the_time_of_its_policy() {
    let url = format!("http://{}", black_hole().await);
    let status = as_time_flies(Client::new(&PLAIN, &url).echo()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(failed(&status).cause, Cause::TimedOut { limit: PLAIN.call_timeout });
    assert!(failed(&status).spent >= PLAIN.call_timeout);
    let server = Scripted::start([Step::Answer]).await;
    let answer = as_time_flies(Client::new(&PLAIN, &server.url()).echo()).await;
    assert_eq!(answer.unwrap(), "hello", "the same, with an answer");
}

#[tokio::test]
async fn half_an_answer_is_none() {
    for step in [Step::Hang, Step::HangInAnswer] {
        let server = Scripted::start([step.clone()]).await;
        let status = as_time_flies(Client::new(&PLAIN, &server.url()).once()).await.unwrap_err();
        assert_eq!(failed(&status).cause, Cause::TimedOut { limit: PLAIN.call_timeout }, "{step:?}");
        assert_eq!(server.count(), 1, "{step:?}");
    }
    for step in [Step::ResetInAnswer, Step::Cut] {
        let server = Scripted::start([step.clone()]).await;
        let status = Client::new(&PLAIN, &server.url()).once().await.unwrap_err();
        assert_eq!((failed(&status).cause, status.code()), (Cause::Unreachable, Code::Unavailable), "{step:?}");
    }
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read() {
    let bytes_max = process().settings.limits.message_bytes;
    let server = Scripted::start([Step::Zeros(bytes_max + 1)]).await;
    let status = Client::new(&PLAIN, &server.url()).echo().await.unwrap_err();
    assert_eq!((failed(&status).cause, status.code()), (Cause::TooLarge, Code::Unavailable));
}

#[tokio::test]
async fn a_failure_counts_wherever_the_status_stands() {
    for step in [Step::Fail(Code::Internal), Step::FailInTrailers(Code::Internal)] {
        let server = Scripted::start([step]).await;
        let status = Client::new(&PLAIN, &server.url()).echo().await.unwrap_err();
        let error = failed(&status);
        assert_eq!((error.cause, error.code, status.code()), (Cause::Failed, Code::Internal, Code::Unavailable));
    }
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_comes_through_as_it_is() {
    let refusal = Failure::new(Reason::CaseNotFound, "no such case").with_metadata("case_id", "CASE-007");
    let server = Scripted::start([Step::Refuse(refusal), Step::FailInTrailers(Code::Aborted)]).await;
    let client = Client::new(&PLAIN, &server.url());
    let status = client.echo().await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "no such case"));
    assert_eq!(status.get_error_details().error_info().unwrap().metadata["case_id"], "CASE-007");
    assert!(service_kit::client::CallError::of(&status).is_none());
    assert_eq!(client.echo().await.unwrap_err().code(), Code::Aborted);
    assert_eq!(client.outgoing.report().last_failure, "");
}

#[tokio::test]
async fn being_refused_ourselves_is_not_the_fault_of_our_caller() {
    let lines = Lines::default();
    let _default = logging(&lines);
    let server = Scripted::start([Step::Fail(Code::Unauthenticated)]).await;
    let status = Client::new(&PLAIN, &server.url()).echo().await.unwrap_err();
    assert_eq!((failed(&status).cause, status.code()), (Cause::Denied, Code::Unavailable));
    assert_eq!(lines.of("dependency_failed")[0]["level"], "ERROR", "somebody has to look");
}

#[tokio::test]
async fn a_failure_is_logged_once_where_the_policy_says() {
    const BY_ITS_USER: Policy =
        Policy { logged: Logged::ByItsUser { event: "noticed", severity: Severity::Warn }, ..PLAIN };
    let lines = Lines::default();
    let _default = logging(&lines);
    let server = Scripted::start([Step::Fail(Code::Unavailable)]).await;
    Client::new(&PLAIN, &server.url()).echo().await.unwrap_err();
    let found = lines.of("dependency_failed");
    assert_eq!(found.len(), 1);
    let line = &found[0];
    assert_eq!((&line["level"], &line["dependency"]), (&"WARN".into(), &"probe".into()));
    assert_eq!(line["operation"], "test.v1.Probe/Echo");
    assert_eq!((&line["timeout_ms"], &line["error.type"]), (&10_000.into(), &"UNAVAILABLE".into()));
    assert!(line["reason"].as_str().unwrap().contains("as the script says"), "{line}");
    Client::new(&BY_ITS_USER, &server.url()).echo().await.unwrap_err();
    let severe = lines.of("dependency_failed").into_iter().filter(|line| line["level"] != "DEBUG").count();
    assert_eq!(severe, 1, "whoever uses this one logs it");
}

#[tokio::test]
async fn the_deadline_of_the_request_goes_before_the_time_of_the_policy() {
    let server = Scripted::start([Step::Hang]).await;
    let client = Client::new(&PLAIN, &server.url());
    let mut request = Request::new("hello".to_owned());
    request.set_timeout(Duration::from_secs(5));
    let status = as_time_flies(client.unary(ECHO, request)).await.unwrap_err();
    assert_eq!((status.code(), failed(&status).cause), (Code::DeadlineExceeded, Cause::DeadlinePassed));
    let told = server.calls()[0].headers["grpc-timeout"].to_str().unwrap().to_owned();
    let micros: u32 = told.strip_suffix('u').unwrap().parse().unwrap();
    assert!(micros <= 5_000_000, "{told}");
}

#[tokio::test]
async fn the_dependency_is_told_the_time_of_the_policy_and_streams_are_told_none() {
    let server = Scripted::start([Step::Answer, Step::Open]).await;
    let client = Client::new(&PLAIN, &server.url());
    client.once().await.unwrap();
    let stream = client.stream().await.unwrap();
    let calls = server.calls();
    let told = calls[0].headers["grpc-timeout"].to_str().unwrap();
    assert!(told.strip_suffix('u').unwrap().parse::<u32>().unwrap() <= 10_000_000, "{told}");
    assert!(calls[1].headers.get("grpc-timeout").is_none());
    drop(stream);
}

#[tokio::test]
async fn past_its_deadline_a_request_asks_nobody() {
    let server = Scripted::start([Step::Answer]).await;
    let client = Client::new(&PLAIN, &server.url());
    let mut request = Request::new("hello".to_owned());
    request.set_timeout(Duration::ZERO);
    let status = client.unary(ONCE, request).await.unwrap_err();
    assert_eq!((failed(&status).cause, failed(&status).attempts), (Cause::DeadlinePassed, 0));
    assert_eq!(server.count(), 0);
    client.once().await.unwrap();
    assert_eq!(server.count(), 1, "with time it is asked");
}

#[tokio::test]
async fn a_stream_may_outlive_the_time_in_which_it_had_to_begin() {
    let server = Scripted::start([Step::Open, Step::Hang]).await;
    let mut stream = Client::new(&PLAIN, &server.url()).stream().await.unwrap();
    assert_eq!(in_time(stream.message()).await.unwrap().as_deref(), Some("hello"));
    skip(PLAIN.call_timeout * 2).await;
    let nothing_more = tokio::time::timeout(Duration::from_millis(50), stream.message()).await;
    assert!(nothing_more.is_err(), "it neither ends nor fails: {nothing_more:?}");
    let status = as_time_flies(Client::new(&PLAIN, &server.url()).stream()).await.unwrap_err();
    assert_eq!(failed(&status).cause, Cause::TimedOut { limit: PLAIN.call_timeout }, "one that never begins");
}
