//! How a connection is set up.

use std::time::Duration;

use rusqlite::Connection;

use crate::Error;
use crate::open::Durability;

/// How long a statement waits for a lock that another connection holds, before the store counts as unavailable.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Prepared statements that a connection keeps; more than any service has.
const STATEMENTS_CACHED_MAX: usize = 64;

/// For both kinds of connection.
///
/// `mmap_size=0`: an I/O error under a memory map is a signal, not an error code. `trusted_schema=OFF` and
/// `cell_size_check=ON`: a damaged or prepared file is recognised earlier.
const COMMON: &str = "
    PRAGMA mmap_size = 0;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA foreign_keys = ON;
";

/// `cache_size` is 64 MiB. `fullfsync` matters on macOS only, where a plain fsync does not reach the medium.
///
/// The automatic checkpoint is off because it swallows its errors, a failed sync among them: `Writer` runs its own.
const WRITER: &str = "
    PRAGMA cache_size = -65536;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA wal_autocheckpoint = 0;
";

/// Pages pass through without the cache.
const CHECKPOINTER: &str = "
    PRAGMA cache_size = -64;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA wal_autocheckpoint = 0;
";

/// `cache_size` is 8 MiB: there are several readers, and the operating system's cache is behind them.
const READER: &str = "
    PRAGMA cache_size = -8192;
    PRAGMA query_only = ON;
";

/// Sets up the connection that writes.
pub(crate) fn set_up_writer(connection: &Connection, durability: Durability) -> Result<(), Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch(COMMON)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Error::unavailable(format!("the file system does not carry a write-ahead log (mode {mode})")));
    }
    connection.execute_batch(WRITER)?;
    connection.execute_batch(synchronous(durability))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    Ok(())
}

const fn synchronous(durability: Durability) -> &'static str {
    match durability {
        Durability::Full => "PRAGMA synchronous = FULL",
        Durability::Normal => "PRAGMA synchronous = NORMAL",
    }
}

/// Sets up the connection that moves the log into the database.
pub(crate) fn set_up_checkpointer(connection: &Connection, durability: Durability) -> Result<(), Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch(COMMON)?;
    connection.execute_batch(CHECKPOINTER)?;
    connection.execute_batch(synchronous(durability))?;
    Ok(())
}

/// Sets up a connection that reads.
pub(crate) fn set_up_reader(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch(COMMON)?;
    connection.execute_batch(READER)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    Ok(())
}
