//! The lock beside a database file: one process at a time.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::Error;

/// Holds the lock of a database until it is dropped, or until the process ends, however it ends.
///
/// SQLite's own locks would let a second process in between two transactions, and what the first remembers (numbers,
/// positions, idempotency keys) would be wrong from then on. The lock is on a file of its own because closing any
/// handle of the database file itself releases SQLite's POSIX locks on it.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock of `database`, or says that it is in use.
    pub(crate) fn take(database: &Path) -> Result<Self, Error> {
        let path = path_of(database);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| Error::CannotCreate { path: path.clone(), source: Some(error.into()) })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse { path: database.to_owned() }),
            Err(TryLockError::Error(error)) => Err(Error::Unavailable {
                reason: format!("{} cannot be locked", path.display()),
                source: Some(error.into()),
            }),
        }
    }
}

/// `command.db` is locked by `command.db.lock`. The file stays: removing it would race with the next one to take it.
fn path_of(database: &Path) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(".lock");
    PathBuf::from(path)
}
