//! How many calls each caller may make, and how many each has made.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use rpc_error::{Failure, Reason};

use crate::settings::LimitSettings;

/// The key of the configuration, as callers and operators read it.
pub(super) const CAUSE: &str = "calls_per_second_per_caller";

/// How many callers are told apart at once. More than that within the few seconds that a caller is remembered is a flood of
/// made-up names (where they are believed): those share [`SHARED_BUCKETS`].
const CALLERS_MAX: usize = 65_536;
/// See [`CALLERS_MAX`].
const SHARED_BUCKETS: u64 = 1_024;
/// After how many calls the callers are forgotten that have not come for a while.
const CALLS_BETWEEN_CLEANINGS: u32 = 1_024;

/// By actor.
type Accounts<C> = RateLimiter<Arc<str>, DashMapStateStore<Arc<str>>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// How many calls each caller may make, and how many each has made.
pub(crate) struct CallerRates<C: Clock = DefaultClock> {
    limiter: Accounts<C>,
    clock: C,
    per_second: u32,
    calls: AtomicU32,
    is_full: AtomicBool,
    hasher: RandomState,
}

impl CallerRates {
    /// As configured; none if there is no limit.
    pub(crate) fn new(limits: &LimitSettings) -> Option<Self> {
        Self::with_clock(limits, DefaultClock::default())
    }
}

impl<C: Clock + Clone> CallerRates<C> {
    fn with_clock(limits: &LimitSettings, clock: C) -> Option<Self> {
        let per_second = NonZeroU32::new(limits.calls_per_second_per_caller)?;
        let burst = u32::try_from(limits.calls_burst_per_caller).unwrap_or(u32::MAX);
        let quota = Quota::per_second(per_second).allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        Some(Self {
            limiter: RateLimiter::new(quota, DashMapStateStore::default(), clock.clone()),
            clock,
            per_second: per_second.get(),
            calls: AtomicU32::new(0),
            is_full: AtomicBool::new(false),
            hasher: RandomState::new(),
        })
    }

    /// Counts a call; the time until the next one is allowed if this one is not.
    pub(super) fn count(&self, actor: &str) -> Result<(), Duration> {
        if self.calls.fetch_add(1, Ordering::Relaxed) % CALLS_BETWEEN_CLEANINGS == CALLS_BETWEEN_CLEANINGS - 1 {
            self.clean();
        }
        let key = if self.is_full.load(Ordering::Relaxed) { self.shared(actor) } else { Arc::from(actor) };
        self.limiter.check_key(&key).map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// Forgets the callers whose account is level again: nothing tells them from new ones.
    fn clean(&self) {
        self.limiter.retain_recent();
        self.is_full.store(self.limiter.len() >= CALLERS_MAX, Ordering::Relaxed);
    }

    /// The account that a caller shares with others while there are too many. The space keeps it apart from every actor.
    fn shared(&self, actor: &str) -> Arc<str> {
        Arc::from(format!("shared {}", self.hasher.hash_one(actor) % SHARED_BUCKETS))
    }

    pub(super) fn failure(&self, wait: Duration) -> Failure {
        let limit = self.per_second;
        let text = format!(
            "you make more than {limit} calls a second (limits.{CAUSE}): the next one is allowed in {} ms",
            wait.as_millis() + 1
        );
        Failure::new(Reason::RateLimited, text)
            .with_metadata("cause", CAUSE)
            .with_metadata("scope", "caller")
            .with_metadata("limit", limit.to_string())
            .with_quota("caller", &format!("limits.{CAUSE} = {limit}"))
            .with_retry_after(wait)
    }
}

impl<C: Clock> std::fmt::Debug for CallerRates<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallerRates").field("per_second", &self.per_second).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn rates(per_second: u32, burst: usize) -> (CallerRates<FakeRelativeClock>, FakeRelativeClock) {
        let mut limits = crate::settings::Settings::defaults().unwrap().limits;
        (limits.calls_per_second_per_caller, limits.calls_burst_per_caller) = (per_second, burst);
        let clock = FakeRelativeClock::default();
        (CallerRates::with_clock(&limits, clock.clone()).unwrap(), clock)
    }

    #[test]
    fn a_caller_has_its_burst_and_then_its_rate_and_is_told_the_true_wait() {
        let (rates, clock) = rates(10, 3);
        for _ in 0..3 {
            assert_eq!(rates.count("amira"), Ok(()));
        }
        let wait = rates.count("amira").unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(rates.count("budi"), Ok(()), "others are not held up");
        clock.advance(Duration::from_millis(99));
        assert_eq!(rates.count("amira"), Err(Duration::from_millis(1)), "not a moment earlier");
        clock.advance(Duration::from_millis(1));
        assert_eq!(rates.count("amira"), Ok(()));
        assert!(rates.count("amira").is_err());
    }

    #[test]
    fn no_limit_is_the_default() {
        assert!(CallerRates::new(&crate::settings::Settings::defaults().unwrap().limits).is_none());
    }

    #[test]
    fn a_flood_of_names_costs_bounded_memory_and_passes() {
        let (rates, clock) = rates(1, 1);
        let bound = CALLERS_MAX + 2 * 1_024;
        for number in 0..2 * CALLERS_MAX {
            // Those who come first are let in; of those who share an account, few are.
            let _ = rates.count(&format!("made-up-{number}"));
        }
        assert!(rates.limiter.len() > CALLERS_MAX && rates.limiter.len() <= bound, "{}", rates.limiter.len());
        clock.advance(Duration::from_secs(10));
        for _ in 0..CALLS_BETWEEN_CLEANINGS {
            let _ = rates.count("amira");
        }
        assert!(rates.limiter.len() <= 2, "all are forgotten: {}", rates.limiter.len());
        assert!(!rates.is_full.load(Ordering::Relaxed));
    }
}
