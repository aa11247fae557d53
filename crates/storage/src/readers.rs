//! Connections that read.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::files::StoreFiles;
use crate::open::connect;
use crate::{Error, pragmas};

/// How long a read waits for a connection when all are in use. Point reads take microseconds: whoever waits this long
/// stands behind scans, and is better told so.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// A pool of connections that cannot write (`query_only`). Clones share it.
///
/// Connections are opened when they are needed, up to the bound, and the one used last is used next, so that its cache
/// is warm. A service that reads on its runtime's threads asks for at least as many as it has threads.
#[derive(Debug, Clone)]
pub struct Readers {
    pool: Arc<Pool>,
    wait_max: Duration,
}

#[derive(Debug)]
struct Pool {
    connections_max: usize,
    state: Mutex<State>,
    returned: Condvar,
    /// Dropped after the connections: fields are dropped in the order of their declaration.
    files: Arc<StoreFiles>,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Connection>,
    in_use: usize,
    waiting: usize,
}

impl Readers {
    pub(crate) fn new(files: Arc<StoreFiles>, connections: usize) -> Self {
        let state = Mutex::default();
        let pool = Pool { connections_max: connections.max(1), state, returned: Condvar::new(), files };
        Self { pool: Arc::new(pool), wait_max: WAIT_MAX }
    }

    /// The same pool, with another bound on the wait for a connection (default: one second).
    #[must_use]
    pub fn with_wait_max(self, wait_max: Duration) -> Self {
        Self { wait_max, ..self }
    }

    /// Runs `work` in one read transaction: all its selects see the same state of the store.
    ///
    /// It runs on the calling thread, which is right for point reads by key (microseconds) even on a runtime's thread;
    /// scans belong into [`Readers::read_blocking`]. Keep it short: the log cannot be begun anew while it runs.
    ///
    /// [`Error::Unavailable`] if all connections stay in use.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        self.read_statement(|connection| in_transaction(connection, work))
    }

    /// [`Readers::read`] for work that is a single statement, which sees one state of the store by itself: without the two
    /// statements around it, which cost a point read as much again.
    pub fn read_statement<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let mut place = self.acquire()?;
        let connection = match place.idle.take() {
            Some(connection) => connection,
            None => self.pool.open()?,
        };
        let outcome = work(&connection);
        // A connection that has met a broken disk, or is left in a transaction, is not used again.
        if connection.is_autocommit() && outcome.as_ref().err().is_none_or(leaves_connection_sound) {
            place.idle = Some(connection);
        }
        outcome
    }

    /// [`Readers::read`] on a blocking thread of the runtime, for what takes longer. It costs far more than a point read.
    pub async fn read_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let readers = self.clone();
        match tokio::task::spawn_blocking(move || readers.read(work)).await {
            Ok(done) => done,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Error::unavailable("the runtime is shutting down")),
        }
    }

    /// What the connections do now.
    pub fn usage(&self) -> ReadersUsage {
        let state = self.pool.lock();
        let State { idle, in_use, waiting } = &*state;
        ReadersUsage { used: *in_use, idle: idle.len(), waiting: *waiting, max: self.pool.connections_max }
    }

    fn acquire(&self) -> Result<Place<'_>, Error> {
        let pool = self.pool.as_ref();
        let all_in_use = |state: &mut State| state.in_use >= pool.connections_max;
        let mut state = pool.lock();
        state.waiting += 1;
        let (mut state, _) =
            pool.returned.wait_timeout_while(state, self.wait_max, all_in_use).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        if all_in_use(&mut state) {
            return Err(Error::unavailable(format!("all {} readers are in use", pool.connections_max)));
        }
        state.in_use += 1;
        Ok(Place { pool, idle: state.idle.pop() })
    }
}

/// What the connections of a pool do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadersUsage {
    /// Connections in a transaction.
    pub used: usize,
    /// Open connections that wait for work.
    pub idle: usize,
    /// Reads that wait for a connection.
    pub waiting: usize,
    /// Connections that there can be.
    pub max: usize,
}

/// A place in the pool, given back when it is dropped, with or without a connection.
struct Place<'a> {
    pool: &'a Pool,
    idle: Option<Connection>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.in_use -= 1;
        state.idle.extend(self.idle.take());
        let somebody_waits = state.waiting > 0;
        drop(state);
        // A call of the system, which a read of microseconds would feel.
        if somebody_waits {
            self.pool.returned.notify_one();
        }
    }
}

impl Pool {
    /// No one panics while holding the lock, so a poisoned one is sound.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<Connection, Error> {
        let connection = connect(self.files.database(), OpenFlags::empty())?;
        // Nothing has been read yet: another file in the place of ours would be mended with our log.
        self.files.check_database()?;
        pragmas::set_up_reader(&connection)?;
        Ok(connection)
    }
}

fn in_transaction<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
    connection.prepare_cached("BEGIN DEFERRED")?.execute([])?;
    let outcome = work(connection);
    // Nothing was written: committing only ends the transaction, whatever came out of it.
    connection.prepare_cached("COMMIT")?.execute([])?;
    outcome
}

const fn leaves_connection_sound(error: &Error) -> bool {
    match error {
        Error::Full | Error::Statement { .. } => true,
        Error::Unavailable { .. }
        | Error::DiskFailed { .. }
        | Error::Corrupt { .. }
        | Error::SchemaTooNew { .. }
        | Error::SchemaDiverged { .. }
        | Error::InUse { .. }
        | Error::CannotCreate { .. }
        | Error::WriterPanicked { .. } => false,
    }
}
