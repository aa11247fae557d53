//! What came of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// The counts of a run. Only what began, or ended, between the warm-up and the end counts; failures always do.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How long it was counted.
    pub elapsed: Duration,
    /// Calls that were to begin in that time and have had an answer, whichever.
    pub offered: u64,
    /// Calls that succeeded in that time.
    pub completed: u64,
    /// Calls that failed, by what they were told.
    pub failures: BTreeMap<String, Failure>,
    /// Nanoseconds of the calls that succeeded, from the moment at which they should have begun.
    pub latency: Histogram<u64>,
}

/// Calls that failed alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// How many.
    pub count: u64,
    /// Whether a program could tell why, and when to come again.
    pub typed: bool,
}

impl Outcome {
    /// Calls that succeeded in a second.
    pub fn rate(&self) -> f64 {
        count(self.completed) / self.elapsed.as_secs_f64()
    }

    /// A percentile of the latency, 0 to 100, in milliseconds.
    pub fn percentile_ms(&self, percentile: f64) -> f64 {
        millis(self.latency.value_at_percentile(percentile))
    }

    /// The longest latency, in milliseconds.
    pub fn max_ms(&self) -> f64 {
        millis(self.latency.max())
    }

    /// Calls that succeeded, but took longer than this.
    pub fn slower_than(&self, limit: Duration) -> u64 {
        let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        self.latency.len() - self.latency.count_between(0, limit)
    }

    /// All failures together.
    pub fn failed(&self) -> u64 {
        self.failures.values().map(|failure| failure.count).sum()
    }

    /// Adds the counts of another thread of the same run.
    pub(super) fn merge(&mut self, other: &Self) {
        self.elapsed = self.elapsed.max(other.elapsed);
        self.offered += other.offered;
        self.completed += other.completed;
        for (label, failure) in &other.failures {
            let sum = self.failures.entry(label.clone()).or_insert(Failure { count: 0, typed: failure.typed });
            sum.count += failure.count;
        }
        // Histograms that resize themselves take every value.
        let _ = self.latency.add(&other.latency);
    }
}

/// Nanoseconds as milliseconds.
pub(crate) fn millis(nanos: u64) -> f64 {
    count(nanos) / 1e6
}

/// A count as a number to divide by. Counts here are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts and nanoseconds of a run are far below 2^53")]
pub(crate) const fn count(count: u64) -> f64 {
    count as f64
}
