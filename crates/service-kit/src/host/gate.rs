//! One limit of a server, and what is still free of it.

use std::sync::Arc;

use opentelemetry::KeyValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::identity::Identity;
use crate::telemetry::{meter, names};

/// So many at once, and no more. Nothing waits at a gate. Its use is a metric.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The key of the limit, without `limits.`.
    pub(crate) limit_name: &'static str,
    /// How many may be in at once.
    pub(crate) limit: usize,
    free: Arc<Semaphore>,
}

/// The share of its places, as a divisor, from which on a gate counts as crowded; and how many they are at least.
const CROWDED_FROM: usize = 4;
const CROWDED_MIN: usize = 64;

/// A place behind a gate, free again when it is dropped.
pub(crate) type Place = OwnedSemaphorePermit;

impl Gate {
    /// A gate of the server `identity`.
    pub(crate) fn new(identity: Identity, limit_name: &'static str, limit: usize) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        let gate = Self { limit_name, limit, free: Arc::new(Semaphore::new(limit)) };
        gate.observe(identity);
        gate
    }

    /// A place, if there is one.
    pub(crate) fn enter(&self) -> Option<Place> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// Whether so many are in that more at once would slow down everybody: each call's memory is cold when its turn comes.
    pub(crate) fn is_crowded(&self) -> bool {
        self.used() > (self.limit / CROWDED_FROM).max(CROWDED_MIN)
    }

    /// How many places are taken.
    pub(crate) fn used(&self) -> usize {
        used(&self.free, self.limit)
    }

    fn observe(&self, identity: Identity) {
        let (free, limit, attributes) =
            (Arc::downgrade(&self.free), self.limit, [KeyValue::new(names::SERVER_LIMIT, self.limit_name)]);
        let _registered = meter(identity)
            .f64_observable_gauge(names::SERVER_SATURATION)
            .with_unit("1")
            .with_description("The share of a limit that is used; at 1 the server refuses.")
            .with_callback(move |observer| {
                let Some(free) = free.upgrade() else { return };
                observer.observe(share(used(&free, limit), limit), &attributes);
            })
            .build();
    }
}

fn used(free: &Semaphore, limit: usize) -> usize {
    limit.saturating_sub(free.available_permits())
}

/// Limits and places are counts far below 2^52: nothing is lost.
#[expect(clippy::cast_precision_loss, reason = "a ratio for people to look at")]
fn share(used: usize, limit: usize) -> f64 {
    used as f64 / limit.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_gate_lets_nobody_in_until_somebody_leaves() {
        let gate = Gate::new(Identity { name: "case-test" }, "connections", 2);
        let (first, second) = (gate.enter(), gate.enter());
        assert!(first.is_some() && second.is_some() && gate.enter().is_none());
        drop(first);
        assert!(gate.enter().is_some());
    }

    #[test]
    fn a_gate_is_crowded_beyond_a_quarter_of_its_places_and_a_small_one_never() {
        let large = Gate::new(Identity { name: "case-test" }, "connections", 400);
        let mut places: Vec<_> = (0..100).map(|_| large.enter().unwrap()).collect();
        assert!(!large.is_crowded());
        places.extend(large.enter());
        assert!(large.is_crowded());
        let small = Gate::new(Identity { name: "case-test" }, "connections", 64);
        let _places: Vec<_> = (0..64).map(|_| small.enter().unwrap()).collect();
        assert!(!small.is_crowded());
    }

    #[test]
    fn use_is_a_share_of_the_limit() {
        assert_eq!([share(0, 4), share(1, 4), share(4, 4)].map(f64::to_bits), [0.0, 0.25, 1.0].map(f64::to_bits));
    }
}
