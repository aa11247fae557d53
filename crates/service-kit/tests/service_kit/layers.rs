//! The stack around every server, over a real port.

use std::time::Duration;

use http::uri::PathAndQuery;
use service_kit::identity::Identity;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt;
use tracing_subscriber::layer::SubscriberExt;

use crate::probe::{Lines, asked, counted, echo, host, in_time, open, plain, start, unary};

/// The reason, after a check that nothing of what every error carries is missing.
fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().expect("an ErrorInfo");
    assert_eq!(info.domain, "casetracker");
    let request = details.request_info().expect("a RequestInfo");
    assert_eq!(Some(request.request_id.as_str()), header(status, "x-request-id"), "the id of the header");
    info.reason.clone()
}

fn header<'a>(status: &'a Status, key: &str) -> Option<&'a str> {
    status.metadata().get(key).map(|value| value.to_str().unwrap())
}

fn value(status: &Status, key: &str) -> String {
    status.get_error_details().error_info().unwrap().metadata.get(key).cloned().unwrap_or_default()
}

fn with_id(text: &str, id: &str) -> Request<String> {
    let mut request = asked(text);
    request.metadata_mut().insert("x-request-id", id.parse().unwrap());
    request
}

#[tokio::test]
async fn the_request_id_is_echoed_on_success_and_on_error() {
    let server = start(host("case-test")).await;
    let mut client = plain(&server).await;
    let answer = echo(&mut client, with_id("who", "order-42/a")).await.unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap(), "order-42/a");
    assert_eq!(answer.get_ref(), "amira order-42/a");
    let status = echo(&mut client, with_id("missing", "order-43")).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(reason(&status), "CASE_NOT_FOUND");
    assert_eq!(header(&status, "x-request-id"), Some("order-43"));
}

#[tokio::test]
async fn an_unusable_request_id_is_replaced() {
    let server = start(host("case-test")).await;
    let mut client = plain(&server).await;
    let longest = "x".repeat(128);
    let answer = echo(&mut client, with_id("hello", &longest)).await.unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap().to_str().unwrap(), longest);
    for unusable in ["", "two words", &"x".repeat(129)] {
        let answer = echo(&mut client, with_id("hello", unusable)).await.unwrap();
        let id = answer.metadata().get("x-request-id").unwrap().to_str().unwrap();
        assert_eq!(uuid::Uuid::parse_str(id).expect("a UUID").get_version_num(), 7, "{unusable:?}");
    }
}

#[tokio::test]
async fn an_actor_is_asked_for_and_checked() {
    let server = start(host("case-test")).await;
    let mut client = plain(&server).await;
    let status = echo(&mut client, Request::new("who".to_owned())).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "CREDENTIALS_MISSING"));
    assert!(status.message().contains("x-actor-id"), "{}", status.message());
    for malformed in ["", "two words", &"x".repeat(129)] {
        let mut request = asked("who");
        request.metadata_mut().insert("x-actor-id", malformed.parse().unwrap());
        let status = echo(&mut client, request).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "CREDENTIALS_INVALID"));
    }
    let mut two = asked("who");
    two.metadata_mut().append("x-actor-id", "budi".parse().unwrap());
    assert_eq!(reason(&echo(&mut client, two).await.unwrap_err()), "CREDENTIALS_INVALID");
}

#[tokio::test]
async fn refused_credentials_leave_a_security_event_without_the_credentials() {
    let lines = Lines::default();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.layer()));
    let server = start(host("case-test")).await;
    let mut client = plain(&server).await;
    let mut request = Request::new("who".to_owned());
    request.metadata_mut().insert("x-actor-id", "the canary".parse().unwrap());
    request.metadata_mut().insert("authorization", "Bearer canary".parse().unwrap());
    echo(&mut client, request).await.unwrap_err();
    let refused = lines.of("credentials_refused");
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["level"], "WARN");
    assert_eq!(refused[0]["actor"], "none");
    assert_eq!(refused[0]["action"], "test.v1.Probe/Echo");
    assert_eq!(refused[0]["reason"], "CREDENTIALS_INVALID");
    assert!(!lines.text().contains("canary"), "{}", lines.text());
}

#[tokio::test]
async fn an_unknown_method_is_named() {
    let server = start(host("case-test")).await;
    let mut client = plain(&server).await;
    for path in ["/test.v1.Probe/Nothing", "/other.v1.Service/Echo"] {
        let status = unary(&mut client, path, asked("hello")).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unimplemented, "UNIMPLEMENTED"));
        assert_eq!(value(&status, "method"), path);
    }
}

#[tokio::test]
async fn an_undecodable_message_is_an_invalid_argument() {
    let server = start(host("case-test")).await;
    let mut client = plain(&server).await;
    // A message whose first field is a number, where the service has a string.
    let path = PathAndQuery::from_static(crate::probe::ECHO);
    let mut request = Request::new(7_u64);
    *request.metadata_mut() = asked("").metadata().clone();
    in_time(client.ready()).await.unwrap();
    let status = in_time(client.unary(request, path, ProstCodec::<u64, String>::default())).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "VALIDATION_FAILED"));
    let details = status.get_error_details();
    assert_eq!(details.bad_request().expect("a BadRequest").field_violations.len(), 1);
}

#[tokio::test]
async fn nonsense_said_to_health_is_no_error_of_the_server_either() {
    let server = start(host("case-test")).await;
    let mut client = plain(&server).await;
    for path in ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"] {
        in_time(client.ready()).await.unwrap();
        // A number, where the first field is a string.
        let codec = ProstCodec::<u64, String>::default();
        let asked = client.server_streaming(Request::new(7_u64), PathAndQuery::from_static(path), codec);
        let status = match in_time(asked).await {
            Ok(answers) => in_time(answers.into_inner().message()).await.unwrap_err(),
            Err(status) => status,
        };
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "VALIDATION_FAILED"), "{path}");
    }
    // The control: what the protocol itself says stays as it is.
    let not_found = crate::health::check(&server, "no.such.Service").await;
    assert_eq!(not_found, Err(Code::NotFound));
}

#[tokio::test]
async fn what_reflection_does_not_know_is_not_repeated_at_any_length() {
    let server = start(host("case-test")).await;
    let mut client = tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient::new(
        crate::probe::channel(&server).await,
    );
    for (length, whole) in [(10, true), (200_000, false)] {
        let symbol = "x".repeat(length);
        let request = tonic_reflection::pb::v1::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(
                tonic_reflection::pb::v1::server_reflection_request::MessageRequest::FileContainingSymbol(
                    symbol.clone(),
                ),
            ),
        };
        let asked = in_time(client.server_reflection_info(tokio_stream::once(request))).await;
        let status = match asked {
            Ok(answers) => in_time(answers.into_inner().message()).await.unwrap_err(),
            Err(status) => status,
        };
        assert_eq!(status.code(), Code::NotFound, "{length}");
        assert_eq!(status.message().contains(&symbol), whole, "{length}");
    }
}

#[tokio::test]
async fn an_oversized_message_names_the_limit() {
    let server = start(host("case-test")).await;
    let mut client = plain(&server).await;
    let status = echo(&mut client, asked(&"x".repeat(2_000))).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
    let said = ["cause", "scope", "limit"].map(|key| value(&status, key));
    assert_eq!(said, ["message_bytes", "message", "1024"]);
    assert!(status.get_error_details().quota_failure().is_some());
}

#[tokio::test]
async fn an_oversized_message_is_refused_on_streams_and_in_answers_too() {
    let server = start(host("case-test")).await;
    let mut client = plain(&server).await;
    let asked_too_much = open(&mut client, asked(&"x".repeat(2_000))).await.unwrap_err();
    assert!(asked_too_much.message().contains("send less"), "{asked_too_much}");
    assert_eq!(echo(&mut client, asked("grow 900")).await.unwrap().get_ref().len(), 900, "the control");
    let answered_too_much = echo(&mut client, asked("grow 2000")).await.unwrap_err();
    let mut stream = open(&mut client, asked("grow")).await.unwrap();
    // What tonic had buffered before is lost with it.
    let streamed_too_much = in_time(stream.message()).await.unwrap_err();
    for status in [&asked_too_much, &answered_too_much, &streamed_too_much] {
        let info = status.get_error_details().error_info().unwrap().reason.clone();
        assert_eq!((status.code(), info.as_str()), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
        assert_eq!(value(status, "limit"), "1024");
    }
    assert!(answered_too_much.message().contains("ask for less"), "{answered_too_much}");
    assert_eq!(echo(&mut client, asked("alive")).await.unwrap().get_ref(), "alive");
}

#[tokio::test]
async fn a_foreign_status_becomes_a_bug_and_only_the_log_has_its_text() {
    let lines = Lines::default();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.layer()));
    let server = start(host("case-test")).await;
    let mut client = plain(&server).await;
    let status = echo(&mut client, asked("foreign")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"));
    assert!(!status.message().contains("secret"));
    assert_eq!(lines.of("unexpected_error")[0]["error"], "the secret of the status");
}

#[tokio::test]
async fn a_foreign_status_in_trailers_is_rebuilt_too() {
    let server = start(host("case-test")).await;
    let mut stream = open(&mut plain(&server).await, asked("foreign")).await.unwrap();
    assert_eq!(in_time(stream.message()).await.unwrap().as_deref(), Some("first"));
    let status = in_time(stream.message()).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "INTERNAL");
    assert!(!status.message().contains("secret"));
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_server_lives_on() {
    let server = start(host("case-test")).await;
    let mut client = plain(&server).await;
    let status = echo(&mut client, asked("panic")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"));
    assert!(!format!("{status:?}").contains("secret"));
    let mut stream = open(&mut client, asked("panic")).await.unwrap();
    // What tonic had buffered before the panic is lost with it.
    let status = in_time(stream.message()).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "INTERNAL");
    assert_eq!(echo(&mut client, asked("alive")).await.unwrap().get_ref(), "alive");
}

/// tonic's client, and tonic's server around our layers, have timers for `grpc-timeout` that answer CANCELLED. The first is
/// not there in a bare client; the second must never win.
#[tokio::test]
async fn the_callers_deadline_ends_a_call() {
    let server = start(host("case-test")).await;
    let stream = in_time(tokio::net::TcpStream::connect(server.address)).await.unwrap();
    let (mut client, connection) = in_time(h2::client::handshake(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut answers = Vec::new();
    for timeout in 1..=40 {
        let request = http::Request::post(format!("{}{}", server.url(), crate::probe::ECHO))
            .header("content-type", "application/grpc")
            .header("x-actor-id", "amira")
            .header("grpc-timeout", format!("{timeout}m"))
            .body(())
            .unwrap();
        let (answer, mut body) = client.send_request(request, false).unwrap();
        // One uncompressed message of 6 bytes: field 1, 4 bytes long, "hang".
        body.send_data(tonic::codegen::Bytes::from_static(b"\0\0\0\0\x06\x0a\x04hang"), true).unwrap();
        answers.push(answer);
    }
    for answer in answers {
        let status = Status::from_header_map(in_time(answer).await.unwrap().headers()).expect("a status");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
    }
    connection.abort();
}

#[tokio::test]
async fn a_call_without_a_deadline_gets_one() {
    let mut host = host("case-test");
    host.process.settings.limits.deadline_default = Duration::from_millis(50);
    let server = start(host).await;
    let mut client = plain(&server).await;
    let status = echo(&mut client, asked("hang")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
}

#[tokio::test]
async fn a_deadline_is_capped() {
    let mut host = host("case-test");
    host.process.settings.limits.deadline_max = Duration::from_millis(50);
    let server = start(host).await;
    let mut client = plain(&server).await;
    let mut request = asked("hang");
    request.set_timeout(Duration::from_hours(1));
    let status = echo(&mut client, request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
}

#[tokio::test]
async fn a_stream_has_only_the_deadline_that_it_was_given() {
    let mut host = host("case-test");
    host.process.settings.limits.deadline_default = Duration::from_millis(1);
    host.process.settings.limits.deadline_max = Duration::from_millis(1);
    let server = start(host).await;
    let mut client = plain(&server).await;
    let mut endless = open(&mut client, asked("endless")).await.unwrap();
    let mut timed = asked("endless");
    timed.metadata_mut().insert("grpc-timeout", "100m".parse().unwrap());
    let mut timed = open(&mut client, timed).await.unwrap();
    assert_eq!(in_time(timed.message()).await.unwrap().as_deref(), Some("first"));
    let status = in_time(timed.message()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "DEADLINE_EXCEEDED");
    assert_eq!(in_time(endless.message()).await.unwrap().as_deref(), Some("first"), "the other one is still open");
}

#[tokio::test]
async fn a_full_server_sheds_and_still_tells_its_health() {
    let mut host = host("case-test");
    host.process.settings.limits.requests_in_flight = 1;
    let mut server = start(host).await;
    let mut client = plain(&server).await;
    let mut other = plain(&server).await;
    let hanging = tokio::spawn(async move { echo(&mut client, asked("hang")).await });
    assert_eq!(server.next_begun().await, "hang");
    let status = echo(&mut other, asked("hello")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "OVERLOADED"));
    let said = ["cause", "scope", "limit"].map(|key| value(&status, key));
    assert_eq!(said, ["requests_in_flight", "server", "1"]);
    let details = status.get_error_details();
    assert!(details.retry_info().is_some() && details.quota_failure().is_some());
    assert_eq!(crate::health::check(&server, "readiness").await, Ok(crate::health::SERVING));
    // The one that hangs is given up: its place is free again as soon as the server has noticed.
    hanging.abort();
    in_time(async { while echo(&mut other, asked("hello")).await.is_err() {} }).await;
}

#[tokio::test]
async fn what_a_full_server_sheds_is_counted_by_cause() {
    let shed = |cause| counted("case-shedding", "rpc.server.shed_requests", cause);
    let mut host = host("case-shedding");
    host.process.settings.limits.requests_in_flight = 1;
    host.process.settings.limits.streams_in_flight = 1;
    let mut server = start(host).await;
    let (mut client, mut other) = (plain(&server).await, plain(&server).await);
    let stream = open(&mut other, asked("endless")).await.unwrap();
    let hanging = tokio::spawn(async move { echo(&mut client, asked("hang")).await });
    for begun in ["endless", "hang"] {
        assert_eq!(server.next_begun().await, begun);
    }
    assert_eq!((shed("requests_in_flight"), shed("streams_in_flight")), (0, 0), "the control: nobody was refused yet");
    for _ in 0..3 {
        echo(&mut other, asked("hello")).await.unwrap_err();
    }
    open(&mut other, asked("endless")).await.unwrap_err();
    assert_eq!((shed("requests_in_flight"), shed("streams_in_flight")), (3, 1));
    hanging.abort();
    drop(stream);
}

#[tokio::test]
async fn who_goes_on_asking_a_full_server_is_heard_later_and_answered_all_the_same() {
    /// The name under which its own metrics are.
    const NAME: &str = "case-paced";
    let paused = || counted(NAME, "casetracker.server.reads_paused", "");
    let mut host = host(NAME);
    host.process.settings.limits.requests_in_flight = 1;
    host.process.settings.limits.refusals_per_second = 100;
    let mut server = start(host).await;
    let (mut client, other, mut third) = (plain(&server).await, plain(&server).await, plain(&server).await);
    let hanging = tokio::spawn(async move { echo(&mut client, asked("hang")).await });
    assert_eq!(server.next_begun().await, "hang");
    for _ in 0..10 {
        echo(&mut third, asked("hello")).await.unwrap_err();
    }
    assert_eq!(paused(), 0, "the control: a few refusals hold nobody up");
    let flood = (0..200).map(|_| {
        let mut caller = other.clone();
        async move { echo(&mut caller, asked("hello")).await.map_err(|status| reason(&status)) }
    });
    let refused = in_time(futures_util::future::join_all(flood)).await;
    assert!(refused.iter().all(|told| matches!(told, Err(reason) if reason == "OVERLOADED")), "each is told why");
    assert!(paused() > 0);
    hanging.abort();
    in_time(async { while echo(&mut third, asked("hello")).await.is_err() {} }).await;
}

#[tokio::test]
async fn a_crowded_server_reads_later_and_refuses_nobody_whom_it_has_a_place_for() {
    /// The name under which its own metrics are.
    const NAME: &str = "case-crowded";
    let paused = || counted(NAME, "casetracker.server.reads_paused", "");
    let mut host = host(NAME);
    host.process.settings.limits.requests_in_flight = 400;
    let mut server = start(host).await;
    let client = plain(&server).await;
    let mut hanging = tokio::task::JoinSet::new();
    for (more, crowded) in [(100, false), (300, true)] {
        for _ in 0..more {
            let mut caller = client.clone();
            hanging.spawn(async move { echo(&mut caller, asked("hang")).await });
        }
        for _ in 0..more {
            assert_eq!(server.next_begun().await, "hang");
        }
        assert_eq!(paused() > 0, crowded, "after {more} more");
    }
    let refused = echo(&mut client.clone(), asked("hello")).await.unwrap_err();
    assert_eq!(reason(&refused), "OVERLOADED", "the control: now there is no place left");
}

#[tokio::test]
async fn a_stream_holds_its_place_until_it_ends() {
    let mut host = host("case-test");
    host.process.settings.limits.streams_in_flight = 1;
    let server = start(host).await;
    let mut client = plain(&server).await;
    let stream = open(&mut client, asked("endless")).await.unwrap();
    let status = open(&mut client, asked("endless")).await.unwrap_err();
    assert_eq!(value(&status, "cause"), "streams_in_flight");
    assert_eq!(echo(&mut client, asked("hello")).await.unwrap().get_ref(), "hello", "calls have a limit of their own");
    drop(stream);
    in_time(async { while open(&mut client, asked("short")).await.is_err() {} }).await;
}

#[tokio::test]
async fn an_outgoing_call_carries_id_and_actor() {
    let server = start(host("case-test")).await;
    let mut client = server.client(Identity { name: "case-query" });
    let answer = echo(&mut client, Request::new("who".to_owned())).await.unwrap();
    let (actor, id) = answer.get_ref().split_once(' ').unwrap();
    assert_eq!(actor, "case-query");
    assert_eq!(uuid::Uuid::parse_str(id).expect("a new id").get_version_num(), 7);
}

#[tokio::test]
async fn an_outgoing_call_is_not_made_after_the_deadline() {
    let mut server = start(host("case-test")).await;
    let mut client = server.client(Identity { name: "case-query" });
    let mut request = Request::new("who".to_owned());
    let deadline = tokio::time::Instant::now();
    let meta = service_kit::request::RequestMeta { request_id: "r".to_owned(), actor: String::new(), deadline };
    request.extensions_mut().insert(meta);
    let status = echo(&mut client, request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(server.begun.try_recv().is_err(), "nothing arrived");
}
