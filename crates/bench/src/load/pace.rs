//! The metronome of an open loop: a thread of its own, because the timers of a runtime tick in milliseconds.

use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use crate::machine::sleep_precisely;

/// Calls that are due closer together than this are announced together: waking up costs more than it tells.
const NAP_MIN: Duration = Duration::from_micros(50);

/// Where several calls are due in every nap, they come a millisecond's worth at a time: a thread that wakes up 20,000 times a
/// second takes a fifth of a core from the client, and such rates are for overload, where no single call's latency is told.
const NAP_OF_MANY: Duration = Duration::from_millis(1);

/// When calls should begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// The first one.
    pub(super) first: Instant,
    /// From one to the next.
    pub(super) interval: Duration,
    /// None begins at this time or later.
    pub(super) end: Instant,
}

impl Pace {
    /// Announces each call when it is due, until the end or until nobody listens.
    pub(super) fn announce(self, due: &UnboundedSender<Instant>) {
        sleep_precisely();
        let nap = if self.interval < NAP_MIN { NAP_OF_MANY } else { NAP_MIN };
        let mut next = self.first;
        while next < self.end {
            let now = Instant::now();
            if next > now {
                thread::sleep((next - now).max(nap));
                continue;
            }
            if due.send(next).is_err() {
                return;
            }
            next += self.interval;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[test]
    fn every_call_is_announced_with_the_time_at_which_it_was_due() {
        let first = Instant::now();
        let interval = Duration::from_micros(200);
        let (sender, mut receiver) = mpsc::unbounded_channel();
        Pace { first, interval, end: first + interval * 50 }.announce(&sender);
        drop(sender);
        let mut due = first;
        while let Some(announced) = receiver.blocking_recv() {
            assert_eq!(announced, due, "from the plan, not from the clock");
            assert!(announced <= Instant::now(), "never ahead of its time");
            due += interval;
        }
        assert_eq!(due, first + interval * 50, "all of them");
    }

    #[test]
    fn nobody_is_announced_to_when_nobody_listens() {
        let first = Instant::now();
        let (sender, receiver) = mpsc::unbounded_channel();
        drop(receiver);
        Pace { first, interval: Duration::from_nanos(1), end: first + Duration::from_hours(1) }.announce(&sender);
    }
}
