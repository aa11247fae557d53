//! The callers' side of the writer's thread.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::observer::{BatchInfo, BatchObserver};
use super::participant::Participant;
use super::thread::{Worker, WriterThread};
use super::transactions::Transactions;
use crate::{Error, Writer};

/// How much waits, and how much is committed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Commands that may wait; one more is refused.
    pub queue: usize,
    /// Commands in one transaction.
    pub batch: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { queue: 4_096, batch: 256 }
    }
}

/// A durable answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed<A> {
    /// What the participant answered.
    pub answer: A,
    /// The batch in which it was committed.
    pub batch: BatchInfo,
}

/// Why a command was not executed, or not committed.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Too many commands wait. Not executed.
    #[error("{limit} commands wait already")]
    QueueFull {
        /// The bound of the queue.
        limit: usize,
    },
    /// The writer has ended. Not executed.
    #[error("the writer has ended")]
    Closed,
    /// The deadline passed while the command waited. Not executed.
    #[error("the deadline passed while the command waited")]
    DeadlinePassed,
    /// The store refused it. Rolled back.
    #[error("the store refused the command")]
    Store(#[source] Error),
}

/// What a caller is told.
pub type Reply<A> = Result<Committed<A>, SubmitError>;

/// A command in the queue.
pub(super) struct Waiting<P: Participant> {
    pub(super) command: P::Command,
    pub(super) deadline: Instant,
    pub(super) submitted: Instant,
    pub(super) caller: Caller<P::Answer>,
}

impl<P: Participant> Waiting<P> {
    /// Does anyone still wait for this, and is there time?
    pub(super) fn is_wanted(&self) -> bool {
        !self.caller.answer.is_closed() && Instant::now() < self.deadline
    }
}

/// Where an answer goes.
pub(super) struct Caller<A> {
    pub(super) answer: oneshot::Sender<Reply<A>>,
    /// The runtime of the caller, if it has one.
    pub(super) runtime: Option<Handle>,
}

/// The wait for the answer to a command that is in the queue or in the writer's hands. Dropping it abandons the command, as
/// [`GroupCommit::submit`] says.
#[derive(Debug)]
#[must_use = "the command is abandoned if nobody waits for its answer"]
pub struct Submitted<A> {
    answered: oneshot::Receiver<Reply<A>>,
}

impl<A> Future for Submitted<A> {
    type Output = Reply<A>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply<A>> {
        // Without a sender there never is an answer: whether the command is durable is not known.
        ready!(Pin::new(&mut self.answered).poll(cx)).map_or(Poll::Pending, Poll::Ready)
    }
}

/// The callers' handle of the writer's thread. When the last clone is dropped, the thread finishes what waits and ends.
pub struct GroupCommit<P: Participant> {
    sender: SyncSender<Waiting<P>>,
    queued: Arc<AtomicUsize>,
    limit: usize,
}

impl<P: Participant> Clone for GroupCommit<P> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), queued: Arc::clone(&self.queued), limit: self.limit }
    }
}

/// The queue before the writer's thread, watched.
#[derive(Debug, Clone)]
pub struct Queue {
    queued: Arc<AtomicUsize>,
    capacity: usize,
}

impl Queue {
    /// Commands that wait now.
    pub fn depth(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Commands that can wait.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }
}

impl<P: Participant> std::fmt::Debug for GroupCommit<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupCommit")
            .field("queued", &self.queued())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<P: Participant> GroupCommit<P> {
    /// Starts the thread. `fatal` is called in it, as the last thing it does, if the disk failed or something panicked:
    /// the process must then end at once, without draining, since nobody whose command was in the hands of the writer
    /// is ever answered: whether it is durable is not known.
    ///
    /// Called in a runtime, deadlines are measured by that runtime's clock, so that a test can stop it.
    pub fn start(
        writer: Writer,
        participant: P,
        limits: Limits,
        observer: impl BatchObserver,
        fatal: impl FnOnce(Error) + Send + 'static,
    ) -> Result<(Self, WriterThread), Error> {
        let (sender, receiver) = sync_channel(limits.queue);
        let queued = Arc::new(AtomicUsize::new(0));
        let transactions = Transactions::new(writer, participant, observer, Arc::clone(&queued));
        let thread = WriterThread::spawn(Worker::new(transactions, receiver, limits.batch), fatal)?;
        Ok((Self { sender, queued, limit: limits.queue }, thread))
    }

    /// Has `command` executed and committed, and returns its answer after the commit.
    ///
    /// Dropping the future abandons the command: it is skipped if its execution has not begun. A command whose deadline
    /// has passed is skipped likewise; one that is being executed is answered when it is committed, however late. So a
    /// caller that must not wait drops the future at its deadline, and does not know the outcome then.
    ///
    /// After a fatal failure the commands in the hands of the writer are never answered: the future stays pending.
    pub async fn submit(&self, command: P::Command, deadline: Instant) -> Result<Committed<P::Answer>, SubmitError> {
        self.hand_over(command, deadline)?.await
    }

    /// The first half of [`GroupCommit::submit`]: puts `command` into the queue, and returns the wait for its answer, which
    /// may be awaited anywhere, also in another task than it was begun in.
    pub fn hand_over(&self, command: P::Command, deadline: Instant) -> Result<Submitted<P::Answer>, SubmitError> {
        let (answer, answered) = oneshot::channel();
        let caller = Caller { answer, runtime: Handle::try_current().ok() };
        self.enqueue(Waiting { command, deadline, submitted: Instant::now(), caller })?;
        Ok(Submitted { answered })
    }

    /// Commands that wait now.
    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// The queue, for whoever only watches it: this does not keep the thread from ending.
    pub fn queue(&self) -> Queue {
        Queue { queued: Arc::clone(&self.queued), capacity: self.limit }
    }

    fn enqueue(&self, waiting: Waiting<P>) -> Result<(), SubmitError> {
        // Counted before it is sent: the writer may take it, and count down, before `try_send` returns.
        self.queued.fetch_add(1, Ordering::Relaxed);
        self.sender.try_send(waiting).map_err(|refused| {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            match refused {
                TrySendError::Full(_) => SubmitError::QueueFull { limit: self.limit },
                TrySendError::Disconnected(_) => SubmitError::Closed,
            }
        })
    }
}
