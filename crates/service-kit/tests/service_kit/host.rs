//! Ports, reflection and shutdowns.

use std::time::Duration;

use service_kit::exit::ExitCode;
use service_kit::host::bind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
use tonic_reflection::pb::v1alpha;
use tonic_reflection::pb::v1alpha::server_reflection_client::ServerReflectionClient as OldClient;
use tonic_types::StatusExt;

use crate::probe::{asked, channel, echo, host, in_time, open, plain, start};

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = taken.local_addr().unwrap();
    let exit = bind(address).await.unwrap_err();
    assert_eq!(exit.code, ExitCode::InUse);
    assert!(exit.message.contains(&address.to_string()), "{exit}");
    // TEST-NET-1: no machine has it.
    assert_eq!(bind("192.0.2.1:0".parse().unwrap()).await.unwrap_err().code, ExitCode::CannotCreate);
}

#[tokio::test]
async fn a_drain_lets_a_call_finish_and_ends() {
    let mut host = host("case-test");
    host.process.settings.limits.deadline_default = Duration::from_millis(200);
    let mut server = start(host).await;
    let mut client = plain(&server).await;
    let mut late = client.clone();
    let hanging = tokio::spawn(async move { echo(&mut client, asked("hang")).await });
    server.next_begun().await;
    server.health.drain();
    let refused = echo(&mut late, asked("too late")).await.unwrap_err();
    let details = refused.get_error_details();
    assert_eq!((refused.code(), details.error_info().unwrap().reason.as_str()), (Code::Unavailable, "DRAINING"));
    assert!(details.retry_info().is_some());
    server.stop().await;
    let status = in_time(hanging).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "it got its own answer, and was not cut off");
}

#[tokio::test]
async fn a_drain_ends_despite_hung_handlers_streams_and_silent_peers() {
    let mut host = host("case-test");
    host.process.settings.drain_timeout = Duration::from_millis(100);
    let mut server = start(host).await;
    let mut client = plain(&server).await;
    let mut stream = open(&mut client, asked("endless")).await.unwrap();
    assert_eq!(in_time(stream.message()).await.unwrap().as_deref(), Some("first"));
    let hanging = tokio::spawn(async move { echo(&mut client, asked("hang")).await });
    assert_eq!(server.next_begun().await, "endless");
    assert_eq!(server.next_begun().await, "hang");
    let mut silent = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let address = server.address;
    server.stop().await;
    assert!(in_time(hanging).await.unwrap().is_err(), "cut off");
    assert!(in_time(stream.message()).await.is_err(), "cut off");
    let mut rest = Vec::new();
    // Closed, with or without a farewell.
    let _ = in_time(silent.read_to_end(&mut rest)).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_drain_ends_reflection_which_tools_keep_open() {
    let mut host = host("case-test");
    // Not what ends it.
    host.process.settings.drain_timeout = Duration::from_hours(1);
    let server = start(host).await;
    let question = MessageRequest::ListServices(String::new());
    let ask = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let questions = tokio_stream::StreamExt::chain(tokio_stream::iter([ask]), tokio_stream::pending());
    let mut client = ServerReflectionClient::new(channel(&server).await);
    let mut answers = in_time(client.server_reflection_info(questions)).await.unwrap().into_inner();
    assert!(in_time(answers.message()).await.unwrap().is_some());
    server.stop().await;
    let status = in_time(answers.message()).await.unwrap_err();
    let reason = status.get_error_details().error_info().unwrap().reason.clone();
    assert_eq!((status.code(), reason.as_str()), (Code::Unavailable, "DRAINING"));
}

/// A stream of reflection on which nobody ever asks anything, and which its caller ends when it wants to.
async fn silent_reflection(
    client: &mut ServerReflectionClient<tonic::transport::Channel>,
    end: &CancellationToken,
) -> Result<tonic::Streaming<ServerReflectionResponse>, tonic::Status> {
    let silence = futures_util::stream::pending::<ServerReflectionRequest>();
    let silence = futures_util::StreamExt::take_until(silence, end.clone().cancelled_owned());
    in_time(client.server_reflection_info(silence)).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn reflection_has_a_bound_of_its_own_and_keeps_nobody_from_the_streams_of_the_service() {
    let mut host = host("case-test");
    host.process.settings.limits.streams_in_flight = 1;
    let server = start(host).await;
    let mut reflection = ServerReflectionClient::new(channel(&server).await);
    let (mut streams, end) = (Vec::new(), CancellationToken::new());
    for _ in 0..32 {
        streams.push(silent_reflection(&mut reflection, &end).await.unwrap());
    }
    let status = silent_reflection(&mut reflection, &end).await.unwrap_err();
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!((status.code(), info.reason.as_str()), (Code::ResourceExhausted, "OVERLOADED"));
    assert_eq!((info.metadata["cause"].as_str(), info.metadata["limit"].as_str()), ("reflection_streams", "32"));
    assert!(details.retry_info().is_some() && details.quota_failure().is_some());
    assert!(status.message().contains("32 streams of reflection"), "{status}");
    let mut client = plain(&server).await;
    let _stream = open(&mut client, asked("endless")).await.expect("the streams of the service have their places");
    assert!(open(&mut client, asked("endless")).await.is_err(), "the control: that was the only place");
    end.cancel();
    in_time(async { while silent_reflection(&mut reflection, &end).await.is_err() {} }).await;
}

#[tokio::test]
async fn silent_reflection_ends_when_the_longest_deadline_is_over() {
    let mut host = host("case-test");
    host.process.settings.limits.deadline_max = Duration::from_millis(50);
    let server = start(host).await;
    let mut service = open(&mut plain(&server).await, asked("endless")).await.unwrap();
    let mut client = ServerReflectionClient::new(channel(&server).await);
    let mut answers = silent_reflection(&mut client, &CancellationToken::new()).await.unwrap();
    let status = in_time(answers.message()).await.unwrap_err();
    let reason = status.get_error_details().error_info().unwrap().reason.clone();
    assert_eq!((status.code(), reason.as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
    assert_eq!(in_time(service.message()).await.unwrap().as_deref(), Some("first"), "the other one is still open");
}

#[tokio::test]
async fn a_drain_does_not_wait_for_peers_that_have_stopped_answering() {
    let mut host = host("case-test");
    host.process.settings.drain_timeout = Duration::from_hours(1);
    let server = start(host).await;
    // It has begun as HTTP/2 does, with empty settings, and will never answer a ping or a GOAWAY.
    let mut deaf = tokio::net::TcpStream::connect(server.address).await.unwrap();
    deaf.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut settings = [0; 9];
    in_time(deaf.read_exact(&mut settings)).await.unwrap();
    let mut silent = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let mut client = plain(&server).await;
    assert_eq!(echo(&mut client, asked("hello")).await.unwrap().get_ref(), "hello");
    server.stop().await;
    let mut rest = Vec::new();
    let _ = in_time(deaf.read_to_end(&mut rest)).await;
    let _ = in_time(silent.read_to_end(&mut rest)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_under_load_loses_no_call_that_has_begun() {
    let mut server = start(host("case-test")).await;
    let mut callers = Vec::new();
    for _ in 0..8 {
        let mut client = plain(&server).await;
        callers.push(tokio::spawn(async move {
            let mut answered = 0_usize;
            loop {
                match echo(&mut client, asked("hello")).await {
                    Ok(_) => answered += 1,
                    Err(status) => return (answered, status),
                }
            }
        }));
    }
    for _ in 0..100 {
        server.next_begun().await;
    }
    server.shutdown.cancel();
    in_time(&mut server.served).await.unwrap().unwrap();
    let mut answered = 0;
    for caller in callers {
        let (count, status) = in_time(caller).await.unwrap();
        answered += count;
        // Told so by the server, or not heard by it at all.
        let drained = status.get_error_details().error_info().is_some_and(|info| info.reason == "DRAINING");
        let unheard = !status.metadata().contains_key("x-request-id");
        assert!(drained || unheard, "{status:?}");
    }
    let mut begun = 100;
    while in_time(server.begun.recv()).await.is_some() {
        begun += 1;
    }
    assert_eq!(answered, begun, "whatever has begun has been answered");
}

#[tokio::test]
async fn reflection_knows_the_service_the_standard_ones_and_the_error_details() {
    let server = start(host("case-test")).await;
    let mut client = ServerReflectionClient::new(channel(&server).await);
    let ask = |question| ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let questions = tokio_stream::iter([
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol("google.rpc.ErrorInfo".to_owned())),
        ask(MessageRequest::FileContainingSymbol("grpc.health.v1.HealthListResponse".to_owned())),
    ]);
    let mut answers = in_time(client.server_reflection_info(questions)).await.unwrap().into_inner();
    let mut next = async || -> ServerReflectionResponse { in_time(answers.message()).await.unwrap().unwrap() };
    let Some(MessageResponse::ListServicesResponse(list)) = next().await.message_response else { panic!("no list") };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    let ours = ["test.v1.Probe", "casetracker.admin.v1.DiagnosticsService"];
    for name in ours.into_iter().chain(["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]) {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    for symbol in ["ErrorInfo", "HealthListResponse"] {
        let answer = next().await.message_response;
        assert!(matches!(answer, Some(MessageResponse::FileDescriptorResponse(_))), "{symbol}: {answer:?}");
    }
}

#[tokio::test]
async fn old_tools_can_ask_reflection_too_unless_it_is_off() {
    let question = || {
        let ask = v1alpha::server_reflection_request::MessageRequest::ListServices(String::new());
        let request = v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
        tokio_stream::iter([request])
    };
    let server = start(host("case-test")).await;
    let mut client = OldClient::new(channel(&server).await);
    let mut answers = in_time(client.server_reflection_info(question())).await.unwrap().into_inner();
    assert!(in_time(answers.message()).await.unwrap().is_some());
    let mut host = host("case-test");
    host.process.settings.reflection.enabled = false;
    let server = start(host).await;
    let mut client = OldClient::new(channel(&server).await);
    let status = in_time(client.server_reflection_info(question())).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}
