//! What is told about batches.

use std::time::Duration;

/// The batch that carried a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchInfo {
    /// Which batch of this thread, counted from 1: what callers of the same commit have in common.
    pub number: u64,
    /// Commands executed in it.
    pub size: usize,
    /// From submitting this command to the beginning of its transaction.
    pub waited: Duration,
    /// From the beginning of the transaction to its commit.
    pub in_transaction: Duration,
}

/// A transaction that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchReport {
    /// Commands executed in it (in one that was rolled back: commands that were to be).
    pub size: usize,
    /// From its beginning to its end.
    pub in_transaction: Duration,
    /// Commands that wait in the queue now.
    pub queued: usize,
    /// How it ended.
    pub outcome: BatchOutcome,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchOutcome {
    /// It is durable.
    Committed,
    /// It has not happened.
    RolledBack,
}

/// Learns of every transaction, in the writer's thread: record and return.
pub trait BatchObserver: Send + 'static {
    /// A transaction has ended.
    fn ended(&mut self, report: &BatchReport);
}

/// Observes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl BatchObserver for Unobserved {
    fn ended(&mut self, _report: &BatchReport) {}
}
