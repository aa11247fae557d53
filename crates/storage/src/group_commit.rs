//! Group commit: one thread owns the writer, and everything that waits is committed together.
//!
//! Under load a commit's sync is shared by all commands of a batch; alone, a command waits for nobody: there is no
//! timer. Nobody is answered before the commit. The parts: [`Participant`] is what the service does to its tables,
//! [`GroupCommit`] is the handle that callers have, `thread` is the loop, `transactions` is what it does to the disk, and `replies` carries the answers back.

mod handle;
mod observer;
mod participant;
mod replies;
mod thread;
mod transactions;

pub use handle::{Committed, GroupCommit, Limits, Queue, Reply, SubmitError, Submitted};
pub use observer::{BatchInfo, BatchObserver, BatchOutcome, BatchReport, Unobserved};
pub use participant::Participant;
pub use thread::{Ending, WriterThread};
