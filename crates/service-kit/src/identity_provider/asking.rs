//! How those who wait for newer keys and the one who fetches them find each other: one fetch for all, and not too often.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use super::fetch::FETCH_TIMEOUT;

/// The least time between two fetches that somebody has asked for.
const ASKING_INTERVAL: Duration = Duration::from_secs(10);

/// How long somebody waits for one fetch: a little longer than it may take.
const WAIT_MAX: Duration = FETCH_TIMEOUT.saturating_add(Duration::from_secs(1));

/// How many wait at once. Each keeps a place among the calls in flight, and anybody can make up a key that nobody knows: while
/// the provider hangs, callers with known keys must not find all places taken.
const WAITING_MAX: usize = 64;

/// The counter between them.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// Whether anybody fetches: a file is looked at often enough.
    possible: bool,
    state: Mutex<AskingState>,
    wanted: Notify,
}

#[derive(Debug)]
struct AskingState {
    under_way: bool,
    /// When somebody last made the keeper fetch.
    asked: Option<Instant>,
    /// How many fetches are over.
    over: watch::Sender<u64>,
}

impl Default for AskingState {
    fn default() -> Self {
        Self { under_way: false, asked: None, over: watch::channel(0).0 }
    }
}

impl Asking {
    /// Where there is a keeper that fetches when it is asked to.
    pub(super) fn possible() -> Self {
        Self { possible: true, ..Self::default() }
    }

    /// Waits for a fetch: the one that is under way, and one more if `is_done` is not content with it and the last that
    /// somebody asked for is long enough ago. Comes back at once where nothing is fetched.
    pub(super) async fn ask(&self, is_done: impl Fn() -> bool) {
        for _ in 0..2 {
            if !self.possible || is_done() {
                return;
            }
            let Some(mut over) = self.join() else { return };
            // A keeper that has gone never says that it is over.
            if !matches!(timeout(WAIT_MAX, over.changed()).await, Ok(Ok(()))) {
                return;
            }
        }
    }

    /// A seat at the fetch that is under way or, if it is allowed now, at one that is begun for it; none where all are taken.
    fn join(&self) -> Option<watch::Receiver<u64>> {
        let mut state = self.lock();
        if state.over.receiver_count() >= WAITING_MAX {
            return None;
        }
        if !state.under_way {
            let now = Instant::now();
            if state.asked.is_some_and(|asked| now.duration_since(asked) < ASKING_INTERVAL) {
                return None;
            }
            (state.asked, state.under_way) = (Some(now), true);
            self.wanted.notify_one();
        }
        Some(state.over.subscribe())
    }

    pub(super) fn begun(&self) {
        self.lock().under_way = true;
    }

    pub(super) fn finished(&self) {
        let mut state = self.lock();
        state.under_way = false;
        state.over.send_modify(|count| *count += 1);
    }

    pub(super) async fn asked(&self) {
        self.wanted.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, AskingState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_for_a_keeper_that_has_gone() {
        let (asking, start) = (Asking::possible(), Instant::now());
        asking.begun();
        tokio::time::timeout(Duration::from_hours(1), asking.ask(|| false)).await.expect("it ends");
        assert_eq!(start.elapsed().as_secs(), WAIT_MAX.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_goes_on_as_soon_as_the_fetch_is_over() {
        let (asking, start) = (Asking::possible(), Instant::now());
        let keeper = async {
            asking.asked().await;
            asking.begun();
            tokio::time::sleep(FETCH_TIMEOUT).await;
            asking.finished();
        };
        tokio::join!(keeper, asking.ask(|| false));
        assert_eq!(start.elapsed().as_secs(), FETCH_TIMEOUT.as_secs());
    }

    #[test]
    fn only_so_many_wait_for_a_provider_that_hangs() {
        let asking = Asking::possible();
        let seats: Vec<_> = (0..WAITING_MAX).map_while(|_| asking.join()).collect();
        assert_eq!(seats.len(), WAITING_MAX);
        assert!(asking.join().is_none(), "one more does not wait");
        drop(seats);
        assert!(asking.join().is_some(), "control: places become free again");
    }
}
