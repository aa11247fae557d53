//! How often each status and each move occurs in a log.

use std::cmp::Reverse;
use std::collections::HashMap;

use case_domain::Status;

use crate::log::CaseRecord;

/// What occurs in a log, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Cases.
    pub cases: u64,
    /// Entries of all cases together.
    pub entries: u64,
    /// Every status, in the order of first appearance.
    pub statuses: Vec<StatusCount>,
    /// Every move from one status to another one, in the order of the statuses that they leave; the most frequent first.
    pub transitions: Vec<TransitionCount>,
}

/// How often a status occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCount {
    /// The status.
    pub status: Status,
    /// Entries in it.
    pub entries: u64,
    /// Cases that begin in it.
    pub initial: u64,
    /// Cases that end in it.
    pub last: u64,
}

/// How often a case moves from one status to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransitionCount {
    /// The status it leaves.
    pub from: Status,
    /// The status it enters.
    pub to: Status,
    /// How often.
    pub count: u64,
}

impl Counts {
    /// The statuses that cases begin in, the most frequent first.
    pub fn initial(&self) -> impl Iterator<Item = &StatusCount> {
        let mut initial: Vec<&StatusCount> = self.statuses.iter().filter(|count| count.initial > 0).collect();
        // The sort is stable: equal counts stay in the order of first appearance.
        initial.sort_by_key(|count| Reverse(count.initial));
        initial.into_iter()
    }
}

/// Counts cases one by one, so that a log need not fit into memory.
#[derive(Debug, Clone, Default)]
pub struct Counter {
    counts: Counts,
    places: HashMap<Status, usize>,
    /// By the places of both statuses.
    moves: HashMap<(usize, usize), u64>,
}

impl Counter {
    /// Counts one case.
    pub fn add(&mut self, record: &CaseRecord) {
        self.counts.cases += 1;
        let mut before = None;
        for entry in &record.history {
            let place = self.place(&entry.status);
            self.counts.entries += 1;
            self.counts.statuses[place].entries += 1;
            match before {
                None => self.counts.statuses[place].initial += 1,
                Some(before) if before != place => *self.moves.entry((before, place)).or_default() += 1,
                Some(_) => {}
            }
            before = Some(place);
        }
        if let Some(last) = before {
            self.counts.statuses[last].last += 1;
        }
    }

    /// What has been counted.
    pub fn finish(self) -> Counts {
        let Self { mut counts, moves, .. } = self;
        let mut moves: Vec<((usize, usize), u64)> = moves.into_iter().collect();
        moves.sort_by_key(|((from, to), count)| (*from, Reverse(*count), *to));
        let status = |place: usize| counts.statuses[place].status.clone();
        counts.transitions = moves
            .into_iter()
            .map(|((from, to), count)| TransitionCount { from: status(from), to: status(to), count })
            .collect();
        counts
    }

    fn place(&mut self, status: &Status) -> usize {
        if let Some(place) = self.places.get(status) {
            return *place;
        }
        let place = self.counts.statuses.len();
        self.counts.statuses.push(StatusCount { status: status.clone(), entries: 0, initial: 0, last: 0 });
        self.places.insert(status.clone(), place);
        place
    }
}
