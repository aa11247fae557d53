//! Which lines of a flood are written.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many lines of one kind are written in [`WINDOW`]: enough to see what goes on, too few to fill a disk.
const LINES_PER_WINDOW: u32 = 10;
/// See [`LINES_PER_WINDOW`].
const WINDOW: Duration = Duration::from_secs(10);

/// Decides which lines are written. Its keys are out of closed sets, so it stays small.
#[derive(Debug)]
pub(crate) struct Throttle<K> {
    windows: Mutex<HashMap<K, Window>>,
}

#[derive(Debug)]
struct Window {
    since: Instant,
    written: u32,
    suppressed: u64,
}

impl<K> Default for Throttle<K> {
    fn default() -> Self {
        Self { windows: Mutex::default() }
    }
}

impl<K: Eq + Hash> Throttle<K> {
    /// Whether a line of this kind is written now, and if so, how many were not since the last one.
    pub(crate) fn admit(&self, kind: K, now: Instant) -> Option<u64> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.entry(kind).or_insert(Window { since: now, written: 0, suppressed: 0 }).admit(now)
    }
}

impl Window {
    fn admit(&mut self, now: Instant) -> Option<u64> {
        if now.saturating_duration_since(self.since) >= WINDOW {
            (self.since, self.written) = (now, 0);
        }
        if self.written == LINES_PER_WINDOW {
            self.suppressed += 1;
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_kind_is_bounded_and_the_next_line_says_what_was_left_out() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let written = (0..1_000).filter_map(|_| throttle.admit("signature", start)).collect::<Vec<_>>();
        assert_eq!(written, [0; 10]);
        assert_eq!(throttle.admit("expired", start), Some(0), "others are heard");
        assert_eq!(throttle.admit("signature", start + WINDOW), Some(990));
        assert_eq!(throttle.admit("signature", start + WINDOW), Some(0));
    }
}
