//! Further attempts: which calls get them, when, how many.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use rpc_error::Reason;
use service_kit::client::policy::{Budget, Repetition, Retry};
use service_kit::identity::Identity;
use service_kit::program::Process;
use service_kit::settings::{AuthMode, Settings};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request};

use super::scripted::{Scripted, Step, busy};
use super::{Always, CLERK, Client, Policy, RETRY, RETRYING, failed};
use crate::collector::collector;
use crate::probe::ECHO;

const UNAVAILABLE: Step = Step::Fail(Code::Unavailable);

#[tokio::test]
async fn a_repeatable_call_is_tried_again_until_it_succeeds() {
    for step in [UNAVAILABLE, Step::FailInTrailers(Code::Unavailable), Step::ResetInAnswer, Step::Cut] {
        let server = Scripted::start([step.clone(), Step::Answer]).await;
        assert_eq!(Client::new(&RETRYING, &server.url()).echo().await.unwrap(), "hello", "{step:?}");
        assert_eq!(server.count(), 2, "{step:?}");
    }
}

#[tokio::test]
async fn a_call_that_may_not_be_repeated_never_is() {
    for step in [UNAVAILABLE, Step::ResetInAnswer, busy(Reason::Overloaded, Duration::ZERO)] {
        let server = Scripted::start([step.clone(), Step::Answer]).await;
        Client::new(&RETRYING, &server.url()).once().await.unwrap_err();
        assert_eq!(server.count(), 1, "{step:?}");
        // The control: the same server, a repeatable call.
        let server = Scripted::start([step.clone(), Step::Answer]).await;
        Client::new(&RETRYING, &server.url()).echo().await.unwrap();
        assert_eq!(server.count(), 2, "{step:?}");
    }
}

#[tokio::test]
async fn a_stream_is_never_opened_twice() {
    let server = Scripted::start([UNAVAILABLE, Step::Open]).await;
    Client::new(&RETRYING, &server.url()).stream().await.unwrap_err();
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn only_transient_failures_are_worth_another_attempt() {
    let hopeless = [
        Step::Fail(Code::Internal),
        Step::Fail(Code::Unknown),
        Step::Fail(Code::DeadlineExceeded),
        Step::Fail(Code::NotFound),
        Step::Fail(Code::Unauthenticated),
        Step::Fail(Code::ResourceExhausted),
        busy(Reason::MessageTooLarge, Duration::ZERO),
    ];
    for step in hopeless {
        let server = Scripted::start([step.clone(), Step::Answer]).await;
        Client::new(&RETRYING, &server.url()).echo().await.unwrap_err();
        assert_eq!(server.count(), 1, "{step:?}");
    }
}

#[tokio::test]
async fn attempts_end_and_are_counted() {
    let server = Scripted::start([UNAVAILABLE]).await;
    let identity = Identity { name: "clerk-counting" };
    let client = Client::named(identity, &RETRYING, &server.url());
    let status = client.echo().await.unwrap_err();
    assert_eq!((server.count(), failed(&status).attempts), (3, 3));
    assert_eq!(sum(identity.name, "casetracker.client.retries"), 2);
}

#[tokio::test]
async fn a_busy_server_is_left_alone_for_as_long_as_it_asks() {
    let delay = Duration::from_millis(30);
    let server = Scripted::start([busy(Reason::Overloaded, delay), Step::Answer]).await;
    Client::new(&RETRYING, &server.url()).echo().await.unwrap();
    let calls = server.calls();
    assert!(calls[1].at - calls[0].at >= delay);
}

#[tokio::test]
async fn no_attempt_is_waited_for_past_the_deadline() {
    let asks_for_a_minute = busy(Reason::Overloaded, Duration::from_mins(1));
    let server = Scripted::start([asks_for_a_minute, Step::Answer]).await;
    let mut request = Request::new("hello".to_owned());
    request.set_timeout(Duration::from_secs(10));
    // It ends at once: the test's own patience is less than the minute.
    let status = Client::new(&RETRYING, &server.url()).unary(ECHO, request).await.unwrap_err();
    assert_eq!((status.code(), server.count()), (Code::ResourceExhausted, 1));
}

#[tokio::test]
async fn all_calls_together_keep_to_the_budget() {
    const TENTH: Policy = Policy {
        repetition: Repetition::Calls(Retry { budget: Budget { per_second: 0, percent_of_calls: 10 }, ..RETRY }),
        ..RETRYING
    };
    const CALLS: usize = 50;
    let spent = async |policy: &'static Policy| {
        let server = Scripted::start([UNAVAILABLE]).await;
        let client = Client::new(policy, &server.url());
        for _ in 0..CALLS {
            client.echo().await.unwrap_err();
        }
        server.count()
    };
    assert_eq!(spent(&TENTH).await, CALLS + CALLS / 10);
    assert_eq!(spent(&RETRYING).await, CALLS * 3, "the control: a budget that has room");
}

#[tokio::test]
async fn waits_are_random_below_their_bound() {
    const SLOW: Policy = Policy {
        repetition: Repetition::Calls(Retry {
            wait_first: Duration::from_millis(40),
            wait_max: Duration::from_millis(40),
            ..RETRY
        }),
        ..RETRYING
    };
    let process = |entropy| Process { entropy: Arc::new(Always(entropy)), ..crate::probe::process() };
    for (entropy, least) in [(0xff, Duration::from_millis(40)), (0x80, Duration::from_millis(20))] {
        let server = Scripted::start([UNAVAILABLE, Step::Answer]).await;
        Client::of(&process(entropy), CLERK, &SLOW, &server.url()).echo().await.unwrap();
        let calls = server.calls();
        assert!(calls[1].at - calls[0].at >= least, "{entropy}");
    }
}

#[tokio::test]
async fn every_attempt_is_the_same_call_with_the_credentials_of_the_moment() {
    let mut settings = Settings::defaults().unwrap();
    settings.auth.mode = AuthMode::Jwt;
    settings.auth.token.replace("first".to_owned());
    let token = settings.auth.token.clone();
    let process = Process { entropy: Arc::new(Always(0)), ..Process::new(settings, CancellationToken::new()) };
    let server = Scripted::start([UNAVAILABLE, Step::Answer]).await;
    let client = Client::of(&process, CLERK, &RETRYING, &server.url());
    client.echo().await.unwrap();
    token.replace("second".to_owned());
    client.echo().await.unwrap();
    let sent = |header: &str| -> Vec<_> {
        server.calls().iter().map(|call| call.headers[header].to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(sent("authorization"), ["Bearer first", "Bearer first", "Bearer second"]);
    let ids = sent("x-request-id");
    assert_eq!(ids[0], ids[1], "one call, one id");
    assert_ne!(ids[1], ids[2]);
    assert!(server.calls().iter().all(|call| call.headers.get("x-actor-id").is_none()), "actors show who they are");
}

/// The sum of a counter.
pub(super) fn sum(scope: &str, name: &str) -> i64 {
    let metrics = collector().metrics(scope);
    let metric = metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name} in {scope}"));
    let Some(Data::Sum(sum)) = &metric.data else { panic!("{metric:?}") };
    let number = |value: &Option<Value>| match value {
        Some(Value::AsInt(number)) => *number,
        Some(Value::AsDouble(_)) | None => panic!("{metric:?}"),
    };
    sum.data_points.iter().map(|point| number(&point.value)).sum()
}
