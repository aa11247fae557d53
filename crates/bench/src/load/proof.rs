//! The load counts what happens: against a server whose every call is known.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::*;

const CHECK: &str = "/grpc.health.v1.Health/Check";

const PLACE: Place = Place { threads: 2, cores: None };

/// A server that counts its calls, and stands still for a while from the first one on.
#[derive(Debug, Clone)]
struct Counting {
    calls: Arc<AtomicU64>,
    still_for: Duration,
    first_call: Arc<OnceLock<Instant>>,
}

#[tonic::async_trait]
impl Health for Counting {
    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let first_call = *self.first_call.get_or_init(Instant::now);
        tokio::time::sleep_until((first_call + self.still_for).into()).await;
        Ok(Response::new(HealthCheckResponse::default()))
    }

    type WatchStream = tokio_stream::Pending<Result<HealthCheckResponse, Status>>;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("not counted"))
    }
}

/// The server in a thread of its own, until its handle goes.
struct Running {
    address: SocketAddr,
    calls: Arc<AtomicU64>,
    _stop: oneshot::Sender<()>,
}

fn serve(still_for: Duration) -> Running {
    let (calls, (stop, stopped)) = (Arc::<AtomicU64>::default(), oneshot::channel());
    let counting = Counting { calls: Arc::clone(&calls), still_for, first_call: Arc::default() };
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            tell.send(listener.local_addr().expect("an address")).expect("the test waits for it");
            let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
            let server = Server::builder().add_service(HealthServer::new(counting));
            let stopped = async { stopped.await.unwrap_or_default() };
            server.serve_with_incoming_shutdown(incoming, stopped).await.expect("it serves");
        });
    });
    Running { address: told.recv().expect("the server starts"), calls, _stop: stop }
}

fn checks(address: SocketAddr) -> Workload {
    Workload::new(address, CHECK, |_| Bytes::new())
}

#[test]
fn a_fill_makes_exactly_the_calls_that_it_was_asked_for() {
    let server = serve(Duration::ZERO);
    let fill = Fill { calls: 501, in_flight: 16, connections: 3 };
    let outcome = fill.run(&checks(server.address), &PLACE).expect("it runs");
    assert_eq!((outcome.completed, outcome.failed(), server.calls.load(Ordering::Relaxed)), (501, 0, 501));
    assert!(outcome.rate() > 0.0);
}

#[test]
fn a_closed_loop_counts_what_the_server_did() {
    let server = serve(Duration::ZERO);
    let closed = Closed { in_flight: 8, connections: 4, warm_up: Duration::ZERO, window: Duration::from_millis(300) };
    let outcome = closed.run(&checks(server.address), &PLACE).expect("it runs");
    let answered = server.calls.load(Ordering::Relaxed);
    assert!(outcome.completed > 0 && outcome.failed() == 0, "{outcome:?}");
    // Each of the eight callers may have one call beyond the end.
    assert!(
        (answered - 8..=answered).contains(&outcome.completed),
        "{answered} answered, {} counted",
        outcome.completed
    );
}

#[test]
fn refused_calls_are_counted_by_what_they_were_told_and_never_as_results() {
    let server = serve(Duration::ZERO);
    let unknown = Workload::new(server.address, "/grpc.health.v1.Health/NoSuchMethod", |_| Bytes::new());
    let fill = Fill { calls: 20, in_flight: 4, connections: 2 };
    let outcome = fill.run(&unknown, &PLACE).expect("it runs");
    assert_eq!((outcome.completed, outcome.latency.len(), outcome.failed()), (0, 0, 20));
    assert!(outcome.failures.values().all(|failure| !failure.typed), "tonic itself gives no reason");
}

#[test]
fn nobody_there_is_an_error_and_no_result() {
    let closed = Closed { in_flight: 8, connections: 4, warm_up: Duration::ZERO, window: Duration::from_secs(1) };
    let nobody = crate::server::free_address().expect("a port");
    let error = closed.run(&checks(nobody), &PLACE).expect_err("nobody listens");
    assert!(error.line().contains(&nobody.to_string()), "{}", error.line());
}

/// Calls are due every 2 ms for 400 ms; the server stands still for the first 300 ms.
#[test]
fn an_open_loop_charges_a_pause_to_every_call_that_was_due_in_it() {
    let (pause, window) = (Duration::from_millis(300), Duration::from_millis(400));
    let open = Open { rate: 500.0, in_flight_max: 1_000, connections: 2, warm_up: Duration::ZERO, window };
    let server = serve(pause);
    let outcome = open.run(&checks(server.address), &PLACE).expect("it runs");
    assert_eq!((outcome.offered, outcome.failed()), (200, 0), "as planned, whatever the server did");
    let limit = Duration::from_millis(100);
    let charged = outcome.slower_than(limit);
    assert!(charged >= 50, "about 100 calls were due more than 100 ms before the end of the pause: {charged}");

    // Control: a caller that waits for its answers makes one call in the whole pause, and hides the rest of it.
    let server = serve(pause);
    let closed = Closed { in_flight: 1, connections: 1, warm_up: Duration::ZERO, window };
    let hidden = closed.run(&checks(server.address), &PLACE).expect("it runs").slower_than(limit);
    assert!((1..charged).contains(&hidden), "{hidden} of the closed loop, {charged} of the open one");
}

#[test]
fn calls_beyond_the_limit_of_the_client_are_not_sent_and_are_counted() {
    let server = serve(Duration::from_millis(300));
    let (warm_up, window) = (Duration::ZERO, Duration::from_millis(200));
    let open = Open { rate: 1_000.0, in_flight_max: 10, connections: 2, warm_up, window };
    let outcome = open.run(&checks(server.address), &PLACE).expect("it runs");
    let withheld = outcome.failures.get(WITHHELD).map_or(0, |failure| failure.count);
    assert_eq!(withheld + server.calls.load(Ordering::Relaxed), 200, "each call was sent or withheld");
    assert!(withheld > 100, "most of them, while the server stood still: {withheld}");
}
