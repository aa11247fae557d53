//! What one thread counts.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tonic::Status;

use super::outcome::{Failure, Outcome};
use super::refusal::{Refusal, classify};
use crate::error::Error;

/// Latencies are told apart to three significant digits.
const SIGNIFICANT_DIGITS: u8 = 3;

/// When calls count: after the warm-up, and not after the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) start: Instant,
    pub(super) end: Instant,
}

impl Window {
    /// Begins after a warm-up from now on.
    pub(super) fn after(warm_up: Duration, length: Duration) -> Self {
        let start = Instant::now() + warm_up;
        Self { start, end: start + length }
    }

    pub(super) fn contains(&self, moment: Instant) -> bool {
        (self.start..self.end).contains(&moment)
    }
}

/// The counts of one thread of one run.
#[derive(Debug)]
pub(super) struct Tally {
    window: Window,
    offered: u64,
    completed: u64,
    failures: BTreeMap<String, Failure>,
    latency: Histogram<u64>,
}

impl Tally {
    pub(super) fn new(window: Window) -> Result<Self, Error> {
        Ok(Self { window, offered: 0, completed: 0, failures: BTreeMap::new(), latency: histogram()? })
    }

    /// Counts a call that should have begun at `begun` and ended at `ended`.
    ///
    /// A latency belongs to the moment at which its call should have begun, a completion to the moment at which it
    /// happened. Failures count whenever they happen: one during the warm-up is no better.
    pub(super) fn record(&mut self, begun: Instant, ended: Instant, result: Result<(), &Status>) {
        let offered = self.window.contains(begun);
        self.offered += u64::from(offered);
        match result {
            Ok(()) => {
                self.completed += u64::from(self.window.contains(ended));
                if offered {
                    let nanos = u64::try_from((ended - begun).as_nanos()).unwrap_or(u64::MAX);
                    self.latency.saturating_record(nanos.max(1));
                }
            }
            Err(status) => self.fail(classify(status)),
        }
    }

    /// Counts a call that was to begin in this run and never had an answer.
    pub(super) fn fail(&mut self, refusal: Refusal) {
        let failure = self.failures.entry(refusal.label).or_insert(Failure { count: 0, typed: refusal.typed });
        failure.count += 1;
    }

    pub(super) fn finish(self) -> Outcome {
        let Self { window, offered, completed, failures, latency } = self;
        Outcome { elapsed: window.end - window.start, offered, completed, failures, latency }
    }

    /// Of a run that lasted until its work was done.
    pub(super) fn finish_at(self, end: Instant) -> Outcome {
        let elapsed = end - self.window.start;
        Outcome { elapsed, ..self.finish() }
    }
}

/// Nanoseconds, from one to as many as it takes.
pub(crate) fn histogram() -> Result<Histogram<u64>, Error> {
    Histogram::new(SIGNIFICANT_DIGITS)
        .map_err(|error| Error::Unmeasurable(format!("a histogram cannot be made: {error}")))
}
