//! The circuit breaker, over real ports.

use std::time::Duration;

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use service_kit::client::Cause;
use service_kit::client::policy::Repetition;
use service_kit::identity::Identity;
use tonic::{Code, Request};
use tonic_types::StatusExt;

use super::attempts::sum;
use super::scripted::{Scripted, Step, nobody};
use super::{Client, PROBE, Policy, as_time_flies, failed, logging, skip};
use crate::collector::{attribute, collector};
use crate::probe::{ECHO, Lines};

/// Opens after three failures, for 30 seconds.
const BREAKING: Policy = Policy { repetition: Repetition::Never("tests"), ..PROBE };
const OPEN_FOR: Duration = Duration::from_secs(30);
const FAIL: Step = Step::Fail(Code::Unavailable);

async fn fail_times(client: &Client, times: usize) {
    for _ in 0..times {
        client.echo().await.unwrap_err();
    }
}

#[tokio::test]
async fn a_dependency_that_keeps_failing_is_left_alone_and_taken_back() {
    let identity = Identity { name: "clerk-breaking" };
    let lines = Lines::default();
    let _default = logging(&lines);
    let server = Scripted::start([FAIL, FAIL, FAIL, FAIL, Step::Answer]).await;
    let client = Client::named(identity, &BREAKING, &server.url());
    assert_eq!((client.outgoing.report().breaker, gauge(identity.name)), ("closed", 0));
    fail_times(&client, 3).await;
    assert_eq!((client.outgoing.report().breaker, gauge(identity.name)), ("open", 1));
    let status = client.echo().await.unwrap_err();
    assert_eq!((status.code(), server.count()), (Code::Unavailable, 3), "it is not asked");
    let Cause::CircuitOpen { retry_after } = failed(&status).cause else { panic!("{status:?}") };
    assert_eq!(status.get_error_details().retry_info().unwrap().retry_delay, Some(retry_after));
    skip(OPEN_FOR).await;
    fail_times(&client, 1).await;
    assert_eq!((client.outgoing.report().breaker, server.count()), ("open", 4), "the trial failed");
    skip(OPEN_FOR).await;
    client.echo().await.unwrap();
    assert_eq!((client.outgoing.report().breaker, gauge(identity.name)), ("closed", 0));
    // Open, half-open, open, half-open, closed.
    assert_eq!(sum(identity.name, "casetracker.client.breaker.transitions"), 5);
    assert_eq!((lines.of("circuit_opened").len(), lines.of("circuit_closed").len()), (2, 1));
    assert_eq!(lines.of("circuit_opened")[0]["dependency"], "probe");
}

#[tokio::test]
async fn a_server_that_nobody_reaches_opens_it_for_streams_too() {
    let client = Client::new(&BREAKING, &nobody());
    for _ in 0..3 {
        client.stream().await.unwrap_err();
    }
    assert_eq!(client.outgoing.report().breaker, "open");
    assert!(matches!(failed(&client.stream().await.unwrap_err()).cause, Cause::CircuitOpen { .. }));
}

#[tokio::test]
async fn refusals_and_flapping_keep_it_closed() {
    let refusals = [Code::NotFound, Code::ResourceExhausted, Code::Unauthenticated, Code::FailedPrecondition];
    let server = Scripted::start(refusals.map(Step::Fail)).await;
    let client = Client::new(&BREAKING, &server.url());
    fail_times(&client, 8).await;
    assert_eq!((client.outgoing.report().breaker, server.count()), ("closed", 8));
    let flapping = std::iter::repeat_n([FAIL, FAIL, Step::Answer], 4).flatten();
    let server = Scripted::start(flapping).await;
    let client = Client::new(&BREAKING, &server.url());
    for _ in 0..12 {
        let _ = client.echo().await;
    }
    assert_eq!((client.outgoing.report().breaker, server.count()), ("closed", 12));
}

#[tokio::test]
async fn impatient_callers_cannot_open_it_for_others() {
    let server = Scripted::start([Step::Hang]).await;
    let client = Client::new(&BREAKING, &server.url());
    for _ in 0..5 {
        let mut request = Request::new("hello".to_owned());
        request.set_timeout(Duration::from_millis(1));
        let status = client.unary(ECHO, request).await.unwrap_err();
        assert_eq!(failed(&status).cause, Cause::DeadlinePassed);
    }
    assert_eq!(client.outgoing.report().breaker, "closed");
    as_time_flies(fail_times(&client, 3)).await;
    assert_eq!(client.outgoing.report().breaker, "open", "the control: silence for the whole time does");
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_the_trial_to_another() {
    let server = Scripted::start([FAIL, FAIL, FAIL, Step::Hang, Step::Answer]).await;
    let client = Client::new(&BREAKING, &server.url());
    fail_times(&client, 3).await;
    skip(OPEN_FOR).await;
    let caller = client.clone();
    let trial = tokio::spawn(async move { caller.echo().await });
    server.reached(4).await;
    client.echo().await.unwrap_err();
    assert_eq!(server.count(), 4, "one trial is enough");
    trial.abort();
    trial.await.unwrap_err();
    assert_eq!(client.outgoing.report().breaker, "half-open");
    client.echo().await.unwrap();
    assert_eq!(client.outgoing.report().breaker, "closed");
}

#[tokio::test]
async fn timeouts_are_counted_by_dependency() {
    let identity = Identity { name: "clerk-waiting" };
    let server = Scripted::start([Step::Answer, Step::Hang]).await;
    let client = Client::named(identity, &BREAKING, &server.url());
    client.echo().await.unwrap();
    as_time_flies(fail_times(&client, 2)).await;
    assert_eq!(sum(identity.name, "casetracker.client.timeouts"), 2);
}

/// The state of the circuit as the metric shows it.
fn gauge(scope: &str) -> i64 {
    let metrics = collector().metrics(scope);
    let metric = metrics.iter().find(|metric| metric.name == "casetracker.client.breaker.state").expect("a gauge");
    let Some(Data::Gauge(gauge)) = &metric.data else { panic!("{metric:?}") };
    let [point] = gauge.data_points.as_slice() else { panic!("{gauge:?}") };
    assert_eq!(attribute(&point.attributes, "dependency"), "probe");
    let Some(Value::AsInt(number)) = point.value else { panic!("{point:?}") };
    number
}
