//! How far a consumer is, as metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use service_kit::identity::Identity;
use service_kit::telemetry::meter;

use crate::names;

/// How far a consumer is.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Arc<State>,
    applied: Counter<u64>,
    consumer: [KeyValue; 1],
}

#[derive(Debug)]
struct State {
    begun: Instant,
    position: AtomicU64,
    head: AtomicU64,
    /// When the consumer last had everything, in microseconds after `begun`.
    in_step_us: AtomicU64,
}

impl Progress {
    pub(crate) fn new(identity: Identity, position: u64) -> Self {
        let state = Arc::new(State {
            begun: Instant::now(),
            position: AtomicU64::new(position),
            head: AtomicU64::new(position),
            in_step_us: AtomicU64::new(0),
        });
        let consumer = [KeyValue::new(names::CONSUMER, identity.name)];
        observe(identity, &state, &consumer);
        let applied = meter(identity)
            .u64_counter(names::FEED_EVENTS)
            .with_unit("{event}")
            .with_description("Events that are applied and durable.")
            .build();
        Self { state, applied, consumer }
    }

    /// The feed says how long it is; with `opened` it may have become shorter.
    pub(crate) fn head(&self, head: u64) {
        self.state.head.store(head, Ordering::Relaxed);
        self.state.note();
    }

    /// The consumer is at a position without having applied anything.
    pub(crate) fn at(&self, position: u64) {
        self.state.position.store(position, Ordering::Relaxed);
        self.state.note();
    }

    /// The consumer has applied events and is at a position.
    pub(crate) fn applied(&self, events: usize, position: u64) {
        self.applied.add(u64::try_from(events).unwrap_or(u64::MAX), &self.consumer);
        self.at(position);
    }
}

impl State {
    fn lag(&self) -> u64 {
        self.head.load(Ordering::Relaxed).saturating_sub(self.position.load(Ordering::Relaxed))
    }

    fn note(&self) {
        if self.lag() == 0 {
            let now = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.in_step_us.store(now, Ordering::Relaxed);
        }
    }

    /// Grows while the link is broken too: nobody knows then what the feed holds.
    fn lag_seconds(&self) -> f64 {
        let in_step = std::time::Duration::from_micros(self.in_step_us.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(in_step).as_secs_f64()
    }
}

fn observe(identity: Identity, state: &Arc<State>, consumer: &[KeyValue; 1]) {
    let meter = meter(identity);
    let (observed, attributes) = (Arc::clone(state), consumer.clone());
    let _events = meter
        .u64_observable_gauge(names::FEED_LAG)
        .with_unit("{event}")
        .with_description("Events that are committed on the feed and not yet applied.")
        .with_callback(move |observer| observer.observe(observed.lag(), &attributes))
        .build();
    let (observed, attributes) = (Arc::clone(state), consumer.clone());
    let _seconds = meter
        .f64_observable_gauge(names::FEED_LAG_DURATION)
        .with_unit("s")
        .with_description("How long ago the consumer last had everything.")
        .with_callback(move |observer| observer.observe(observed.lag_seconds(), &attributes))
        .build();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_what_is_missing_and_never_negative() {
        let progress = Progress::new(Identity { name: "test" }, 3);
        assert_eq!(progress.state.lag(), 0);
        progress.head(10);
        assert_eq!(progress.state.lag(), 7);
        progress.applied(7, 10);
        assert_eq!(progress.state.lag(), 0);
        progress.head(2);
        assert_eq!(progress.state.lag(), 0);
    }
}
