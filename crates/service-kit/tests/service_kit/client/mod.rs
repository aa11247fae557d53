//! Outgoing calls, to servers that do what a script says.

mod attempts;
mod circuit;
mod document;
mod failures;
mod scripted;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use service_kit::client::policy::{
    Breaking, Budget, KeepAlive, Logged, Method, Policy, Repetition, Retry, Severity, Shape, Thresholds,
};
use service_kit::client::{CallError, Outgoing, outgoing};
use service_kit::clock::Entropy;
use service_kit::identity::Identity;
use service_kit::program::Process;
use tonic::{Request, Status};
use tracing_subscriber::layer::SubscriberExt;

use crate::probe::{ECHO, Lines, STREAM, in_time, process};

/// Unary, and declared as one that may not be sent twice.
pub(crate) const ONCE: &str = "/test.v1.Probe/Once";

/// The policy of a probe: what other rooms' tests call each other with.
pub(crate) const PROBE: Policy = Policy {
    name: "probe",
    purpose: "tests",
    connect_timeout: Some(Duration::from_secs(2)),
    call_timeout: Duration::from_secs(10),
    keep_alive: Some(KeepAlive { interval: Duration::from_secs(10), timeout: Duration::from_secs(5) }),
    methods: &[
        Method { name: "test.v1.Probe/Echo", shape: Shape::Repeatable },
        Method { name: "test.v1.Probe/Once", shape: Shape::Once },
        Method { name: "test.v1.Probe/Stream", shape: Shape::Stream },
    ],
    repetition: Repetition::Calls(RETRY),
    breaking: Breaking::After(Thresholds {
        failures_in_a_row: 3,
        open_for: Duration::from_secs(30),
        expiry_counts_after: Duration::from_secs(1),
    }),
    caller_sees: "what the test says",
    logged: Logged::Here(Severity::Warn),
    metrics: &[],
};

const RETRY: Retry = Retry {
    attempts_max: 3,
    wait_first: Duration::from_millis(1),
    wait_max: Duration::from_millis(4),
    budget: Budget { per_second: 1_000, percent_of_calls: 0 },
};

/// One attempt, and no breaker: each call stands for itself.
const PLAIN: Policy = Policy { repetition: Repetition::Never("tests"), breaking: Breaking::Never("tests"), ..PROBE };

/// No breaker.
const RETRYING: Policy = Policy { breaking: Breaking::Never("tests"), ..PROBE };

const CLERK: Identity = Identity { name: "clerk" };

/// Every wait is nothing, or the longest.
struct Always(u8);

impl Entropy for Always {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

/// A client of strings.
#[derive(Clone)]
struct Client {
    outgoing: Outgoing,
}

impl Client {
    fn new(policy: &'static Policy, url: &str) -> Self {
        Self::named(CLERK, policy, url)
    }

    fn named(identity: Identity, policy: &'static Policy, url: &str) -> Self {
        crate::collector::collector();
        Self::of(&Process { entropy: Arc::new(Always(0)), ..process() }, identity, policy, url)
    }

    fn of(process: &Process, identity: Identity, policy: &'static Policy, url: &str) -> Self {
        Self { outgoing: outgoing(process, identity, policy, url).unwrap() }
    }

    async fn echo(&self) -> Result<String, Status> {
        self.unary(ECHO, Request::new("hello".to_owned())).await
    }

    async fn once(&self) -> Result<String, Status> {
        self.unary(ONCE, Request::new("hello".to_owned())).await
    }

    async fn unary(&self, path: &'static str, request: Request<String>) -> Result<String, Status> {
        let mut grpc = tonic::client::Grpc::new(self.outgoing.clone());
        crate::probe::unary(&mut grpc, path, request).await.map(tonic::Response::into_inner)
    }

    async fn stream(&self) -> Result<tonic::Streaming<String>, Status> {
        let mut grpc = tonic::client::Grpc::new(self.outgoing.clone());
        in_time(grpc.ready()).await?;
        let path = PathAndQuery::from_static(STREAM);
        let codec = tonic_prost::ProstCodec::<String, String>::default();
        let opened = in_time(grpc.server_streaming(Request::new("hello".to_owned()), path, codec)).await;
        opened.map(tonic::Response::into_inner)
    }
}

/// The failed call behind a status.
fn failed(status: &Status) -> &CallError {
    CallError::of(status).unwrap_or_else(|| panic!("no dependency failed: {status:?}"))
}

/// Moves the clock of the test's runtime, which nothing waits for.
async fn skip(time: Duration) {
    let _frozen = Frozen::now();
    tokio::time::advance(time).await;
}

/// The clock stands still; it goes on also where the test no longer waits for that.
struct Frozen;

impl Frozen {
    fn now() -> Self {
        tokio::time::pause();
        Self
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        tokio::time::resume();
    }
}

/// Does the work while seconds pass in milliseconds: for what ends only because its time is up.
async fn as_time_flies<T>(work: impl Future<Output = T>) -> T {
    let flying = async {
        loop {
            // Real time, in which messages arrive.
            tokio::time::sleep(Duration::from_millis(5)).await;
            skip(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        done = work => done,
        never = flying => never,
    }
}

/// A subscriber for this thread alone: the test's runtime has no other.
fn logging(lines: &Lines) -> tracing::subscriber::DefaultGuard {
    tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.layer()))
}
