//! The loop of the writer's thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;

use super::handle::{SubmitError, Waiting};
use super::observer::BatchObserver;
use super::participant::Participant;
use super::replies::Replies;
use super::transactions::Transactions;
use crate::Error;

/// How long nothing must have come before the idle work is done.
const QUIET: Duration = Duration::from_millis(250);

/// The thread of a writer.
#[derive(Debug)]
pub struct WriterThread {
    thread: JoinHandle<Ending>,
}

/// How the thread ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Every handle was dropped, and everything that waited is committed or refused.
    Drained,
    /// The disk failed, or something panicked; `fatal` was called.
    Failed,
}

impl WriterThread {
    pub(super) fn spawn<P: Participant, O: BatchObserver>(
        worker: Worker<P, O>,
        fatal: impl FnOnce(Error) + Send + 'static,
    ) -> Result<Self, Error> {
        let runtime = Handle::try_current().ok();
        let run = move || {
            let _clock = runtime.as_ref().map(Handle::enter);
            worker.run(fatal)
        };
        let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(run).map_err(|error| {
            Error::Unavailable { reason: "no thread for the writer".to_owned(), source: Some(error.into()) }
        })?;
        Ok(Self { thread })
    }

    /// Waits until the thread has ended: drop all handles first. It blocks.
    pub fn join(self) -> Ending {
        // Only `fatal` itself can panic outside of the net.
        self.thread.join().unwrap_or(Ending::Failed)
    }
}

pub(super) struct Worker<P: Participant, O> {
    transactions: Transactions<P, O>,
    receiver: Receiver<Waiting<P>>,
    batch_max: usize,
}

enum Next<P: Participant> {
    Command(Waiting<P>),
    Quiet,
    Closed,
}

impl<P: Participant, O: BatchObserver> Worker<P, O> {
    pub(super) fn new(transactions: Transactions<P, O>, receiver: Receiver<Waiting<P>>, batch_max: usize) -> Self {
        Self { transactions, receiver, batch_max: batch_max.max(1) }
    }

    fn run(mut self, fatal: impl FnOnce(Error)) -> Ending {
        // After a panic only the writer and the queue are used, and the writer only to be told to stop.
        let error = match catch_unwind(AssertUnwindSafe(|| self.work())) {
            Ok(Ok(())) => return Ending::Drained,
            Ok(Err(error)) => error,
            Err(panic) => Error::WriterPanicked { message: message_of(panic.as_ref()) },
        };
        self.transactions.writer.abandon();
        fatal(error);
        // These have certainly not been executed, so they may be told.
        let mut replies = Replies::new();
        for waiting in self.receiver.try_iter() {
            replies.add(waiting.caller, Err(SubmitError::Closed));
        }
        replies.deliver();
        Ending::Failed
    }

    /// Only fatal errors come out of here.
    fn work(&mut self) -> Result<(), Error> {
        let mut idle_due = true;
        loop {
            match self.next(idle_due) {
                Next::Command(first) => {
                    self.batch(first)?;
                    idle_due = true;
                }
                Next::Quiet => {
                    self.transactions.idle()?;
                    idle_due = false;
                }
                Next::Closed => return self.transactions.idle(),
            }
        }
    }

    fn next(&self, idle_due: bool) -> Next<P> {
        let received = if idle_due {
            self.receiver.recv_timeout(QUIET)
        } else {
            self.receiver.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match received {
            Ok(waiting) => Next::Command(waiting),
            Err(RecvTimeoutError::Timeout) => Next::Quiet,
            Err(RecvTimeoutError::Disconnected) => Next::Closed,
        }
    }

    fn batch(&mut self, first: Waiting<P>) -> Result<(), Error> {
        let more = self.receiver.try_iter().take(self.batch_max - 1);
        let batch: Vec<_> = std::iter::once(first).chain(more).collect();
        self.transactions.queued.fetch_sub(batch.len(), Ordering::Relaxed);
        self.transactions.run(batch)?;
        self.transactions.writer.checkpoint_if_due()
    }
}

/// The text of a panic.
fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}
