//! The one connection that writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, MAIN_DB, Transaction, TransactionBehavior};

use crate::files::StoreFiles;
use crate::lock::FileLock;
use crate::{Error, names};

/// Pages of the log between two checkpoints. Larger steps give better medians, but pauses of tens of milliseconds.
const CHECKPOINT_STEP_PAGES: u32 = 1_000;

/// The one connection that writes, for exclusive, synchronous transactions.
///
/// It blocks on the disk: call it from a thread of its own, or from a blocking thread of the runtime.
#[derive(Debug)]
pub struct Writer {
    connection: Connection,
    files: Arc<StoreFiles>,
    /// Pages in the write-ahead log since it was last begun anew, as of the last commit.
    log_pages: Arc<AtomicU32>,
    /// The same, when the last checkpoint was tried.
    log_pages_checkpointed: u32,
    /// The disk has failed: nothing may be written any more.
    failed: bool,
    /// Released after the connection is closed: fields are dropped in the order of their declaration.
    _lock: FileLock,
}

impl Writer {
    pub(crate) fn new(mut connection: Connection, files: Arc<StoreFiles>, lock: FileLock) -> Result<Self, Error> {
        let log_pages = Arc::new(AtomicU32::new(0));
        let gauge = Arc::clone(&log_pages);
        connection.wal_hook(Some(move |_: &mut Wal, pages: i32| {
            gauge.store(pages.unsigned_abs(), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { connection, files, log_pages, log_pages_checkpointed: 0, failed: false, _lock: lock })
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
    /// After [`Error::DiskFailed`] the process must end. It is also returned when the commit itself is durable, but
    /// moving it from the log into the database failed. Every later call is refused with it.
    pub fn transaction<T, E>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: From<Error>,
    {
        let done = self.commit(work)?;
        self.checkpoint_if_due()?;
        Ok(done)
    }

    /// [`Writer::transaction`] without the checkpoint, which may wait until the callers have their answers.
    pub(crate) fn commit<T, E>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E>
    where
        E: From<Error>,
    {
        if self.failed {
            return Err(Error::DiskFailed { reason: "it has failed before".to_owned(), source: None }.into());
        }
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

    /// Moves the log into the database if it has grown enough since the last time.
    pub(crate) fn checkpoint_if_due(&mut self) -> Result<(), Error> {
        let pages = self.log_pages.load(Ordering::Relaxed);
        if pages < self.log_pages_checkpointed {
            // The log was begun anew.
            self.log_pages_checkpointed = 0;
        }
        if pages - self.log_pages_checkpointed < CHECKPOINT_STEP_PAGES {
            return Ok(());
        }
        self.checkpoint()
    }

    /// Moves the log into the database as far as readers allow, without waiting for them (`PASSIVE`).
    ///
    /// Only a failed disk is an error: everything in the log is durable already, and is tried again one step later, not
    /// at every commit, since each attempt syncs.
    pub(crate) fn checkpoint(&mut self) -> Result<(), Error> {
        self.log_pages_checkpointed = self.log_pages.load(Ordering::Relaxed);
        match self.connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE).map_err(Error::from) {
            Ok(_) => Ok(()),
            Err(error) if error.is_fatal() => Err(self.remember(error)),
            Err(error) => {
                tracing::warn!(name: names::CHECKPOINT_POSTPONED, dependency = "store", operation = "checkpoint", reason = %error, error = &error as &dyn std::error::Error,
                    "the checkpoint is postponed: {error}");
                Ok(())
            }
        }
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
