//! The health protocol, over a real port.

use service_kit::identity::Identity;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::probe::{Running, channel, host, in_time, start};

pub(crate) const SERVING: ServingStatus = ServingStatus::Serving;
const NOT_SERVING: ServingStatus = ServingStatus::NotServing;

async fn client(server: &Running) -> HealthClient<tonic::transport::Channel> {
    HealthClient::new(channel(server).await)
}

/// Asks without an actor, as every prober does.
pub(crate) async fn check(server: &Running, service: &str) -> Result<ServingStatus, Code> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = in_time(client(server).await.check(request)).await;
    answer.map(|answer| answer.into_inner().status()).map_err(|status| status.code())
}

async fn checks(server: &Running) -> [Result<ServingStatus, Code>; 5] {
    let mut answers = Vec::new();
    for name in ["liveness", "startup", "readiness", "", "test.v1.Probe"] {
        answers.push(check(server, name).await);
    }
    answers.try_into().unwrap()
}

#[tokio::test]
async fn names_say_what_they_are_for() {
    let host = host("case-test");
    let store = host.health.condition("store");
    let health = host.health.clone();
    let not_ready = [Ok(SERVING), Ok(SERVING), Ok(NOT_SERVING), Ok(NOT_SERVING), Ok(NOT_SERVING)];
    let server = start(host).await;
    assert_eq!(checks(&server).await, not_ready);
    assert_eq!(health.failing(), [("store", "starting".to_owned())]);
    store.pass();
    assert_eq!(checks(&server).await, [Ok(SERVING); 5]);
    store.fail("the disk is full");
    assert_eq!(checks(&server).await, not_ready);
    assert_eq!(health.failing(), [("store", "the disk is full".to_owned())]);
    assert_eq!(check(&server, "no.such.Service").await, Err(Code::NotFound));
    store.pass();
    server.stop().await;
}

#[test]
fn nothing_is_ready_before_the_start_and_after_the_drain() {
    let health = service_kit::health::Health::new(&["a.B"]);
    let store = health.condition("store");
    store.pass();
    assert!(!health.is_ready(), "not started");
    health.started();
    assert!(health.is_ready());
    health.drain();
    assert!(!health.is_ready() && health.is_draining());
    store.fail("x");
    store.pass();
    assert!(!health.is_ready(), "a drain is for ever");
}

#[tokio::test]
async fn a_watch_tells_every_change_and_ends_with_the_drain() {
    let host = host("case-test");
    let (health, store) = (host.health.clone(), host.health.condition("store"));
    let server = start(host).await;
    let request = HealthCheckRequest { service: "test.v1.Probe".to_owned() };
    let mut watch = in_time(client(&server).await.watch(request)).await.unwrap().into_inner();
    let mut seen = Vec::new();
    seen.push(in_time(watch.message()).await.unwrap().unwrap().status());
    store.pass();
    seen.push(in_time(watch.message()).await.unwrap().unwrap().status());
    health.drain();
    seen.push(in_time(watch.message()).await.unwrap().unwrap().status());
    assert_eq!(seen, [NOT_SERVING, SERVING, NOT_SERVING]);
    assert_eq!(in_time(watch.message()).await.unwrap(), None, "an end without an error");
}

#[tokio::test]
async fn an_unknown_service_is_watched_in_an_open_stream() {
    let server = start(host("case-test")).await;
    let request = HealthCheckRequest { service: "no.such.Service".to_owned() };
    let mut watch = in_time(client(&server).await.watch(request)).await.unwrap().into_inner();
    assert_eq!(in_time(watch.message()).await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);
    server.health.drain();
    assert_eq!(in_time(watch.message()).await.unwrap(), None, "open until the drain");
}

#[tokio::test]
async fn all_names_are_listed() {
    let server = start(host("case-test")).await;
    let mut client = crate::probe::plain(&server).await;
    let path = http::uri::PathAndQuery::from_static("/grpc.health.v1.Health/List");
    in_time(client.ready()).await.unwrap();
    let codec = tonic_prost::ProstCodec::<(), Listed>::default();
    let listed = in_time(client.unary(tonic::Request::new(()), path, codec)).await.unwrap().into_inner();
    let mut names: Vec<_> = listed.statuses.into_iter().map(|(name, answer)| (name, answer.status())).collect();
    names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let names_of_all = ["", "liveness", "readiness", "startup", "test.v1.Probe"];
    assert_eq!(names, names_of_all.map(|name| (name.to_owned(), SERVING)));
}

/// `HealthListResponse`, which tonic-health does not have.
#[derive(Clone, PartialEq, prost::Message)]
struct Listed {
    #[prost(map = "string, message", tag = "1")]
    statuses: std::collections::HashMap<String, tonic_health::pb::HealthCheckResponse>,
}

#[tokio::test]
async fn a_full_server_has_no_say_in_who_may_ask() {
    let mut host = host("case-test");
    host.process.settings.limits.requests_in_flight = 0;
    host.process.settings.limits.streams_in_flight = 0;
    let server = start(host).await;
    assert_eq!(check(&server, "readiness").await, Ok(SERVING));
    let request = HealthCheckRequest { service: String::new() };
    let mut watch = in_time(client(&server).await.watch(request)).await.unwrap().into_inner();
    assert_eq!(in_time(watch.message()).await.unwrap().unwrap().status(), SERVING);
    let mut probe = server.client(Identity { name: "case-query" });
    let status = crate::probe::echo(&mut probe, tonic::Request::new(String::new())).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "the control: others are shed");
}
