//! The shutdown of one server.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Host;
use super::connection::Ends;
use crate::layers::Shared;
use crate::telemetry::names;

/// How long connections that were cut off may take to notice.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// How long peers without a call may take to say goodbye: they have been told (GOAWAY), and a living one answers at once.
const FAREWELL: Duration = Duration::from_secs(1);

/// How often it is looked whether any call is left.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// A shutdown of one server.
pub(super) struct Drain<'a> {
    host: &'a Host,
    shared: &'a Shared,
    begun: Option<Instant>,
    /// Calls that had to be cut off.
    cut_off: i64,
}

impl<'a> Drain<'a> {
    pub(super) const fn new(host: &'a Host, shared: &'a Shared) -> Self {
        Self { host, shared, begun: None, cut_off: 0 }
    }

    /// Waits for `shutdown`, has the server stop, and bounds how long that takes: a hung handler, an open stream or a
    /// peer that never answers would hold it up for ever (hyper#4170).
    pub(super) async fn run(&mut self, shutdown: &CancellationToken, ends: &Ends) {
        shutdown.cancelled().await;
        self.begun = Some(Instant::now());
        self.host.health.drain();
        let (name, in_flight) = (self.host.identity.name, self.shared.metrics.active());
        let drain_timeout = self.host.process.settings.drain_timeout;
        let drain_timeout_ms = millis(drain_timeout);
        info!(name: names::DRAIN_STARTED, in_flight, drain_timeout_ms, "{name} takes no more calls; {in_flight} in flight");
        self.shared.draining.cancel();
        ends.stop.cancel();
        // Elapsed: some call has not ended in time.
        let _ = tokio::time::timeout(drain_timeout, self.calls_to_end()).await;
        self.cut_off = self.shared.metrics.active();
        ends.cut.cancel();
        tokio::time::sleep(CUT_GRACE).await;
    }

    /// Waits until no call has been in flight for a while. Usually the server itself ends before, with its last connection.
    async fn calls_to_end(&self) {
        let mut looks = tokio::time::interval(LOOK_INTERVAL);
        let mut idle_since = None;
        loop {
            let now = looks.tick().await;
            if self.shared.metrics.active() > 0 {
                idle_since = None;
            } else if now.duration_since(*idle_since.get_or_insert(now)) >= FAREWELL {
                return;
            }
        }
    }

    pub(super) fn log(&self) {
        let Some(begun) = self.begun else { return };
        let (name, cut_off, duration_ms) = (self.host.identity.name, self.cut_off, millis(begun.elapsed()));
        if cut_off == 0 {
            info!(name: names::DRAIN_FINISHED, cut_off, duration_ms, "{name} has finished every call");
        } else {
            warn!(name: names::DRAIN_FINISHED, cut_off, duration_ms, "{name} has cut off {cut_off} calls");
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
