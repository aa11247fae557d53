//! How fast a connection is read whose calls are refused.
//!
//! A refusal is cheap but not free: a stream, a status, its details. A server that is asked for several times of what it can do
//! would spend itself on saying no. So it says no as often as it can afford, and reads the connections that go on asking a
//! little later: their calls wait in the sockets and in the clients meanwhile, and what is admitted gets done
//! (`docs/adr/0017`). Everybody else's connections are read as ever. Long before it has to refuse, a server that is crowded
//! reads whoever brings more a moment later.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::metrics::Counter;
use tokio::time::Instant;

use crate::identity::Identity;
use crate::telemetry::{meter, names};

/// How much may be used up ahead of time: a burst is refused at once, as any caller would want it.
const AHEAD_MAX: Duration = Duration::from_millis(250);

/// How long one pause lasts at most: pings, cancellations and health checks on the same connection wait as well.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// How long a connection is not read that brings calls to a crowded server: the shortest time that the runtime's clock tells.
/// A thousand times a second every connection may still bring some.
const CROWDED_PAUSE: Duration = Duration::from_millis(1);

/// What one server spends on refusals: a leaky bucket (GCRA), shared by its connections.
#[derive(Debug)]
pub(crate) struct Pace {
    start: Instant,
    /// What one refusal uses up, in nanoseconds.
    cost: u64,
    /// Until when everything is used up, in nanoseconds since `start`.
    used_up_to: AtomicU64,
    pauses: Counter<u64>,
}

impl Pace {
    /// `per_second`: refusals that the server can afford, at least 1.
    pub(crate) fn new(identity: Identity, per_second: usize, now: Instant) -> Arc<Self> {
        let pauses = meter(identity)
            .u64_counter(names::SERVER_READS_PAUSED)
            .with_unit("{pause}")
            .with_description("How often a connection was read later because the server had too much to do.")
            .build();
        let cost = nanos(Duration::from_secs(1)) / u64::try_from(per_second.max(1)).unwrap_or(u64::MAX);
        Arc::new(Self { start: now, cost, used_up_to: AtomicU64::new(0), pauses })
    }

    /// One more refusal at `now`; how long its connection should not be read, if it should not.
    fn spend(&self, now: Instant) -> Option<Duration> {
        let now = nanos(now.saturating_duration_since(self.start));
        // No debt beyond the longest pause: it would be held against who comes later.
        let most = now.saturating_add(nanos(AHEAD_MAX + PAUSE_MAX));
        let used = |before: u64| before.max(now).saturating_add(self.cost).min(most);
        let before = self
            .used_up_to
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |before| Some(used(before)))
            .unwrap_or(now);
        let ahead = Duration::from_nanos(used(before).saturating_sub(now));
        ahead.checked_sub(AHEAD_MAX).filter(|pause| !pause.is_zero()).map(|pause| pause.min(PAUSE_MAX))
    }
}

/// The brake of one connection: whoever refuses a call of it steps on it, and whoever reads it looks.
#[derive(Debug)]
pub(crate) struct Brake {
    pace: Arc<Pace>,
    /// Not to be read before this, in nanoseconds since the server's start.
    until: AtomicU64,
}

impl Brake {
    pub(crate) fn new(pace: Arc<Pace>) -> Arc<Self> {
        Arc::new(Self { pace, until: AtomicU64::new(0) })
    }

    /// A call of this connection is refused, for there is too much to do.
    pub(crate) fn refused(&self, now: Instant) {
        if let Some(pause) = self.pace.spend(now) {
            self.hold(now + pause);
        }
    }

    /// A call of this connection is let in, and there are many already.
    pub(crate) fn crowded(&self, now: Instant) {
        self.hold(now + CROWDED_PAUSE);
    }

    fn hold(&self, until: Instant) {
        let until = nanos(until.saturating_duration_since(self.pace.start));
        if self.until.fetch_max(until, Ordering::Relaxed) == 0 {
            self.pace.pauses.add(1, &[]);
        }
    }

    /// When it may be read again, if not at once. Asks for the time only if there was a refusal.
    pub(super) fn pause(&self) -> Option<Instant> {
        let until = self.until.load(Ordering::Relaxed);
        if until == 0 {
            return None;
        }
        let until_then = self.pace.start + Duration::from_nanos(until);
        if until_then > Instant::now() {
            return Some(until_then);
        }
        // Over. A refusal that comes in between keeps its own.
        let _ = self.until.compare_exchange(until, 0, Ordering::Relaxed, Ordering::Relaxed);
        None
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PER_SECOND: usize = 2_000;

    fn pace() -> Arc<Pace> {
        Pace::new(Identity { name: "case-pace" }, PER_SECOND, Instant::now())
    }

    /// What a burst may use up at once.
    fn burst() -> u64 {
        nanos(AHEAD_MAX) / pace().cost
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_refusals_holds_nobody_up_and_what_comes_beyond_is_read_later() {
        let brake = Brake::new(pace());
        for _ in 0..burst() {
            brake.refused(Instant::now());
        }
        assert_eq!(brake.pause(), None);
        for _ in 0..20 {
            brake.refused(Instant::now());
        }
        let over = Duration::from_nanos(20 * brake.pace.cost);
        assert_eq!(brake.pause(), Some(Instant::now() + over));
        tokio::time::advance(over).await;
        assert_eq!(brake.pause(), None, "and then it is read again");
    }

    #[tokio::test(start_paused = true)]
    async fn no_pause_is_longer_than_a_ping_may_wait() {
        let brake = Brake::new(pace());
        for _ in 0..1_000_000 {
            brake.refused(Instant::now());
        }
        assert_eq!(brake.pause(), Some(Instant::now() + PAUSE_MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_holds_up_who_brings_more_for_a_moment_and_uses_up_no_refusals() {
        let brake = Brake::new(pace());
        brake.crowded(Instant::now());
        assert_eq!(brake.pause(), Some(Instant::now() + CROWDED_PAUSE));
        tokio::time::advance(CROWDED_PAUSE).await;
        assert_eq!(brake.pause(), None);
        for _ in 0..burst() {
            brake.refused(Instant::now());
        }
        assert_eq!(brake.pause(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_not_held_against_who_comes_after_it() {
        let brake = Brake::new(pace());
        for _ in 0..1_000_000 {
            brake.refused(Instant::now());
        }
        tokio::time::advance(AHEAD_MAX + PAUSE_MAX).await;
        brake.refused(Instant::now());
        assert_eq!(brake.pause(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_connections_of_a_server_share_what_it_can_afford_and_only_those_that_are_refused_wait() {
        let pace = pace();
        let [greedy, hasty, modest] = [(); 3].map(|()| Brake::new(Arc::clone(&pace)));
        for _ in 0..burst() {
            greedy.refused(Instant::now());
        }
        hasty.refused(Instant::now());
        assert_eq!((greedy.pause(), modest.pause()), (None, None));
        assert!(hasty.pause().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_as_the_server_can_afford_are_never_held_up() {
        let brake = Brake::new(pace());
        for _ in 0..10 * PER_SECOND {
            brake.refused(Instant::now());
            assert_eq!(brake.pause(), None);
            tokio::time::advance(Duration::from_nanos(brake.pace.cost)).await;
        }
    }
}
