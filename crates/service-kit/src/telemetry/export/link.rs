//! What is known about the way to the collector: one line when it breaks, one when it is whole again, and a count of what
//! was lost in between.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use tracing::{info, warn};

use crate::client::dependencies::COLLECTOR;
use crate::telemetry::names;

/// How often losses are logged while they go on.
const LOSSES_LOGGED_EVERY: Duration = Duration::from_mins(1);

/// What is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Metrics,
}

impl Signal {
    const fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
        }
    }
}

/// The way to one collector, for all signals.
#[derive(Debug)]
pub(super) struct Link {
    /// Without credentials.
    endpoint: String,
    state: Mutex<State>,
    /// Spans that found the queue full.
    pub(super) dropped: AtomicU64,
    /// Spans whose delivery failed.
    pub(super) failed: AtomicU64,
    /// Spans that the collector has taken.
    pub(super) delivered: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// Which signals do not arrive now.
    failing: Vec<Failing>,
    /// Since when not all of them arrive.
    since: Option<Instant>,
    losses_logged: u64,
    losses_logged_at: Option<Instant>,
}

/// One signal that does not arrive.
#[derive(Debug)]
struct Failing {
    signal: Signal,
    /// When it was last tried in vain.
    at: Instant,
    /// Whether another one did not arrive either at that time: then it is the way that is broken, for all of them.
    with_others: bool,
}

impl Link {
    pub(super) fn new(endpoint: &str) -> Self {
        Self {
            endpoint: without_credentials(endpoint),
            state: Mutex::default(),
            dropped: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
        }
    }

    /// A delivery is over. Only changes are logged: not every attempt at a collector that is away.
    pub(super) fn attempted(&self, signal: Signal, done: &OTelSdkResult) {
        let mut state = self.lock();
        let was_whole = state.failing.is_empty();
        match done {
            Ok(()) => {
                state.succeeded(signal);
                if was_whole || !state.failing.is_empty() {
                    return;
                }
                let duration_ms = millis(state.since.take());
                drop(state);
                let endpoint = &*self.endpoint;
                info!(name: names::TELEMETRY_EXPORT_RECOVERED, endpoint, duration_ms,
                    "telemetry reaches the collector at {endpoint} again");
            }
            Err(error) => {
                state.failed(signal);
                if was_whole {
                    state.since = Some(Instant::now());
                    drop(state);
                    self.warn(signal, error);
                }
            }
        }
    }

    fn warn(&self, signal: Signal, error: &OTelSdkError) {
        let (endpoint, reason, signal) = (&*self.endpoint, in_words(error), signal.name());
        warn!(
            name: names::TELEMETRY_EXPORT_FAILED,
            endpoint,
            signal,
            dependency = COLLECTOR.name,
            operation = "export",
            reason,
            "telemetry does not reach the collector at {endpoint}: {reason}. Requests are not affected; is the collector \
             up, and telemetry.otlp_endpoint right?"
        );
    }

    /// Logs what was lost since the last time, at most once a minute, or in any case at the `end`.
    pub(super) fn log_losses(&self, end: bool) {
        let lost = self.dropped.load(Ordering::Relaxed) + self.failed.load(Ordering::Relaxed);
        let mut state = self.lock();
        let recently = state.losses_logged_at.is_some_and(|at| at.elapsed() < LOSSES_LOGGED_EVERY);
        if lost == state.losses_logged || (recently && !end) {
            return;
        }
        let spans = lost - state.losses_logged;
        state.losses_logged = lost;
        state.losses_logged_at = Some(Instant::now());
        drop(state);
        let endpoint = &*self.endpoint;
        warn!(name: names::TELEMETRY_DROPPED, endpoint, spans, spans_total = lost,
            "{spans} spans were lost on the way to the collector at {endpoint}, {lost} since the start");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn failed(&mut self, signal: Signal) {
        self.failing.retain(|other| other.signal != signal);
        let with_others = !self.failing.is_empty();
        self.failing.push(Failing { signal, at: Instant::now(), with_others });
    }

    /// A signal that arrives again speaks for those that failed before it did or together with it: without a span to
    /// deliver, nobody tries traces. It does not for those that fail while it arrives: a collector may take metrics only.
    fn succeeded(&mut self, signal: Signal) {
        let own = self.failing.iter().find(|failing| failing.signal == signal).map(|failing| failing.at);
        if let Some(own) = own {
            self.failing.retain(|other| other.signal != signal && other.at > own && !other.with_others);
        }
    }
}

fn millis(since: Option<Instant>) -> u64 {
    since.map_or(0, |since| u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// The address, without `user:password@` and without a query.
fn without_credentials(endpoint: &str) -> String {
    url::Url::parse(endpoint).map_or_else(
        |_| "(an address that cannot be read)".to_owned(),
        |mut url| {
            // They fail only on addresses that cannot have any.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.set_query(None);
            url.to_string().trim_end_matches('/').to_owned()
        },
    )
}

/// What went wrong, without the names of the SDK's types.
fn in_words(error: &OTelSdkError) -> String {
    match error {
        OTelSdkError::Timeout(bound) => format!("no answer within {} s", bound.as_secs()),
        OTelSdkError::InternalFailure(text) => {
            let words = text.split_once("export failed with gRPC code: ").map_or(text.as_str(), |(_, words)| words);
            words.to_owned()
        }
        OTelSdkError::AlreadyShutdown => "telemetry has ended already".to_owned(),
    }
}

/// An error and its causes in one line.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> OTelSdkResult {
        Err(OTelSdkError::InternalFailure("refused".to_owned()))
    }

    fn is_whole(link: &Link) -> bool {
        link.lock().failing.is_empty()
    }

    #[test]
    fn a_signal_that_arrives_again_speaks_for_one_that_nobody_tries() {
        let orders = [[Signal::Traces, Signal::Metrics], [Signal::Metrics, Signal::Traces]];
        for failures in orders {
            let link = Link::new("http://c:4317");
            for signal in failures {
                link.attempted(signal, &refused());
            }
            link.attempted(Signal::Metrics, &Ok(()));
            assert!(is_whole(&link), "{failures:?}");
        }
    }

    #[test]
    fn a_collector_that_takes_only_one_signal_is_not_told_as_back_again_and_again() {
        let link = Link::new("http://c:4317");
        for _ in 0..3 {
            link.attempted(Signal::Traces, &refused());
            link.attempted(Signal::Metrics, &Ok(()));
            assert!(!is_whole(&link));
        }
        link.attempted(Signal::Traces, &Ok(()));
        assert!(is_whole(&link));
    }

    #[test]
    fn an_endpoint_is_told_without_its_credentials() {
        assert_eq!(without_credentials("https://u:canary@c:4317/?token=canary"), "https://c:4317");
        assert_eq!(without_credentials("http://127.0.0.1:4317"), "http://127.0.0.1:4317");
    }

    #[test]
    fn a_failure_reads_as_words() {
        let refused = "TonicTracesClient export failed with gRPC code: Unavailable: tcp connect error".to_owned();
        assert_eq!(in_words(&OTelSdkError::InternalFailure(refused)), "Unavailable: tcp connect error");
        assert_eq!(in_words(&OTelSdkError::Timeout(Duration::from_secs(5))), "no answer within 5 s");
    }
}
