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
    /// Begins when a warm-up that began at `begun` ends.
    pub(super) fn after(begun: Instant, warm_up: Duration, length: Duration) -> Self {
        let start = begun + warm_up;
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
                    note(&mut self.latency, ended - begun);
                }
            }
            Err(status) => self.fail(classify(status)),
        }
    }

    /// Counts a call that was to begin in this run and never had an answer.
    pub(super) fn fail(&mut self, refusal: Refusal) {
        self.fail_all(refusal, 1);
    }

    /// Counts so many of them.
    pub(super) fn fail_all(&mut self, refusal: Refusal, count: u64) {
        if count == 0 {
            return;
        }
        let failure = self.failures.entry(refusal.label).or_insert(Failure { count: 0, typed: refusal.typed });
        failure.count += count;
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

/// The longest latency that is told from longer ones: far beyond any time-out here.
const LATENCY_MAX: Duration = Duration::from_hours(1);

/// Nanoseconds, from one to [`LATENCY_MAX`].
pub(crate) fn histogram() -> Result<Histogram<u64>, Error> {
    Histogram::new_with_max(nanos(LATENCY_MAX), SIGNIFICANT_DIGITS)
        .map_err(|error| Error::Unmeasurable(format!("a histogram cannot be made: {error}")))
}

/// Adds a latency to a histogram.
pub(crate) fn note(histogram: &mut Histogram<u64>, latency: Duration) {
    histogram.saturating_record(nanos(latency).max(1));
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Counts for ten seconds, from a second after now on.
    fn tally() -> (Tally, Instant) {
        let start = Instant::now() + SECOND;
        (Tally::new(Window { start, end: start + 10 * SECOND }).expect("a histogram"), start)
    }

    #[test]
    fn a_latency_runs_from_the_moment_at_which_its_call_should_have_begun() {
        let (mut tally, start) = tally();
        for late in [SECOND, 2 * SECOND, 3 * SECOND] {
            tally.record(start + SECOND, start + SECOND + late, Ok(()));
        }
        let outcome = tally.finish();
        assert!((outcome.percentile_ms(50.0) / 2_000.0 - 1.0).abs() < 0.002, "{}", outcome.percentile_ms(50.0));
        assert!((outcome.max_ms() / 3_000.0 - 1.0).abs() < 0.002, "{}", outcome.max_ms());
        assert_eq!(outcome.slower_than(Duration::from_millis(1_500)), 2);
    }

    #[test]
    fn calls_of_the_warm_up_do_not_count() {
        let (mut tally, start) = tally();
        tally.record(Instant::now(), start.min(Instant::now()), Ok(()));
        let early = tally.finish();
        assert_eq!((early.offered, early.completed, early.latency.len()), (0, 0, 0));
    }

    #[test]
    fn an_answer_after_the_end_is_late_but_is_no_throughput() {
        let (mut tally, start) = tally();
        tally.record(start + 9 * SECOND, start + 12 * SECOND, Ok(()));
        let late = tally.finish();
        assert_eq!((late.offered, late.completed, late.latency.len()), (1, 0, 1));
    }

    #[test]
    fn failures_count_whenever_they_happen_and_are_no_results() {
        let (mut tally, start) = tally();
        let refused = Status::unavailable("gone");
        tally.record(Instant::now(), start, Err(&refused));
        tally.record(start + SECOND, start + 2 * SECOND, Err(&refused));
        let outcome = tally.finish();
        assert_eq!((outcome.failed(), outcome.completed, outcome.latency.len()), (2, 0, 0));
    }
}
