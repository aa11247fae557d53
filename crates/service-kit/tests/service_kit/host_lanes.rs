//! Servers whose connections are spread over lanes.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::time::Duration;

use service_kit::exit::ExitCode;
use service_kit::host::Host;
use service_kit::lanes::LaneThreads;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use crate::certificates::{Authority, Files, secured};
use crate::probe::{Running, asked, counted, echo, gauged, host, in_time, open, plain, start};

type Client = tonic::client::Grpc<Channel>;
type Call = JoinHandle<Result<Response<String>, Status>>;

/// A server on two lanes. They live as long as what is returned beside it.
async fn on_two_lanes(mut host: Host) -> (Running, LaneThreads) {
    let threads = LaneThreads::start(NonZero::new(2).unwrap()).unwrap();
    host.process.lanes = threads.lanes();
    (start(host).await, threads)
}

/// The name of the thread that serves a client.
async fn lane_of(client: &mut Client) -> String {
    echo(client, asked("lane")).await.unwrap().into_inner()
}

/// Two clients that are served on different lanes.
async fn one_on_each(server: &mut Running) -> [Client; 2] {
    let mut clients = [plain(server).await, plain(server).await];
    let [first, second] = &mut clients;
    assert_ne!(lane_of(first).await, lane_of(second).await);
    server.next_begun().await;
    server.next_begun().await;
    clients
}

/// A call whose handler has begun, and waits as `how` says until what is returned beside it is dropped.
async fn held(server: &mut Running, client: &Client, how: &str) -> (Call, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let call = begun(server, client, format!("{how} {}", listener.local_addr().unwrap())).await;
    (call, in_time(listener.accept()).await.unwrap().0)
}

/// Waits until so many connections are open.
async fn connections_are(name: &str, count: f64) {
    let others = async {
        while gauged(name, "casetracker.server.connections", "").to_bits() != count.to_bits() {
            tokio::task::yield_now().await;
        }
    };
    in_time(others).await;
}

/// A call that has begun and goes on by itself.
async fn begun(
    server: &mut Running,
    client: &Client,
    question: String,
) -> JoinHandle<Result<Response<String>, Status>> {
    let mut client = client.clone();
    let asking = question.clone();
    let call = tokio::spawn(async move { echo(&mut client, asked(&asking)).await });
    assert_eq!(server.next_begun().await, question);
    call
}

#[tokio::test]
async fn connections_are_spread_over_the_lanes_and_the_emptier_one_gets_the_next() {
    let (server, _threads) = on_two_lanes(host("case-spread")).await;
    let mut by_lane = BTreeMap::<String, Vec<Client>>::new();
    for _ in 0..6 {
        let mut client = plain(&server).await;
        let lane = lane_of(&mut client).await;
        assert_eq!(lane_of(&mut client).await, lane, "a connection stays where it is");
        by_lane.entry(lane).or_default().push(client);
    }
    let counts: Vec<_> = by_lane.iter().map(|(lane, clients)| (lane.as_str(), clients.len())).collect();
    assert_eq!(counts, [("lane-0", 3), ("lane-1", 3)]);
    by_lane.get_mut("lane-1").unwrap().truncate(1);
    connections_are("case-spread", 4.0).await;
    for _ in 0..2 {
        let mut client = plain(&server).await;
        assert_eq!(lane_of(&mut client).await, "lane-1");
        by_lane.get_mut("lane-1").unwrap().push(client);
    }
}

#[tokio::test]
async fn without_lanes_everything_runs_where_the_server_was_started() {
    let server = start(host("case-test")).await;
    let here = std::thread::current().name().unwrap().to_owned();
    for _ in 0..2 {
        assert_eq!(lane_of(&mut plain(&server).await).await, here);
    }
}

#[tokio::test]
async fn servers_of_one_process_share_its_lanes_and_each_is_spread_over_all() {
    let threads = LaneThreads::start(NonZero::new(2).unwrap()).unwrap();
    let mut servers = Vec::new();
    for name in ["case-first", "case-second"] {
        let mut host = host(name);
        host.process.lanes = threads.lanes();
        servers.push(start(host).await);
    }
    let (mut lanes, mut clients) = ([Vec::new(), Vec::new()], Vec::new());
    // Alternately: a count over all servers alone would give each server a lane.
    for _ in 0..2 {
        for (server, lanes) in servers.iter().zip(&mut lanes) {
            let mut client = plain(server).await;
            lanes.push(lane_of(&mut client).await);
            clients.push(client);
        }
    }
    for lanes in &mut lanes {
        lanes.sort();
        assert_eq!(*lanes, ["lane-0", "lane-1"]);
    }
}

#[tokio::test]
async fn a_lane_that_is_blocked_keeps_no_other_from_answering_or_draining() {
    let mut host = host("case-test");
    // Not what ends anything here.
    host.process.settings.drain_timeout = Duration::from_hours(1);
    let (mut server, _threads) = on_two_lanes(host).await;
    let [blocked, free] = one_on_each(&mut server).await;
    let (blocked_call, block) = held(&mut server, &blocked, "block").await;
    assert_eq!(echo(&mut free.clone(), asked("hello")).await.unwrap().get_ref(), "hello");
    server.next_begun().await;
    let (call, wait) = held(&mut server, &free, "wait").await;
    server.shutdown.cancel();
    in_time(async { while TcpStream::connect(server.address).await.is_ok() {} }).await;
    drop(wait);
    assert!(in_time(call).await.unwrap().is_ok(), "it has finished while the other lane is blocked");
    assert!(!server.served.is_finished() && !blocked_call.is_finished());
    drop(block);
    assert!(in_time(blocked_call).await.unwrap().is_ok(), "and so has the other, as soon as it could");
    in_time(server.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_drain_ends_in_its_time_although_a_lane_is_blocked() {
    let mut host = host("case-test");
    host.process.settings.drain_timeout = Duration::from_millis(100);
    let (mut server, threads) = on_two_lanes(host).await;
    let [blocked, _free] = one_on_each(&mut server).await;
    let (call, block) = held(&mut server, &blocked, "block").await;
    server.stop().await;
    assert!(!call.is_finished(), "it hangs still");
    assert!(!threads.end(Duration::from_millis(10)), "and so does its lane");
    drop(block);
}

#[tokio::test]
async fn at_the_end_of_the_drain_the_connections_on_all_lanes_are_cut() {
    let mut host = host("case-test");
    host.process.settings.drain_timeout = Duration::from_millis(100);
    let (mut server, threads) = on_two_lanes(host).await;
    let clients = one_on_each(&mut server).await;
    let (mut streams, mut calls) = (Vec::new(), Vec::new());
    for client in &clients {
        let mut stream = open(&mut client.clone(), asked("endless")).await.unwrap();
        assert_eq!(in_time(stream.message()).await.unwrap().as_deref(), Some("first"));
        assert_eq!(server.next_begun().await, "endless");
        streams.push(stream);
        calls.push(begun(&mut server, client, "hang".to_owned()).await);
    }
    server.stop().await;
    for (mut stream, call) in streams.into_iter().zip(calls) {
        assert!(in_time(stream.message()).await.is_err());
        assert!(in_time(call).await.unwrap().is_err());
    }
    assert!(threads.end(Duration::from_secs(20)), "nothing is left of them");
}

#[tokio::test]
async fn whatever_ends_a_server_ends_its_connections_on_all_lanes() {
    let (mut server, _threads) = on_two_lanes(host("case-test")).await;
    let mut calls = Vec::new();
    for client in one_on_each(&mut server).await {
        calls.push(begun(&mut server, &client, "hang".to_owned()).await);
    }
    assert!(calls.iter().all(|call| !call.is_finished()));
    server.served.abort();
    for call in calls {
        assert!(in_time(call).await.unwrap().is_err());
    }
    in_time(async { while TcpStream::connect(server.address).await.is_ok() {} }).await;
}

#[tokio::test]
async fn a_server_ends_when_its_lanes_do() {
    let (mut server, threads) = on_two_lanes(host("case-test")).await;
    let _clients = one_on_each(&mut server).await;
    drop(threads);
    let exit = in_time(server.served).await.unwrap().unwrap_err();
    assert_eq!(exit.code, ExitCode::Unavailable);
    assert!(exit.message.starts_with("case-test cannot serve: "), "{exit}");
}

#[tokio::test]
async fn a_panic_on_a_lane_ends_one_call_and_neither_the_lane_nor_its_connections() {
    let (mut server, _threads) = on_two_lanes(host("case-test")).await;
    for mut client in one_on_each(&mut server).await {
        let lane = lane_of(&mut client).await;
        let status = echo(&mut client, asked("panic")).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal);
        assert_eq!(lane_of(&mut client).await, lane);
    }
}

#[tokio::test]
async fn the_limit_of_connections_is_one_for_all_lanes() {
    let (mut host, name) = (host("case-lanes-full"), "case-lanes-full");
    host.process.settings.limits.connections = 2;
    let (mut server, _threads) = on_two_lanes(host).await;
    let clients = one_on_each(&mut server).await;
    let mut third = in_time(TcpStream::connect(server.address)).await.unwrap();
    let mut heard = Vec::new();
    // With or without a farewell.
    let _ = in_time(third.read_to_end(&mut heard)).await;
    assert_eq!((heard.len(), counted(name, "casetracker.server.connections_refused", "connections")), (0, 1));
    drop(clients);
    connections_are(name, 0.0).await;
    one_on_each(&mut server).await;
}

#[tokio::test]
async fn on_every_lane_a_peer_that_says_nothing_is_closed() {
    let (mut host, name) = (host("case-lanes-silent"), "case-lanes-silent");
    host.process.settings.limits.handshake_timeout = Duration::from_millis(100);
    let (mut server, _threads) = on_two_lanes(host).await;
    let clients = one_on_each(&mut server).await;
    let mut silent = Vec::new();
    for _ in 0..2 {
        let mut peer = in_time(TcpStream::connect(server.address)).await.unwrap();
        peer.write_all(b"PRI * HTTP/2.0").await.unwrap();
        silent.push(peer);
    }
    for mut silent in silent {
        let mut heard = Vec::new();
        let _ = in_time(silent.read_to_end(&mut heard)).await;
    }
    assert_eq!(counted(name, "casetracker.server.connections_refused", "handshake_timeout"), 2);
    for mut client in clients {
        assert_eq!(echo(&mut client, asked("hello")).await.unwrap().get_ref(), "hello", "this one has spoken");
    }
}

#[tokio::test]
async fn tls_is_spoken_on_the_lanes() {
    let authority = Authority::new("authority");
    let files = Files::of(&authority.server());
    let mut host = host("case-test");
    host.process.settings.tls = files.settings();
    let (server, _threads) = on_two_lanes(host).await;
    let (mut lanes, mut clients) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let mut client = secured(server.address, authority.client(None)).await.unwrap();
        lanes.push(lane_of(&mut client).await);
        clients.push(client);
    }
    lanes.sort();
    assert_eq!(lanes, ["lane-0", "lane-1"]);
}
