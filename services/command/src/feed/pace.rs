//! How soon one batch follows another.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Events in one batch from which on more are expected soon: a single caller, who waits for each answer, never gets there.
const BUSY_EVENTS: usize = 4;

/// The least time between two batches while many commands are committed.
///
/// A batch costs both sides about as much as ten of its events do: a read, a message, a transaction, and in a consumer that
/// syncs, a sync. Without a pause a consumer that keeps up gets batches of a few events, and spends most of its time on the
/// batches. It is a fifth of what a reader who waits for his own write may wait.
const INTERVAL: Duration = Duration::from_millis(2);

/// When the next batch may be read.
#[derive(Debug, Default)]
pub(super) struct Pace {
    not_before: Option<Instant>,
}

impl Pace {
    /// A batch of so many events has been read just now; `is_behind` when more wait already, as in a rebuild.
    pub(super) fn read(&mut self, events: usize, is_behind: bool) {
        self.not_before = (events >= BUSY_EVENTS && !is_behind).then(|| Instant::now() + INTERVAL);
    }

    /// Waits until the next batch may be read: not at all after a pause, nor for a consumer that is behind.
    pub(super) async fn wait(&mut self) {
        if let Some(time) = self.not_before.take() {
            sleep_until(time).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long after a batch the next one may be read, if events come at once.
    async fn waited(events: usize, is_behind: bool) -> Duration {
        let mut pace = Pace::default();
        let begun = Instant::now();
        pace.read(events, is_behind);
        pace.wait().await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_feed_gathers_events_for_a_moment() {
        assert!(waited(BUSY_EVENTS, false).await >= INTERVAL);
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_caller_and_a_consumer_that_is_behind_wait_for_nothing() {
        assert_eq!(waited(BUSY_EVENTS - 1, false).await, Duration::ZERO);
        assert_eq!(waited(4_096, true).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_after_a_pause_is_sent_at_once() {
        let mut pace = Pace::default();
        pace.read(BUSY_EVENTS, false);
        tokio::time::advance(INTERVAL).await;
        let begun = Instant::now();
        pace.wait().await;
        assert!(begun.elapsed() < INTERVAL);
    }
}
