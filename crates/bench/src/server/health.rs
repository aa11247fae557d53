//! Whether a server says that it is well, and how long it takes to say so.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::error::Error;
use crate::load::{Place, block_on, channel, classify, histogram, note};

/// How often a server under load is asked.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// A probe that takes longer than this has failed: supervisors are no more patient.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// Whether a server is ready now. Who does not answer is not.
pub(crate) fn is_ready(address: SocketAddr) -> bool {
    let asked = block_on(async {
        let mut client = HealthClient::new(channel(address).await?);
        let request = HealthCheckRequest { service: "readiness".to_owned() };
        let answer = client.check(request).await.map_err(Error::call("Health/Check"))?;
        Ok(answer.into_inner().status() == ServingStatus::Serving)
    });
    asked.unwrap_or(false)
}

/// Whether anybody listens at an address.
pub(crate) fn listens(address: SocketAddr) -> bool {
    std::net::TcpStream::connect(address).is_ok()
}

/// Asks a server for its health again and again, over a connection of its own.
#[derive(Debug)]
pub(crate) struct Probe {
    thread: thread::JoinHandle<Result<Probed, Error>>,
    done: Arc<AtomicBool>,
}

/// What the answers were.
#[derive(Debug)]
pub(crate) struct Probed {
    /// Nanoseconds of the answers in time.
    pub(crate) latency: Histogram<u64>,
    /// Questions without an answer in time, by what came instead.
    pub(crate) unanswered: BTreeMap<String, u64>,
    /// Answers other than SERVING.
    pub(crate) unwell: u64,
}

impl Probe {
    /// Begins to ask.
    pub(crate) fn start(address: SocketAddr, place: Place) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&done);
        let thread = thread::spawn(move || {
            place.keep_to_cores()?;
            block_on(ask(address, &seen))
        });
        Self { thread, done }
    }

    /// Asks no more.
    pub(crate) fn finish(self) -> Result<Probed, Error> {
        self.done.store(true, Ordering::Relaxed);
        let panicked = |_| Error::Unmeasurable("a bug: the probe panicked".to_owned());
        self.thread.join().map_err(panicked)?
    }
}

async fn ask(address: SocketAddr, done: &AtomicBool) -> Result<Probed, Error> {
    let mut client = HealthClient::new(channel(address).await?);
    let mut probed = Probed { latency: histogram()?, unanswered: BTreeMap::new(), unwell: 0 };
    while !done.load(Ordering::Relaxed) {
        let request = HealthCheckRequest { service: "readiness".to_owned() };
        let begun = Instant::now();
        match tokio::time::timeout(ANSWER_MAX, client.check(request)).await {
            Ok(Ok(answer)) => {
                note(&mut probed.latency, begun.elapsed());
                probed.unwell += u64::from(answer.get_ref().status() != ServingStatus::Serving);
            }
            Ok(Err(status)) => *probed.unanswered.entry(classify(&status).label).or_default() += 1,
            Err(_) => *probed.unanswered.entry(format!("nothing within {ANSWER_MAX:?}")).or_default() += 1,
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
    Ok(probed)
}
