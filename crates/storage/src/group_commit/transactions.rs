//! The transactions of the writer's thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rusqlite::Transaction;
use tokio::time::Instant;

use super::handle::{Committed, SubmitError, Waiting};
use super::observer::{BatchInfo, BatchObserver, BatchOutcome, BatchReport};
use super::participant::Participant;
use super::replies::Replies;
use crate::writer::still_open;
use crate::{Error, Writer, names};

/// The writer with what happens in it. Only fatal errors come out of its methods: the others are told to the callers.
pub(super) struct Transactions<P, O> {
    pub(super) writer: Writer,
    pub(super) participant: P,
    pub(super) observer: O,
    pub(super) queued: Arc<AtomicUsize>,
    batch_number: u64,
}

/// How a transaction ended, short of a fatal error. `None` stands for a command that was no longer wanted.
enum Attempt<A> {
    Committed(Vec<Option<A>>),
    RolledBack(Error),
}

#[derive(Clone, Copy)]
struct Timing {
    begun: Instant,
    in_transaction: Duration,
}

impl<P: Participant, O: BatchObserver> Transactions<P, O> {
    pub(super) const fn new(writer: Writer, participant: P, observer: O, queued: Arc<AtomicUsize>) -> Self {
        Self { writer, participant, observer, queued, batch_number: 0 }
    }

    /// The participant's idle work, and what is left to be moved out of the log.
    pub(super) fn idle(&mut self) -> Result<(), Error> {
        if let Err(error) = self.participant.idle(self.writer.connection()) {
            if error.is_fatal() {
                return Err(error);
            }
            tracing::warn!(name: names::IDLE_WORK_FAILED, dependency = "store", operation = "idle", reason = %error, error = &error as &dyn std::error::Error,
                "idle work failed: {error}");
        }
        if self.writer.has_unmoved_pages() { self.writer.checkpoint() } else { Ok(()) }
    }

    /// Commits what is still wanted of `batch`, or what can be committed of it one by one.
    pub(super) fn run(&mut self, batch: Vec<Waiting<P>>) -> Result<(), Error> {
        let batch = wanted(batch);
        if batch.is_empty() {
            return Ok(());
        }
        match self.attempt(&batch)? {
            (Attempt::Committed(executed), timing) => self.answer(batch, executed, timing),
            (Attempt::RolledBack(error), timing) => {
                self.report(batch.len(), timing, BatchOutcome::RolledBack);
                self.retry(batch, error)?;
            }
        }
        Ok(())
    }

    /// Whose fault it was shows when each is alone: then the error is that command's own.
    fn retry(&mut self, mut batch: Vec<Waiting<P>>, error: Error) -> Result<(), Error> {
        if batch.len() > 1 {
            return batch.into_iter().try_for_each(|waiting| self.run(vec![waiting]));
        }
        let mut replies = Replies::new();
        if let Some(waiting) = batch.pop() {
            replies.add(waiting.caller, Err(SubmitError::Store(error)));
        }
        replies.deliver();
        Ok(())
    }

    /// One transaction. Only fatal errors are errors here.
    fn attempt(&mut self, batch: &[Waiting<P>]) -> Result<(Attempt<P::Answer>, Timing), Error> {
        let begun = Instant::now();
        let stopwatch = std::time::Instant::now();
        let participant = &mut self.participant;
        let outcome = self.writer.commit(|tx| execute_all(participant, tx, batch));
        let timing = Timing { begun, in_transaction: stopwatch.elapsed() };
        match outcome {
            Ok(executed) => {
                self.participant.committed();
                Ok((Attempt::Committed(executed), timing))
            }
            Err(error) if error.is_fatal() => Err(error),
            Err(error) => {
                self.participant.rolled_back();
                Ok((Attempt::RolledBack(error), timing))
            }
        }
    }

    fn answer(&mut self, batch: Vec<Waiting<P>>, executed: Vec<Option<P::Answer>>, timing: Timing) {
        let size = executed.iter().flatten().count();
        self.batch_number += 1;
        let mut replies = Replies::new();
        for (waiting, answer) in batch.into_iter().zip(executed) {
            let waited = timing.begun.saturating_duration_since(waiting.submitted);
            let info = BatchInfo { number: self.batch_number, size, waited, in_transaction: timing.in_transaction };
            let reply = answer.map(|answer| Committed { answer, batch: info }).ok_or(SubmitError::DeadlinePassed);
            replies.add(waiting.caller, reply);
        }
        replies.deliver();
        self.report(size, timing, BatchOutcome::Committed);
    }

    fn report(&mut self, size: usize, timing: Timing, outcome: BatchOutcome) {
        let queued = self.queued.load(Ordering::Relaxed);
        self.observer.ended(&BatchReport { size, in_transaction: timing.in_transaction, queued, outcome });
    }
}

/// Answers those whose deadline has passed, forgets those who have gone, and returns the others.
fn wanted<P: Participant>(batch: Vec<Waiting<P>>) -> Vec<Waiting<P>> {
    let (wanted, unwanted): (Vec<_>, Vec<_>) = batch.into_iter().partition(Waiting::is_wanted);
    let mut replies = Replies::new();
    for waiting in unwanted {
        replies.add(waiting.caller, Err(SubmitError::DeadlinePassed));
    }
    replies.deliver();
    wanted
}

/// Executes what is still wanted; `None` stands for what is not.
fn execute_all<P: Participant>(
    participant: &mut P,
    tx: &Transaction<'_>,
    batch: &[Waiting<P>],
) -> Result<Vec<Option<P::Answer>>, Error> {
    participant.begin(tx)?;
    let mut executed = Vec::with_capacity(batch.len());
    for waiting in batch {
        // A batch may take long, and a retried one longer.
        let answer = if waiting.is_wanted() { Some(participant.execute(tx, &waiting.command)?) } else { None };
        still_open(tx)?;
        executed.push(answer);
    }
    if executed.iter().any(Option::is_some) {
        participant.before_commit(tx)?;
    }
    Ok(executed)
}
