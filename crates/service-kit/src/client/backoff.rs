//! How long to wait before the next attempt.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Entropy;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// Exponential back-off with full jitter: each wait is random between nothing and a bound that doubles from attempt to
/// attempt (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>), so that callers which failed
/// together do not come back together.
///
/// The bounds are `backon`'s; its own jitter only adds to them.
pub struct Backoff {
    builder: ExponentialBuilder,
    bounds: ExponentialBackoff,
    bound_max: Duration,
    entropy: Arc<dyn Entropy>,
    attempts: u32,
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backoff")
            .field("bound_max", &self.bound_max)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

impl Backoff {
    /// Waits below `bound_first` at first, and never above `bound_max`.
    pub fn new(bound_first: Duration, bound_max: Duration, entropy: Arc<dyn Entropy>) -> Self {
        let builder =
            ExponentialBuilder::new().with_min_delay(bound_first).with_max_delay(bound_max).without_max_times();
        Self { builder, bounds: builder.build(), bound_max, entropy, attempts: 0 }
    }

    /// The next wait is short again.
    pub fn reset(&mut self) {
        self.bounds = self.builder.build();
        self.attempts = 0;
    }

    /// Attempts that failed since the last success.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Notes a failed attempt and says how long to wait before the next one.
    pub fn next_wait(&mut self) -> Duration {
        self.attempts = self.attempts.saturating_add(1);
        let bound = self.bounds.next().unwrap_or(self.bound_max);
        let mut random = [0; 4];
        self.entropy.fill(&mut random);
        bound.mul_f64(f64::from(u32::from_ne_bytes(random)) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(u8);

    impl Entropy for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn waits_ms(entropy: u8) -> Vec<u128> {
        let (first, max) = (Duration::from_millis(100), Duration::from_secs(5));
        let mut backoff = Backoff::new(first, max, Arc::new(Always(entropy)));
        (0..8).map(|_| backoff.next_wait().as_millis()).collect()
    }

    #[test]
    fn the_bound_doubles_up_to_its_maximum() {
        assert_eq!(waits_ms(0xff), [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    }

    #[test]
    fn a_wait_may_be_nothing_at_all() {
        assert_eq!(waits_ms(0), [0; 8]);
    }

    #[test]
    fn success_begins_anew() {
        let (first, max) = (Duration::from_millis(100), Duration::from_secs(5));
        let mut backoff = Backoff::new(first, max, Arc::new(Always(0xff)));
        backoff.next_wait();
        backoff.next_wait();
        assert_eq!(backoff.attempts(), 2);
        backoff.reset();
        assert_eq!((backoff.attempts(), backoff.next_wait()), (0, first));
    }
}
