//! How long a case has been in each status.

use case_domain::{Status, Timestamp};

/// Adds up the visits of a case to its statuses, so that nobody has to read its history for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StatusTimes {
    /// Each status in the order of the first visit, with the microseconds of all visits that have ended.
    pub(crate) ended: Vec<(Status, i64)>,
    /// Which of them the case is in.
    pub(crate) present: usize,
    /// When it entered that one: microseconds since the epoch.
    pub(crate) since_us: i64,
}

impl StatusTimes {
    /// The case enters a status, and leaves the one it was in.
    pub(crate) fn enter(&mut self, status: &Status, time: Timestamp) {
        let us = self.present_us(time.unix_us());
        if let Some((_, ended_us)) = self.ended.get_mut(self.present) {
            // A row that was damaged may say anything: sums end at the limit.
            *ended_us = ended_us.saturating_add(us);
        }
        let known = self.ended.iter().position(|(visited, _)| visited == status);
        self.present = known.unwrap_or_else(|| {
            self.ended.push((status.clone(), 0));
            self.ended.len() - 1
        });
        self.since_us = time.unix_us();
    }

    /// Each status with its microseconds at a moment: the visit that goes on counts up to then.
    pub(crate) fn at(&self, now_us: i64) -> impl Iterator<Item = (&Status, i64)> {
        let present_us = self.present_us(now_us);
        self.ended.iter().enumerate().map(move |(nth, (status, ended_us))| {
            let going_on_us = if nth == self.present { present_us } else { 0 };
            (status, ended_us.saturating_add(going_on_us))
        })
    }

    /// Of the visit that goes on. Never negative: the clock of this machine may be behind that of the events.
    const fn present_us(&self, now_us: i64) -> i64 {
        let us = now_us.saturating_sub(self.since_us);
        if us < 0 { 0 } else { us }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visited(visits: &[(&str, i64)], now_us: i64) -> Vec<(String, i64)> {
        let mut times = StatusTimes::default();
        for (status, time_us) in visits {
            times.enter(&Status::new(status).unwrap(), Timestamp::from_unix_us(*time_us).unwrap());
        }
        times.at(now_us).map(|(status, us)| (status.to_string(), us)).collect()
    }

    #[test]
    fn visits_add_up_in_the_order_of_the_first_and_the_present_one_goes_on() {
        let visits = [("DRAFT", 100), ("SUBMITTED", 130), ("DRAFT", 135), ("SUBMITTED", 140), ("CANCELLED", 150)];
        let expected = [("DRAFT", 35), ("SUBMITTED", 15), ("CANCELLED", 7)].map(|(name, us)| (name.to_owned(), us));
        assert_eq!(visited(&visits, 157), expected);
        assert_eq!(visited(&visits[..4], 141), [("DRAFT".to_owned(), 35), ("SUBMITTED".to_owned(), 6)]);
    }

    #[test]
    fn a_clock_that_is_behind_takes_nothing_away() {
        assert_eq!(visited(&[("DRAFT", 100)], 50), [("DRAFT".to_owned(), 0)]);
        assert_eq!(visited(&[], 50), []);
    }
}
