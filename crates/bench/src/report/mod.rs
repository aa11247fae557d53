//! What was found: figures, whether targets were met, and what went wrong.

mod picture;
mod table;

use std::time::Duration;

use serde::Serialize;

use crate::load::Outcome;
use crate::machine::Machine;

pub(crate) use picture::draw;
pub(crate) use table::print;

/// Everything that one invocation found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// When it began, RFC 3339.
    pub begun: String,
    /// The command line.
    pub command: String,
    /// Where.
    pub machine: Machine,
    /// One part for each subject.
    pub sections: Vec<Section>,
}

/// What was found about one subject.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Section {
    /// The subject.
    pub title: String,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// What it means for the targets.
    pub verdicts: Vec<Verdict>,
    /// What a reader has to know.
    pub notes: Vec<String>,
    /// Throughput and latency against load.
    pub curve: Vec<Point>,
    /// What must not be: failed calls, untyped refusals. Slowness is none.
    pub problems: Vec<String>,
}

/// Something that was measured, once or several times.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What.
    pub name: String,
    /// In what.
    pub unit: &'static str,
    /// Every measurement, in the order of the runs.
    pub samples: Vec<f64>,
}

/// A figure of the targets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Its number in the list of targets, such as `P1`.
    pub id: &'static str,
    /// In words.
    pub what: String,
    /// What was found.
    pub value: f64,
    /// What it should be.
    pub target: Target,
    /// Whether it is.
    pub met: bool,
}

/// What a value should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

/// One load of an open loop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Calls that were to begin in a second.
    pub offered: f64,
    /// Calls that succeeded in a second.
    pub completed: f64,
    /// Half of the calls took less, in milliseconds.
    pub p50_ms: f64,
    /// 99% of the calls took less, in milliseconds.
    pub p99_ms: f64,
}

impl Target {
    /// Whether a value is as it should be. What is not a number never is.
    pub fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

impl Figure {
    /// The middle of the measurements; of an even number, the mean of the two in the middle. NaN of none.
    pub fn median(&self) -> f64 {
        median(&self.samples)
    }

    /// The smallest and the largest measurement.
    pub fn range(&self) -> (f64, f64) {
        let least = self.samples.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (least, most)
    }
}

/// The middle of some numbers; of an even number of them, the mean of the two in the middle. NaN of none.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (lower, upper) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
    match (sorted.get(lower), sorted.get(upper)) {
        (Some(lower), Some(upper)) => f64::midpoint(*lower, *upper),
        _ => f64::NAN,
    }
}

impl Section {
    /// Nothing found yet.
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Adds a figure, and answers its median.
    pub(crate) fn figure(&mut self, name: impl Into<String>, unit: &'static str, samples: Vec<f64>) -> f64 {
        let figure = Figure { name: name.into(), unit, samples };
        let median = figure.median();
        self.figures.push(figure);
        median
    }

    /// Adds the rate of several runs, and answers its median. A failed call is a problem.
    pub(crate) fn rate(&mut self, name: &str, runs: &[Outcome]) -> f64 {
        self.check(name, runs);
        self.figure(name, "/s", runs.iter().map(Outcome::rate).collect())
    }

    /// Adds a percentile of several runs, and answers its median.
    pub(crate) fn percentile(&mut self, name: &str, percentile: f64, runs: &[Outcome]) -> f64 {
        let samples = runs.iter().map(|run| run.percentile_ms(percentile)).collect();
        self.figure(format!("{name}, p{percentile}"), "ms", samples)
    }

    /// Notes every failed call as a problem: a failed call is not a result.
    pub(crate) fn check(&mut self, name: &str, runs: &[Outcome]) {
        for run in runs {
            for (label, failure) in &run.failures {
                self.problems.push(format!("{name}: {} calls failed: {label}", failure.count));
            }
            if run.completed == 0 {
                self.problems.push(format!("{name}: no call succeeded"));
            }
        }
    }

    /// Compares a value with its target.
    pub(crate) fn verdict(&mut self, id: &'static str, what: impl Into<String>, value: f64, target: Target) {
        self.verdicts.push(Verdict { id, what: what.into(), value, target, met: target.is_met_by(value) });
    }

    /// Adds something that a reader has to know.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }
}

/// A duration in milliseconds.
pub(crate) fn duration_ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Bytes in units of a million.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    crate::load::count(bytes) / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_target_is_met_on_its_own_side_only() {
        assert!(Target::AtLeast(0.6).is_met_by(0.6) && !Target::AtLeast(0.6).is_met_by(0.59));
        assert!(Target::AtMost(5.0).is_met_by(5.0) && !Target::AtMost(5.0).is_met_by(5.01));
        assert!(!Target::AtLeast(0.6).is_met_by(f64::NAN) && !Target::AtMost(5.0).is_met_by(f64::NAN));
    }
}
