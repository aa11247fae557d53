//! The one connection that writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::checkpointer::{Checkpointer, checkpoint};
use crate::files::StoreFiles;
use crate::lock::FileLock;
use crate::open::Durability;
use crate::{Error, names};

/// Pages of the log between two checkpoints while callers wait for each commit. Larger steps give better medians, but pauses of
/// tens of milliseconds.
const STEP_PAGES_OF_MANY_CALLERS: u32 = 1_000;

/// The same for a consumer, which commits the same pages again and again (the right edge of each index): eight times the log is
/// some twice the pages to move, and one sync instead of eight. Nobody waits for a single commit of it.
const STEP_PAGES_OF_A_CONSUMER: u32 = 8_000;

/// Pages at which a consumer waits for its checkpointer: a disk that is too slow for both must not be filled.
const UNMOVED_PAGES_MAX: u32 = 2 * STEP_PAGES_OF_A_CONSUMER;

/// The one connection that writes, for exclusive, synchronous transactions.
///
/// It blocks on the disk: call it from a thread of its own, or from a blocking thread of the runtime.
#[derive(Debug)]
pub struct Writer {
    /// Started when it is first needed. Its connection is closed before the writer's.
    checkpointer: Option<Checkpointer>,
    connection: Connection,
    files: Arc<StoreFiles>,
    durability: Durability,
    /// Pages in the write-ahead log since it was last begun anew, as of the last commit.
    log_pages: Arc<AtomicU32>,
    /// The same, when the last checkpoint was tried or asked for.
    log_pages_checkpointed: u32,
    /// The checkpointer was asked since the writer itself last moved anything.
    has_asked: bool,
    /// The disk has failed: nothing may be written any more.
    failed: bool,
    /// Released after the connection is closed: fields are dropped in the order of their declaration.
    _lock: FileLock,
}

impl Writer {
    pub(crate) fn new(
        mut connection: Connection,
        files: Arc<StoreFiles>,
        (lock, durability): (FileLock, Durability),
    ) -> Result<Self, Error> {
        let log_pages = Arc::new(AtomicU32::new(0));
        let gauge = Arc::clone(&log_pages);
        connection.wal_hook(Some(move |_: &mut Wal, pages: i32| {
            gauge.store(pages.unsigned_abs(), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self {
            checkpointer: None,
            connection,
            files,
            durability,
            log_pages,
            log_pages_checkpointed: 0,
            has_asked: false,
            failed: false,
            _lock: lock,
        })
    }

    /// The connection, for reading outside of a transaction (such as what is to be remembered, at start).
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Runs `work` in one transaction, which has the write lock from its beginning (`BEGIN IMMEDIATE`), and commits it
    /// if `work` returns `Ok`. If `work` returns an error or panics, nothing has happened.
    ///
    /// Refused with [`Error::Unavailable`] while the files of the store are not where they were opened.
    ///
    /// First it moves the log into the database if that is due, so that whoever waits for this commit does not wait for that.
    ///
    /// After [`Error::DiskFailed`] the process must end. Every later call is refused with it.
    pub fn transaction<T, E>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: From<Error>,
    {
        self.refuse_after_a_failure()?;
        self.checkpoint_of_a_consumer()?;
        self.commit(work)
    }

    /// [`Writer::transaction`] without the checkpoint, which waits until the callers have their answers.
    pub(crate) fn commit<T, E>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: From<Error>,
    {
        self.refuse_after_a_failure()?;
        // A commit into a file that nobody finds again would be lost.
        self.files.check()?;
        let outcome = attempt(&self.connection, work);
        if !self.connection.is_autocommit() {
            let reason = "a transaction could not be rolled back".to_owned();
            return Err(self.remember(Error::DiskFailed { reason, source: None }).into());
        }
        outcome.map_err(|stopped| match stopped {
            Stopped::ByWork(error) => error,
            Stopped::ByStore(error) => self.remember(error).into(),
        })
    }

    fn refuse_after_a_failure(&self) -> Result<(), Error> {
        if self.failed {
            return Err(Error::DiskFailed { reason: "it has failed before".to_owned(), source: None });
        }
        Ok(())
    }

    /// Moves the log into the database if it has grown enough since the last time, for many callers.
    pub(crate) fn checkpoint_if_due(&mut self) -> Result<(), Error> {
        if self.log_pages_unmoved() >= STEP_PAGES_OF_MANY_CALLERS { self.checkpoint() } else { Ok(()) }
    }

    /// The same for a consumer. Where commits are not synced, the checkpointer does most of it; where they are, its syncs would
    /// hold them up longer than the writer's own checkpoint does (`docs/adr/0019`).
    fn checkpoint_of_a_consumer(&mut self) -> Result<(), Error> {
        let (unmoved, pages) = (self.log_pages_unmoved(), self.log_pages.load(Ordering::Relaxed));
        // A reader was in the way when the log was to be begun anew: that is tried again sooner.
        let is_long = pages >= 2 * STEP_PAGES_OF_A_CONSUMER;
        let is_due = unmoved >= if is_long { STEP_PAGES_OF_MANY_CALLERS } else { STEP_PAGES_OF_A_CONSUMER };
        match self.durability {
            Durability::Full if is_due => self.checkpoint(),
            Durability::Normal if self.has_asked => self.checkpoint_the_rest(),
            Durability::Normal if unmoved >= UNMOVED_PAGES_MAX => self.checkpoint(),
            Durability::Normal if is_due => self.checkpoint_beside(),
            Durability::Full | Durability::Normal => Ok(()),
        }
    }

    /// Has the log moved while the writer goes on.
    fn checkpoint_beside(&mut self) -> Result<(), Error> {
        if self.checkpointer.is_none() {
            match Checkpointer::start(Arc::clone(&self.files), self.durability) {
                Ok(started) => self.checkpointer = Some(started),
                Err(error) => {
                    tracing::warn!(name: names::CHECKPOINTER_MISSING, dependency = "store", operation = "checkpoint", reason = %error, error = &error as &dyn std::error::Error,
                        "the checkpointer cannot be started, and the writer does its work: {error}");
                    return self.checkpoint();
                }
            }
        }
        self.log_pages_checkpointed = self.log_pages.load(Ordering::Relaxed);
        self.has_asked = true;
        self.checkpointer.iter().for_each(Checkpointer::begin);
        Ok(())
    }

    /// Moves what the checkpointer has left, so that the log can be begun anew; while it is at work, the log may grow.
    fn checkpoint_the_rest(&mut self) -> Result<(), Error> {
        let is_busy = self.checkpointer.as_ref().is_some_and(Checkpointer::is_busy);
        if is_busy && self.log_pages_unmoved() < UNMOVED_PAGES_MAX { Ok(()) } else { self.checkpoint() }
    }

    /// Pages that came into the log since the last checkpoint was tried or asked for.
    fn log_pages_unmoved(&mut self) -> u32 {
        let pages = self.log_pages.load(Ordering::Relaxed);
        if pages < self.log_pages_checkpointed {
            // The log was begun anew.
            self.log_pages_checkpointed = 0;
        }
        pages - self.log_pages_checkpointed
    }

    /// Moves the log into the database as far as readers allow, without waiting for them; waits for the checkpointer.
    ///
    /// Only a failed disk is an error: everything in the log is durable already, and is tried again one step later, not
    /// at every commit, since each attempt syncs.
    pub(crate) fn checkpoint(&mut self) -> Result<(), Error> {
        self.log_pages_checkpointed = self.log_pages.load(Ordering::Relaxed);
        self.has_asked = false;
        let settled = self.checkpointer.as_ref().map_or(Ok(()), Checkpointer::settle);
        settled.and_then(|()| checkpoint(&self.connection)).map_err(|error| self.remember(error))
    }

    /// Is there anything in the log that the last checkpoint has not seen?
    pub(crate) fn has_unmoved_pages(&self) -> bool {
        self.log_pages.load(Ordering::Relaxed) != self.log_pages_checkpointed
    }

    /// Nothing is written from now on, not even by closing the connection, which would run a checkpoint: what the log
    /// holds in memory may not be what it holds on the disk.
    pub(crate) fn abandon(&mut self) {
        self.failed = true;
        // It can only fail for an unknown option.
        drop(self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true));
    }

    fn remember(&mut self, error: Error) -> Error {
        if error.is_fatal() {
            self.abandon();
        }
        error
    }
}

impl Drop for Writer {
    /// Closing the connection moves what is left in the log: not on a disk that has just failed beside it.
    fn drop(&mut self) {
        if let Some(Err(error)) = self.checkpointer.as_ref().map(Checkpointer::settle) {
            tracing::warn!(name: names::CHECKPOINT_POSTPONED, dependency = "store", operation = "checkpoint", reason = %error, error = &error as &dyn std::error::Error,
                "the checkpoint is postponed to the next start: {error}");
            self.abandon();
        }
    }
}

/// Refuses a transaction that is one no more: SQLite rolls back by itself after some errors (a full disk), and whoever
/// ignored such an error would go on outside of any transaction.
pub(crate) fn still_open(tx: &Transaction<'_>) -> Result<(), Error> {
    if tx.is_autocommit() {
        let reason = "an error that ended the transaction was ignored".to_owned();
        return Err(Error::Statement { reason, source: None });
    }
    Ok(())
}

/// Who ended a transaction without a commit.
enum Stopped<E> {
    ByWork(E),
    ByStore(Error),
}

/// `&mut self` of the callers excludes nesting; the transaction rolls back when it is dropped without a commit.
fn attempt<T, E>(
    connection: &Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, Stopped<E>> {
    let store = |error: rusqlite::Error| Stopped::ByStore(Error::from(error));
    let tx = Transaction::new_unchecked(connection, TransactionBehavior::Immediate).map_err(store)?;
    let done = work(&tx).map_err(Stopped::ByWork)?;
    still_open(&tx).map_err(Stopped::ByStore)?;
    tx.commit().map_err(store)?;
    Ok(done)
}
