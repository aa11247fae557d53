//! How far a consumer is, as metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use service_kit::clock::Clock;
use service_kit::identity::Identity;
use service_kit::telemetry::meter;

use crate::names;

/// How far a consumer is.
pub(crate) struct Progress {
    state: Arc<State>,
    applied: Counter<u64>,
    consumer: [KeyValue; 1],
}

struct State {
    begun: Instant,
    position: AtomicU64,
    head: AtomicU64,
    /// Whether the feed has said since the start how long it is.
    heard: AtomicBool,
    /// Whether the consumer has had everything since then.
    reached: AtomicBool,
    /// When the consumer last had everything, in microseconds after `begun`.
    in_step_us: AtomicU64,
    clock: Arc<dyn Clock>,
    /// When the last applied event happened.
    last_event_unix_us: AtomicI64,
}

impl Progress {
    pub(crate) fn new(identity: Identity, position: u64, clock: Arc<dyn Clock>) -> Self {
        let state = Arc::new(State {
            begun: Instant::now(),
            position: AtomicU64::new(position),
            head: AtomicU64::new(position),
            heard: AtomicBool::new(false),
            reached: AtomicBool::new(false),
            in_step_us: AtomicU64::new(0),
            clock,
            last_event_unix_us: AtomicI64::new(i64::MIN),
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
        self.state.heard.store(true, Ordering::Relaxed);
        self.state.note();
    }

    /// The consumer is at a position without having applied anything.
    pub(crate) fn at(&self, position: u64) {
        self.state.position.store(position, Ordering::Relaxed);
        self.state.note();
    }

    /// The consumer has applied events and is at a position, whose event happened at `unix_us`.
    pub(crate) fn applied(&self, events: usize, position: u64, unix_us: i64) {
        self.applied.add(u64::try_from(events).unwrap_or(u64::MAX), &self.consumer);
        self.state.last_event_unix_us.store(unix_us, Ordering::Relaxed);
        self.at(position);
    }
}

impl State {
    fn missing(&self) -> u64 {
        self.head.load(Ordering::Relaxed).saturating_sub(self.position.load(Ordering::Relaxed))
    }

    fn note(&self) {
        if self.missing() == 0 {
            let now = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.in_step_us.store(now, Ordering::Relaxed);
            self.reached.fetch_or(self.heard.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// How old the state is that the consumer has: since it last had everything, or since its last event happened, whichever
    /// is later. Grows while the link is broken too: nobody knows then what the feed holds. Until it has had everything once
    /// since the start, the event alone counts: when the process began says nothing about a backlog.
    fn lag(&self) -> Duration {
        let in_step = Duration::from_micros(self.in_step_us.load(Ordering::Relaxed));
        let since_in_step = self.begun.elapsed().saturating_sub(in_step);
        let last_event = self.last_event_unix_us.load(Ordering::Relaxed);
        let since_event = self.clock.unix_us().saturating_sub(last_event);
        let since_event = Duration::from_micros(u64::try_from(since_event).unwrap_or_default());
        let knows_event = last_event != i64::MIN;
        if knows_event && !self.reached.load(Ordering::Relaxed) { since_event } else { since_in_step.min(since_event) }
    }
}

fn observe(identity: Identity, state: &Arc<State>, consumer: &[KeyValue; 1]) {
    let meter = meter(identity);
    let (observed, attributes) = (Arc::clone(state), consumer.clone());
    let _events = meter
        .u64_observable_gauge(names::FEED_LAG)
        .with_unit("{event}")
        .with_description("Events that are committed on the feed and not yet applied.")
        .with_callback(move |observer| observer.observe(observed.missing(), &attributes))
        .build();
    let (observed, attributes) = (Arc::clone(state), consumer.clone());
    let _seconds = meter
        .f64_observable_gauge(names::FEED_LAG_DURATION)
        .with_unit("s")
        .with_description("How old the state is that the consumer has.")
        .with_callback(move |observer| observer.observe(observed.lag().as_secs_f64(), &attributes))
        .build();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The machine's time is an argument.
    struct At(i64);

    impl Clock for At {
        fn unix_us(&self) -> i64 {
            self.0
        }
    }

    fn progress(position: u64) -> Progress {
        Progress::new(Identity { name: "test" }, position, Arc::new(At(100_000_000)))
    }

    #[test]
    fn what_is_missing_is_never_negative() {
        let progress = progress(3);
        assert_eq!(progress.state.missing(), 0);
        progress.head(10);
        assert_eq!(progress.state.missing(), 7);
        progress.applied(7, 10, 99_000_000);
        assert_eq!(progress.state.missing(), 0);
        progress.head(2);
        assert_eq!(progress.state.missing(), 0);
    }

    #[test]
    fn a_consumer_that_is_behind_is_as_old_as_its_last_event_at_most() {
        let progress = progress(0);
        progress.head(10);
        let state = &progress.state;
        // In step at its start: that was a moment ago.
        assert!(state.lag() <= state.begun.elapsed());
        let long_ago = Instant::now().checked_sub(Duration::from_secs(50)).unwrap();
        let behind = |last_event_unix_us| State {
            begun: long_ago,
            position: AtomicU64::new(5),
            head: AtomicU64::new(10),
            heard: AtomicBool::new(true),
            reached: AtomicBool::new(true),
            in_step_us: AtomicU64::new(0),
            clock: Arc::new(At(100_000_000)),
            last_event_unix_us: AtomicI64::new(last_event_unix_us),
        };
        assert!(behind(i64::MIN).lag() >= Duration::from_secs(50), "nothing applied: since the start");
        assert_eq!(behind(99_000_000).lag(), Duration::from_secs(1), "it applies the events of a second ago");
        assert_eq!(behind(200_000_000).lag(), Duration::ZERO, "an event of a clock that is ahead is not old");
    }

    #[test]
    fn a_backlog_after_a_restart_is_as_old_as_the_event_that_the_consumer_has_come_to() {
        let progress = progress(3);
        progress.at(3);
        progress.head(10);
        progress.applied(2, 5, 40_000_000);
        assert_eq!(progress.state.lag(), Duration::from_mins(1));
        progress.applied(5, 10, 50_000_000);
        assert!(progress.state.lag() <= progress.state.begun.elapsed(), "it has everything");
        progress.head(12);
        assert!(progress.state.lag() <= progress.state.begun.elapsed(), "and had everything a moment ago");
    }
}
