//! Answers of `GetCase` that are kept in memory as they go over the wire, within bounds.
//!
//! An answer shows one case, the links that others have made to it, and what the lifecycle allows next. So it is forgotten
//! when an event changes the case or links to it, when the model is begun anew, and when another lifecycle arrives.
//!
//! What must never happen is that an answer outlives a change. The projection commits, then forgets, then publishes its new
//! place ([`crate::view`]). A reader looks at the published place first, and then here. Whatever was committed up to that
//! place is forgotten by then, so that what is found is as of that place, or later. What a reader puts in may be older than
//! it thinks: a change may have been committed and forgotten between its look and now. Therefore every miss gives a
//! [`Ticket`], and nothing is kept with a ticket from before the last change in the same part.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use case_api::Epoch;
use case_domain::{CaseId, Lifecycle};

/// What all answers together may take, in bytes: a quarter of what the service may take under load.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// A longer answer is not kept, so that a few do not drive out thousands.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// What an answer takes beside its bytes: its place in a table that may be half empty, its id, its counters, the allocator.
const OVERHEAD_BYTES: usize = 256;
/// Parts with a lock each, so that the runtime's threads seldom meet.
const PARTS: usize = 16;

/// Kept answers.
#[derive(Debug)]
pub(crate) struct Answers {
    parts: [Mutex<Part>; PARTS],
    /// What one generation of a part may take.
    generation_bytes_max: usize,
    found: AtomicU64,
    missing: AtomicU64,
}

/// An answer as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// The case that was asked for: a number is given once, but the prefix of ids can be changed.
    pub(crate) case_id: CaseId,
    /// The store whose feed made it.
    pub(crate) epoch: Epoch,
    /// It is exactly as of this position, and of every later one up to which it is kept.
    pub(crate) position: u64,
    /// Says what is allowed next.
    pub(crate) lifecycle: Arc<Lifecycle>,
    /// `GetCaseResponse` without `as_of`, encoded.
    pub(crate) case: Bytes,
}

/// What a look gives.
#[derive(Debug)]
pub(crate) enum Looked {
    /// The answer, with the position that it was read at.
    Found {
        /// `GetCaseResponse` without `as_of`, encoded.
        case: Bytes,
        /// It is as of this position, or of the published place that was looked at before, whichever is later.
        position: u64,
    },
    /// Read it, and keep it with this.
    Missing(Ticket),
}

/// The right to keep what is read from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    changes: u64,
}

/// How often answers were looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Looks {
    /// And found.
    pub(crate) found: u64,
    /// And had to be read.
    pub(crate) missing: u64,
}

/// Two generations: what is used moves to the young one, and when that is full the old one is dropped.
#[derive(Debug, Default)]
struct Part {
    /// How often something was forgotten because it changed.
    changes: u64,
    young: HashMap<u64, Kept>,
    young_bytes: usize,
    old: HashMap<u64, Kept>,
}

impl Answers {
    pub(crate) fn new() -> Self {
        Self::within(BYTES_MAX)
    }

    fn within(bytes_max: usize) -> Self {
        Self {
            parts: std::array::from_fn(|_| Mutex::default()),
            generation_bytes_max: bytes_max / PARTS / 2,
            found: AtomicU64::new(0),
            missing: AtomicU64::new(0),
        }
    }

    /// Looks for the answer about a case of a store, under a lifecycle. The caller has looked at the published place before.
    pub(crate) fn find(&self, case_id: &CaseId, epoch: Epoch, lifecycle: &Arc<Lifecycle>) -> Looked {
        let (mut part, number) = (self.part(case_id.number()), case_id.number());
        let dropped = part.rejuvenate(number, self.generation_bytes_max);
        let fits =
            |kept: &&Kept| kept.case_id == *case_id && kept.epoch == epoch && Arc::ptr_eq(&kept.lifecycle, lifecycle);
        let looked =
            part.young.get(&number).filter(fits).map_or(Looked::Missing(Ticket { changes: part.changes }), |kept| {
                Looked::Found { case: kept.case.clone(), position: kept.position }
            });
        drop(part);
        drop(dropped);
        let count = if matches!(looked, Looked::Found { .. }) { &self.found } else { &self.missing };
        count.fetch_add(1, Ordering::Relaxed);
        looked
    }

    /// Keeps an answer that was read after the ticket was given, unless something has changed since.
    pub(crate) fn keep(&self, ticket: Ticket, kept: Kept) {
        if kept.case.len() > ANSWER_BYTES_MAX.min(self.generation_bytes_max) {
            return;
        }
        let mut part = self.part(kept.case_id.number());
        // Another reader may have kept a later one under the same ticket: that one stays.
        let known = part.young.get(&kept.case_id.number());
        let is_later = known.is_none_or(|known| known.epoch != kept.epoch || known.position <= kept.position);
        let dropped = (part.changes == ticket.changes && is_later).then(|| part.add(kept, self.generation_bytes_max));
        drop(part);
        drop(dropped);
    }

    /// Forgets what is known about cases that a commit has changed. To be called before the commit is published.
    pub(crate) fn forget(&self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            let mut part = self.part(number);
            part.changes += 1;
            part.take(number);
        }
    }

    /// Forgets everything; likewise.
    pub(crate) fn forget_all(&self) {
        for part in &self.parts {
            let mut part = lock(part);
            let changes = part.changes + 1;
            let dropped = std::mem::replace(&mut *part, Part { changes, ..Part::default() });
            drop(part);
            drop(dropped);
        }
    }

    /// How often answers were looked for since the start.
    pub(crate) fn looks(&self) -> Looks {
        Looks { found: self.found.load(Ordering::Relaxed), missing: self.missing.load(Ordering::Relaxed) }
    }

    fn part(&self, number: u64) -> MutexGuard<'_, Part> {
        let nth = usize::try_from(number % PARTS as u64).unwrap_or_default();
        lock(&self.parts[nth])
    }
}

/// Nobody panics while holding it.
fn lock(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Part {
    /// Answers what was driven out, to be dropped when the lock is free again.
    fn add(&mut self, kept: Kept, bytes_max: usize) -> HashMap<u64, Kept> {
        self.take(kept.case_id.number());
        let mut dropped = HashMap::new();
        if self.young_bytes + taken_by(&kept) > bytes_max {
            dropped = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            self.young_bytes = 0;
        }
        self.young_bytes += taken_by(&kept);
        self.young.insert(kept.case_id.number(), kept);
        dropped
    }

    fn rejuvenate(&mut self, number: u64, bytes_max: usize) -> HashMap<u64, Kept> {
        self.old.remove(&number).map(|kept| self.add(kept, bytes_max)).unwrap_or_default()
    }

    fn take(&mut self, number: u64) {
        if let Some(kept) = self.young.remove(&number) {
            self.young_bytes -= taken_by(&kept);
        }
        self.old.remove(&number);
    }
}

const fn taken_by(kept: &Kept) -> usize {
    kept.case.len() + OVERHEAD_BYTES
}

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;
