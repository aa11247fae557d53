//! Moves the log into the database beside the writer, on a thread and a connection of its own.
//!
//! SQLite lets one connection do so while another one commits. But it syncs the database only when all of the log is in it, and
//! only then can the log be begun anew; a writer that goes on never lets that happen. So this thread syncs the database by
//! itself, and leaves the writer a short rest to move (`docs/adr/0019`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::config::DbConfig;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use crate::files::StoreFiles;
use crate::open::{Durability, connect};
use crate::{Error, names, pragmas};

/// The thread's other end. Dropping it waits for what the thread is doing.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// A pass is asked for, or under way.
    is_asked: bool,
    ends: bool,
    /// Why the last pass was in vain, if the process must end for it.
    failure: Option<Error>,
}

impl Checkpointer {
    /// Starts the thread.
    pub(crate) fn start(files: Arc<StoreFiles>, durability: Durability) -> Result<Self, Error> {
        let connection = connect(files.database(), OpenFlags::empty())?;
        files.check()?;
        pragmas::set_up_checkpointer(&connection, durability)?;
        // The writer's connection is the last one, and decides.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Self::of_passes(move || pass(&connection, &files))
    }

    /// A thread for such passes, whose only errors are those that the process must end for.
    fn of_passes(pass: impl FnMut() -> Result<(), Error> + Send + 'static) -> Result<Self, Error> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new().name("checkpointer".to_owned());
        let thread = thread.spawn(move || theirs.work(pass)).map_err(|error| Error::Unavailable {
            reason: "no thread for the checkpointer".to_owned(),
            source: Some(error.into()),
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Asks for a pass.
    pub(crate) fn begin(&self) {
        self.shared.lock().is_asked = true;
        self.shared.changed.notify_all();
    }

    /// Whether a pass is asked for or under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.shared.lock().is_asked
    }

    /// Waits until no pass is under way, and answers why the process must end, if it must.
    pub(crate) fn settle(&self) -> Result<(), Error> {
        let state = self.shared.lock();
        let settled = self.shared.changed.wait_while(state, |state| state.is_asked);
        settled.unwrap_or_else(PoisonError::into_inner).failure.take().map_or(Ok(()), Err)
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.shared.lock().ends = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // Whatever happened there has been told.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Nothing panics while the lock is held, so a poisoned one is sound.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, mut pass: impl FnMut() -> Result<(), Error>) {
        let mut state = self.lock();
        loop {
            let asked = self.changed.wait_while(state, |state| !state.is_asked && !state.ends);
            state = asked.unwrap_or_else(PoisonError::into_inner);
            if state.ends {
                return;
            }
            drop(state);
            let done = catch_unwind(AssertUnwindSafe(&mut pass));
            state = self.lock();
            state.is_asked = false;
            state.failure = done.unwrap_or_else(|_| Err(panicked())).err();
            self.changed.notify_all();
        }
    }
}

/// Only what ends the process is an error.
fn pass(connection: &Connection, files: &StoreFiles) -> Result<(), Error> {
    checkpoint(connection)?;
    files.sync_database().or_else(postponed)
}

/// Moves the log into the database as far as readers allow, without waiting for them (`PASSIVE`).
///
/// Only a failed disk is an error: everything in the log is durable already, and can be moved later.
pub(crate) fn checkpoint(connection: &Connection) -> Result<(), Error> {
    let moved = connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE);
    moved.map(|_| ()).map_err(Error::from).or_else(postponed)
}

fn postponed(error: Error) -> Result<(), Error> {
    if error.is_fatal() {
        return Err(error);
    }
    tracing::warn!(name: names::CHECKPOINT_POSTPONED, dependency = "store", operation = "checkpoint", reason = %error, error = &error as &dyn std::error::Error,
        "the checkpoint is postponed: {error}");
    Ok(())
}

fn panicked() -> Error {
    Error::WriterPanicked { message: "in its checkpointer; the log says where".to_owned() }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn failed() -> Error {
        Error::DiskFailed { reason: "on purpose".to_owned(), source: None }
    }

    #[test]
    fn a_pass_that_fails_is_told_once() {
        let mut outcomes = [Ok(()), Err(failed()), Ok(())].into_iter();
        let checkpointer = Checkpointer::of_passes(move || outcomes.next().unwrap()).unwrap();
        let told = || {
            checkpointer.begin();
            let told = checkpointer.settle();
            assert!(!checkpointer.is_busy());
            told.is_ok()
        };
        assert_eq!([told(), told(), told()], [true, false, true]);
        assert!(checkpointer.settle().is_ok(), "nothing was asked since");
    }

    #[test]
    fn a_pass_that_panics_is_a_failure_and_nobody_waits_for_ever() {
        let checkpointer = Checkpointer::of_passes(|| panic!("on purpose")).unwrap();
        checkpointer.begin();
        assert!(matches!(checkpointer.settle(), Err(Error::WriterPanicked { .. })));
    }

    #[test]
    fn whoever_drops_it_waits_for_the_pass_that_is_under_way() {
        let ((begun, begins), (release, released)) = (channel(), channel::<()>());
        let ended = Arc::new(Mutex::new(false));
        let ends = Arc::clone(&ended);
        let checkpointer = Checkpointer::of_passes(move || {
            begun.send(()).unwrap();
            let _ = released.recv();
            *ends.lock().unwrap() = true;
            Ok(())
        });
        let checkpointer = checkpointer.unwrap();
        checkpointer.begin();
        begins.recv().unwrap();
        assert!(checkpointer.is_busy());
        drop(release);
        drop(checkpointer);
        assert!(*ended.lock().unwrap());
    }
}
