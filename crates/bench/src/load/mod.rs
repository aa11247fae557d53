//! The load: calls that are the same for every rival, sent by threads of this process.
//!
//! A closed loop finds the peak: so many callers, each with one call in flight. An open loop finds the tail: calls begin at
//! times that were set before, whatever became of the calls before them, and a latency runs from that time. So a server that
//! stands still for a second is charged for every call of that second.

mod closed;
mod lane;
mod open;
mod outcome;
mod pace;
mod refusal;
mod tally;
mod workload;

#[cfg(test)]
mod proof;

pub(crate) use closed::{Closed, Fill};
pub(crate) use lane::{Lane, block_on, call_once, channel};
pub(crate) use open::{Open, WITHHELD};
pub use outcome::{Failure, Outcome};
pub(crate) use outcome::{count, millis};
pub use refusal::{Refusal, classify};
pub(crate) use tally::{histogram, note};
pub(crate) use workload::Workload;

use crate::machine::Cores;

/// Where the load is made: how many threads of this process, on which cores.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Threads, each with a runtime and connections of its own.
    pub(crate) threads: usize,
    /// Cores that they keep to; none: any.
    pub(crate) cores: Option<Cores>,
}

/// How `total` is shared out among `parts`: as evenly as it goes, the first ones get what is left over.
fn share(total: usize, parts: usize, part: usize) -> usize {
    total / parts + usize::from(part < total % parts)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn nothing_is_lost_when_callers_are_shared_out() {
        for (total, parts) in [(256, 2), (1, 1), (7, 3), (8, 8)] {
            let shares: Vec<_> = (0..parts).map(|part| share(total, parts, part)).collect();
            assert_eq!(shares.iter().sum::<usize>(), total, "{shares:?}");
            assert!(shares.iter().max().zip(shares.iter().min()).is_some_and(|(max, min)| max - min <= 1));
        }
    }
}
