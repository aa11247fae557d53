//! Where a consumer stands, for operators who ask.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use service_kit::diagnostics::FeedReport;
use service_kit::lag::Arrivals;

/// Where a consumer stands: what it has heard of the feed, and whether it hears it now.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    connected: AtomicBool,
    head: AtomicU64,
    arrivals: Mutex<Arrivals>,
}

impl Standing {
    /// The link is there, or is not.
    pub(crate) fn connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Relaxed);
    }

    /// The feed says how long it is; the consumer is at `position`.
    pub(crate) fn heard(&self, head: u64, position: u64) {
        self.head.store(head, Ordering::Relaxed);
        let mut arrivals = self.lock();
        arrivals.forget(position);
        arrivals.arrived(head, Instant::now());
    }

    /// The feed was opened anew, perhaps that of another store: what was known of it before counts no more.
    pub(crate) fn opened(&self) {
        *self.lock() = Arrivals::default();
    }

    /// The same for operators. Without a link nobody knows what else the feed has.
    pub(crate) fn report(&self, consumer: &str, position: u64) -> FeedReport {
        let waited = self.lock().waited(position, Instant::now());
        FeedReport {
            consumer: consumer.to_owned(),
            position,
            head: self.head.load(Ordering::Relaxed).max(position),
            lag_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
            connected: self.connected.load(Ordering::Relaxed),
        }
    }

    /// Nobody panics while holding it.
    fn lock(&self) -> MutexGuard<'_, Arrivals> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_until_it_is_there() {
        let standing = Standing::default();
        assert_eq!(standing.report("query", 3).head, 3, "before the feed was heard");
        standing.connected(true);
        standing.heard(10, 4);
        let report = standing.report("query", 4);
        assert_eq!((report.consumer.as_str(), report.position, report.head, report.connected), ("query", 4, 10, true));
        standing.connected(false);
        let report = standing.report("query", 10);
        assert_eq!((report.lag_ms, report.head, report.connected), (0, 10, false));
        standing.opened();
        standing.heard(2, 0);
        assert_eq!(standing.report("query", 0).head, 2, "a feed of another store");
    }
}
