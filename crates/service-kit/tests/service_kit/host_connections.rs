//! Peers that a server must survive: too many, silent, foreign, hostile.

use std::net::SocketAddr;
use std::time::Duration;

use bytes_of_calls::{ECHO_HANG, ECHO_HEADERS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::codegen::Bytes;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tracing_subscriber::layer::SubscriberExt;

use crate::probe::{Lines, Running, STREAM, asked, counted, echo, gauged, host, in_time, open, plain, start};

const REFUSED: &str = "casetracker.server.connections_refused";
const SATURATION: &str = "casetracker.server.saturation";

/// Calls below tonic.
mod bytes_of_calls {
    use tonic::codegen::Bytes;

    /// One uncompressed message of 6 bytes: field 1, 4 bytes long, "hang".
    pub(super) const ECHO_HANG: Bytes = Bytes::from_static(b"\0\0\0\0\x06\x0a\x04hang");

    /// The metadata of a call as `amira`.
    pub(super) const ECHO_HEADERS: [(&str, &str); 2] = [("content-type", "application/grpc"), ("x-actor-id", "amira")];
}

async fn connected(address: SocketAddr) -> TcpStream {
    in_time(TcpStream::connect(address)).await.unwrap()
}

/// What a peer hears until the server closes; it does, or the test fails.
async fn closed(peer: &mut TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    // With or without a farewell.
    let _ = in_time(peer.read_to_end(&mut heard)).await;
    heard
}

type Sender = h2::client::SendRequest<tonic::codegen::Bytes>;

/// A client without timers, and its connection, which ends with it.
async fn bare(server: &Running) -> (Sender, tokio::task::JoinHandle<Result<(), h2::Error>>) {
    let (client, connection) = in_time(h2::client::handshake(connected(server.address).await)).await.unwrap();
    (client, tokio::spawn(connection))
}

fn call(server: &Running, path: &str) -> http::Request<()> {
    let mut request = http::Request::post(format!("{}{path}", server.url()));
    for (key, value) in ECHO_HEADERS {
        request = request.header(key, value);
    }
    request.body(()).unwrap()
}

#[tokio::test]
async fn more_connections_than_the_limit_are_closed_as_they_come() {
    let lines = Lines::default();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.layer()));
    let (mut host, name) = (host("case-full"), "case-full");
    host.process.settings.limits.connections = 2;
    let server = start(host).await;
    let mut first = plain(&server).await;
    let second = plain(&server).await;
    for _ in 0..3 {
        assert_eq!(closed(&mut connected(server.address).await).await, b"");
    }
    assert_eq!(echo(&mut first, asked("hello")).await.unwrap().get_ref(), "hello", "those that stand go on");
    assert_eq!(counted(name, REFUSED, "connections"), 3);
    assert_eq!(gauged(name, SATURATION, "connections").to_bits(), 1.0_f64.to_bits());
    let warned: Vec<_> = lines.of("connection_refused").into_iter().filter(|line| line["level"] == "WARN").collect();
    assert_eq!(warned.len(), 1, "once, however many there are: {}", lines.text());
    assert_eq!(warned[0]["cause"], "connections");
    drop(second);
    // As soon as the server has noticed, there is room.
    in_time(async {
        loop {
            let mut client = plain_lazily(server.address);
            if echo(&mut client, asked("hello")).await.is_ok() {
                break;
            }
        }
    })
    .await;
}

/// A client whose connection may fail.
fn plain_lazily(address: SocketAddr) -> tonic::client::Grpc<tonic::transport::Channel> {
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
    tonic::client::Grpc::new(endpoint.connect_lazy())
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_closed_and_one_that_has_spoken_may_idle() {
    let (mut host, name) = (host("case-silent"), "case-silent");
    host.process.settings.limits.handshake_timeout = Duration::from_millis(100);
    let server = start(host).await;
    let mut client = plain(&server).await;
    let mut silent = connected(server.address).await;
    let mut half = connected(server.address).await;
    half.write_all(b"PRI * HTTP/2.0").await.unwrap();
    closed(&mut silent).await;
    closed(&mut half).await;
    assert_eq!(counted(name, REFUSED, "handshake_timeout"), 2);
    // All that time this one has been idle.
    assert_eq!(echo(&mut client, asked("hello")).await.unwrap().get_ref(), "hello");
}

#[tokio::test]
async fn who_speaks_something_else_is_closed_at_once() {
    let (mut host, name) = (host("case-foreign"), "case-foreign");
    // Not what closes them here.
    host.process.settings.limits.handshake_timeout = Duration::from_hours(1);
    let server = start(host).await;
    let hello_of_tls = [22, 3, 1, 0, 200, 1];
    for opening in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &hello_of_tls, b"\0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX"] {
        let mut peer = connected(server.address).await;
        peer.write_all(opening).await.unwrap();
        let heard = closed(&mut peer).await;
        assert!(!heard.starts_with(b"HTTP/1"), "{heard:?}");
    }
    assert_eq!(counted(name, REFUSED, "not_http2"), 4);
    assert_eq!(echo(&mut plain(&server).await, asked("hello")).await.unwrap().get_ref(), "hello");
}

/// One HTTP/2 frame (RFC 9113, section 4.1); payloads here are shorter than 256 bytes.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, u8::try_from(payload.len()).unwrap(), kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The bytes of a connection whose calls are each taken back in the same breath: nobody can have begun with them.
fn flood(calls: u32) -> Vec<u8> {
    // POST http://a/, in the static table of HPACK.
    let headers = [0x83, 0x86, 0x84, 0x41, 1, b'a'];
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    for call in 0..calls {
        bytes.extend(frame(1, 4, 2 * call + 1, &headers));
        bytes.extend(frame(3, 0, 2 * call + 1, &u32::from(h2::Reason::CANCEL).to_be_bytes()));
    }
    bytes
}

/// The reason in the GOAWAY among the frames that were heard.
fn goodbye(mut heard: &[u8]) -> Option<u32> {
    while let Some((head, rest)) = heard.split_first_chunk::<9>() {
        let (payload, rest) = rest.split_at_checked(usize::from(head[1]) << 8 | usize::from(head[2]))?;
        if head[3] == 7 {
            return Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
        heard = rest;
    }
    None
}

#[tokio::test]
async fn a_flood_of_calls_that_are_taken_back_ends_its_connection_and_no_other() {
    let mut host = host("case-test");
    // As many as may be open at once may also be taken back at once: 64 beyond these.
    host.process.settings.limits.requests_in_flight = 100;
    host.process.settings.limits.streams_in_flight = 1;
    let mut server = start(host).await;
    let mut other = plain(&server).await;
    // The control: whoever thinks better of it a hundred times, but lets the server begin, is no flood.
    let (mut patient, connection) = bare(&server).await;
    for _ in 0..100 {
        let (answer, mut body) = patient.send_request(call(&server, crate::probe::ECHO), false).unwrap();
        body.send_data(ECHO_HANG, true).unwrap();
        assert_eq!(server.next_begun().await, "hang");
        drop(answer);
    }
    assert!(!connection.is_finished());
    let mut flooding = connected(server.address).await;
    flooding.write_all(&flood(200)).await.unwrap();
    assert_eq!(goodbye(&closed(&mut flooding).await), Some(u32::from(h2::Reason::ENHANCE_YOUR_CALM)));
    assert_eq!(echo(&mut other, asked("hello")).await.unwrap().get_ref(), "hello");
}

#[tokio::test]
async fn requests_that_are_refused_before_they_have_come_whole_do_not_end_their_connection() {
    let mut host = host("case-test");
    host.process.settings.limits.requests_in_flight = 1;
    host.process.settings.limits.refusals_per_second = 1_000_000;
    let mut server = start(host).await;
    let (mut client, connection) = bare(&server).await;
    let (_hanging, mut body) = client.send_request(call(&server, crate::probe::ECHO), false).unwrap();
    body.send_data(ECHO_HANG, true).unwrap();
    assert_eq!(server.next_begun().await, "hang");
    // h2 ends a connection after some 2,000 small frames that nobody reads.
    for _ in 0..300 {
        client = client.ready().await.unwrap();
        let (answer, mut body) = client.send_request(call(&server, crate::probe::ECHO), false).unwrap();
        assert_eq!(answer.await.unwrap().headers()["grpc-status"], "8", "refused, for another call has the only place");
        for _ in 0..10 {
            body.send_data(Bytes::from_static(&[0]), false).unwrap();
        }
        body.send_data(Bytes::new(), true).unwrap();
    }
    assert!(!connection.is_finished());
}

#[tokio::test]
async fn a_header_block_beyond_the_limit_is_refused_and_the_connection_lives_on() {
    let server = start(host("case-test")).await;
    let mut client = plain(&server).await;
    let padded = |bytes: usize| {
        let mut request = asked("hello");
        request.metadata_mut().insert("x-padding", "x".repeat(bytes).parse().unwrap());
        request
    };
    assert!(echo(&mut client, padded(8 * 1_024)).await.is_ok(), "the control");
    assert!(echo(&mut client, padded(64 * 1_024)).await.is_err());
    assert_eq!(echo(&mut client, asked("hello")).await.unwrap().get_ref(), "hello");
}

#[tokio::test]
async fn a_question_that_never_comes_is_not_waited_for() {
    let (mut host, name) = (host("case-mute"), "case-mute");
    host.process.settings.limits.deadline_default = Duration::from_millis(100);
    let mut server = start(host).await;
    let (mut client, connection) = bare(&server).await;
    for path in [crate::probe::ECHO, STREAM] {
        let (answer, mut body) = client.send_request(call(&server, path), false).unwrap();
        // Some of it.
        body.send_data(ECHO_HANG.slice(..7), false).unwrap();
        let answer = in_time(answer).await.unwrap();
        let status = Status::from_header_map(answer.headers()).expect("a status");
        let reason = status.get_error_details().error_info().unwrap().reason.clone();
        assert_eq!((status.code(), reason.as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"), "{path}");
    }
    assert!(server.begun.try_recv().is_err(), "no handler was bothered");
    // The control: a stream whose question has come lasts.
    let mut stream = open(&mut plain(&server).await, asked("endless")).await.unwrap();
    assert_eq!(in_time(stream.message()).await.unwrap().as_deref(), Some("first"));
    assert!(tokio::time::timeout(Duration::from_millis(300), stream.message()).await.is_err(), "still open");
    assert_eq!(gauged(name, SATURATION, "streams_in_flight").to_bits(), (1.0_f64 / 256.0).to_bits());
    connection.abort();
}

#[tokio::test]
async fn how_full_a_server_is_is_a_metric() {
    let (mut host, name) = (host("case-saturated"), "case-saturated");
    host.process.settings.limits.requests_in_flight = 4;
    let mut server = start(host).await;
    let used = || gauged(name, SATURATION, "requests_in_flight");
    let mut client = plain(&server).await;
    echo(&mut client, asked("hello")).await.unwrap();
    server.next_begun().await;
    assert_eq!(used().to_bits(), 0.0_f64.to_bits());
    let mut other = client.clone();
    let hanging = tokio::spawn(async move { echo(&mut other, asked("hang")).await });
    assert_eq!(server.next_begun().await, "hang");
    assert_eq!(used().to_bits(), 0.25_f64.to_bits());
    assert_eq!(gauged(name, "casetracker.server.connections", "").to_bits(), 1.0_f64.to_bits());
    hanging.abort();
}

#[tokio::test]
async fn watches_of_a_servers_health_have_a_bound_of_their_own() {
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    let name = "case-watched";
    let server = start(host(name)).await;
    let mut health = HealthClient::new(crate::probe::channel(&server).await);
    let request = || HealthCheckRequest { service: "readiness".to_owned() };
    let mut watches = Vec::new();
    for _ in 0..256 {
        watches.push(in_time(health.watch(request())).await.unwrap());
    }
    let status = in_time(health.watch(request())).await.unwrap_err();
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!((status.code(), info.reason.as_str()), (Code::ResourceExhausted, "OVERLOADED"));
    assert_eq!((info.metadata["cause"].as_str(), info.metadata["limit"].as_str()), ("health_watches", "256"));
    assert!(status.message().contains("256 watches of its health"), "{status}");
    assert_eq!(gauged(name, SATURATION, "health_watches").to_bits(), 1.0_f64.to_bits());
    assert!(in_time(health.check(request())).await.is_ok(), "questions are answered all the same");
    let mut client = plain(&server).await;
    let stream = open(&mut client, asked("endless")).await;
    assert!(stream.is_ok(), "and the streams of the service have their places");
    watches.pop();
    in_time(async { while health.watch(request()).await.is_err() {} }).await;
}
