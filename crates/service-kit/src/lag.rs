//! How long the oldest of some numbered things has waited, without keeping a time for each of them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Times that are kept, at most. When there are more, neighbours become one.
const MARKS_MAX: usize = 1_024;
/// Arrivals that are no further apart share a time, the earlier one: by so much an answer can be too long.
const SAME_TIME: Duration = Duration::from_millis(100);

/// When numbered things arrived that others work off in their order: events of a feed, by position.
#[derive(Debug, Clone, Default)]
pub struct Arrivals {
    marks: VecDeque<Mark>,
}

/// What came after the mark before, up to `last`, came at `since` or a little later.
#[derive(Debug, Clone, Copy)]
struct Mark {
    last: u64,
    since: Instant,
}

impl Arrivals {
    /// Everything up to `last` is there.
    pub fn arrived(&mut self, last: u64, now: Instant) {
        match self.marks.back_mut() {
            Some(mark) if last <= mark.last => return,
            Some(mark) if now.saturating_duration_since(mark.since) < SAME_TIME => {
                mark.last = last;
                return;
            }
            Some(_) | None => self.marks.push_back(Mark { last, since: now }),
        }
        if self.marks.len() > MARKS_MAX {
            self.halve();
        }
    }

    /// Everything up to `position` is done by everybody: its times are no longer of use.
    pub fn forget(&mut self, position: u64) {
        while self.marks.front().is_some_and(|mark| mark.last <= position) {
            self.marks.pop_front();
        }
    }

    /// How long the first thing after `position` has waited; zero if there is none. What was there before anything was
    /// noted has waited since then.
    pub fn waited(&self, position: u64, now: Instant) -> Duration {
        let first_after = self.marks.partition_point(|mark| mark.last <= position);
        self.marks.get(first_after).map_or(Duration::ZERO, |mark| now.saturating_duration_since(mark.since))
    }

    /// The older a time is, the less it matters by how much it is wrong.
    fn halve(&mut self) {
        let marks = std::mem::take(&mut self.marks);
        let mut earlier: Option<Mark> = None;
        for mark in marks {
            match earlier.take() {
                Some(Mark { since, .. }) => self.marks.push_back(Mark { since, ..mark }),
                None => earlier = Some(mark),
            }
        }
        self.marks.extend(earlier);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_oldest_that_is_missing_counts() {
        let (mut arrivals, begin) = (Arrivals::default(), Instant::now());
        assert_eq!(arrivals.waited(0, begin), Duration::ZERO);
        for second in 1..=10 {
            arrivals.arrived(u64::from(second) * 100, begin + SECOND * second);
        }
        let now = begin + SECOND * 20;
        assert_eq!(arrivals.waited(1_000, now), Duration::ZERO, "nothing is missing");
        assert_eq!(arrivals.waited(999, now), SECOND * 10);
        assert_eq!(arrivals.waited(900, now), SECOND * 10);
        assert_eq!(arrivals.waited(899, now), SECOND * 11);
        assert_eq!(arrivals.waited(0, now), SECOND * 19);
        arrivals.forget(950);
        assert_eq!(arrivals.waited(950, now), SECOND * 10, "what is forgotten is what is done");
        arrivals.forget(1_000);
        assert_eq!(arrivals.waited(1_000, now), Duration::ZERO);
    }

    #[test]
    fn an_answer_is_never_too_short_and_the_memory_is_bounded() {
        let (mut arrivals, begin) = (Arrivals::default(), Instant::now());
        let at = |position: u64| begin + Duration::from_millis(position * 30);
        let last = 40 * MARKS_MAX as u64;
        (1..=last).for_each(|position| arrivals.arrived(position, at(position)));
        assert!(arrivals.marks.len() <= MARKS_MAX, "{}", arrivals.marks.len());
        for position in (0..last).step_by(97) {
            let (told, true_wait) = (arrivals.waited(position, at(last)), at(last) - at(position + 1));
            assert!(told >= true_wait && told <= true_wait * 2 + SAME_TIME * 40, "{position}: {told:?}, {true_wait:?}");
        }
    }
}
