//! From the driver's errors to ours, by SQLite's extended result codes (<https://sqlite.org/rescode.html>).

use rusqlite::ffi;

use crate::Error;

/// The low byte of an extended code is its primary code.
const PRIMARY_CODE_MASK: i32 = 0xff;

/// What an error code asks of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Full,
    Unavailable(&'static str),
    DiskFailed(&'static str),
    Corrupt(&'static str),
    Statement(&'static str),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let kind = error.sqlite_extended_error_code().map_or(Kind::Statement("misuse of the driver"), kind_of);
        let source = Some(error.into());
        match kind {
            Kind::Full => Self::Full,
            Kind::Unavailable(reason) => Self::Unavailable { reason: reason.to_owned(), source },
            Kind::DiskFailed(reason) => Self::DiskFailed { reason: reason.to_owned(), source },
            Kind::Corrupt(reason) => Self::Corrupt { reason: reason.to_owned(), source },
            Kind::Statement(reason) => Self::Statement { reason: reason.to_owned(), source },
        }
    }
}

const fn kind_of(extended: i32) -> Kind {
    match extended & PRIMARY_CODE_MASK {
        ffi::SQLITE_FULL => Kind::Full,
        ffi::SQLITE_IOERR => kind_of_io(extended),
        ffi::SQLITE_CORRUPT => Kind::Corrupt("the database file is malformed"),
        ffi::SQLITE_NOTADB | ffi::SQLITE_FORMAT => Kind::Corrupt("the file is not a database"),
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => Kind::Unavailable("another connection holds the lock"),
        ffi::SQLITE_PROTOCOL => Kind::Unavailable("the lock could not be taken"),
        ffi::SQLITE_CANTOPEN => Kind::Unavailable("a file of the database cannot be opened"),
        ffi::SQLITE_READONLY => Kind::Unavailable("the database cannot be written"),
        ffi::SQLITE_PERM => Kind::Unavailable("permission denied"),
        ffi::SQLITE_NOMEM => Kind::Unavailable("out of memory"),
        ffi::SQLITE_INTERRUPT => Kind::Unavailable("interrupted"),
        ffi::SQLITE_CONSTRAINT => Kind::Statement("a constraint is violated"),
        _ => Kind::Statement("SQLite refused it"),
    }
}

/// I/O errors: failed writes are fatal, failed reads are not, and an unknown failure counts as the worst.
const fn kind_of_io(extended: i32) -> Kind {
    match extended {
        ffi::SQLITE_IOERR_READ => Kind::Unavailable("the disk cannot be read"),
        ffi::SQLITE_IOERR_SHORT_READ => Kind::Corrupt("the file ends in the middle of a page"),
        ffi::SQLITE_IOERR_DATA => Kind::Corrupt("the checksum of a page is wrong"),
        ffi::SQLITE_IOERR_CORRUPTFS => Kind::Corrupt("the file system is corrupt"),
        // The shared-memory index beside the log could not grow, for which SQLite has no better code than this one. It
        // is never synced and is rebuilt from the log at will, so no promise depends on it: not a failed disk.
        ffi::SQLITE_IOERR_SHMSIZE => Kind::Full,
        ffi::SQLITE_IOERR_NOMEM | ffi::SQLITE_IOERR_SHMMAP => Kind::Unavailable("out of memory"),
        ffi::SQLITE_IOERR_BLOCKED
        | ffi::SQLITE_IOERR_CHECKRESERVEDLOCK
        | ffi::SQLITE_IOERR_LOCK
        | ffi::SQLITE_IOERR_RDLOCK
        | ffi::SQLITE_IOERR_UNLOCK
        | ffi::SQLITE_IOERR_SHMLOCK => Kind::Unavailable("the lock could not be taken"),
        ffi::SQLITE_IOERR_ACCESS
        | ffi::SQLITE_IOERR_CONVPATH
        | ffi::SQLITE_IOERR_FSTAT
        | ffi::SQLITE_IOERR_GETTEMPPATH
        | ffi::SQLITE_IOERR_SHMOPEN => Kind::Unavailable("a file of the database cannot be reached"),
        ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC => Kind::DiskFailed("a sync failed"),
        ffi::SQLITE_IOERR_WRITE => Kind::DiskFailed("a write failed"),
        ffi::SQLITE_IOERR_TRUNCATE => Kind::DiskFailed("a file could not be cut"),
        _ => Kind::DiskFailed("an I/O operation failed"),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    fn classified(code: i32) -> Error {
        Error::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }

    #[test]
    fn no_space_is_full() {
        assert!(matches!(classified(ffi::SQLITE_FULL), Error::Full));
        assert!(matches!(classified(ffi::SQLITE_IOERR_SHMSIZE), Error::Full));
    }

    #[test]
    fn a_failed_write_or_sync_is_fatal() {
        for code in [
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_IOERR_DIR_FSYNC,
            ffi::SQLITE_IOERR_TRUNCATE,
            ffi::SQLITE_IOERR_DELETE,
            ffi::SQLITE_IOERR_CLOSE,
            ffi::SQLITE_IOERR_COMMIT_ATOMIC,
        ] {
            let error = classified(code);
            assert!(matches!(error, Error::DiskFailed { .. }), "{code}: {error:?}");
            assert!(error.is_fatal());
        }
    }

    #[test]
    fn an_io_error_that_we_do_not_know_is_fatal() {
        let unheard_of = ffi::SQLITE_IOERR | (200 << 8);
        assert!(classified(unheard_of).is_fatal());
        assert!(classified(ffi::SQLITE_IOERR).is_fatal());
    }

    #[test]
    fn a_failed_read_is_not_fatal() {
        assert!(matches!(classified(ffi::SQLITE_IOERR_READ), Error::Unavailable { .. }));
        assert!(matches!(classified(ffi::SQLITE_IOERR_SHORT_READ), Error::Corrupt { .. }));
    }

    #[test]
    fn damage_is_corrupt() {
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_CORRUPT_INDEX, ffi::SQLITE_NOTADB, ffi::SQLITE_IOERR_DATA] {
            assert!(matches!(classified(code), Error::Corrupt { .. }), "{code}");
        }
    }

    #[test]
    fn what_passes_is_unavailable() {
        for code in [
            ffi::SQLITE_BUSY,
            ffi::SQLITE_BUSY_SNAPSHOT,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_READONLY_DIRECTORY,
            ffi::SQLITE_PERM,
            ffi::SQLITE_NOMEM,
            ffi::SQLITE_IOERR_LOCK,
            ffi::SQLITE_IOERR_SHMOPEN,
        ] {
            assert!(matches!(classified(code), Error::Unavailable { .. }), "{code}");
        }
    }

    #[test]
    fn everything_else_is_a_bug() {
        for code in [ffi::SQLITE_ERROR, ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_MISUSE, ffi::SQLITE_RANGE] {
            assert!(matches!(classified(code), Error::Statement { .. }), "{code}");
        }
        assert!(matches!(Error::from(rusqlite::Error::QueryReturnedNoRows), Error::Statement { .. }));
    }

    #[test]
    fn display_does_not_repeat_its_source() {
        let error = classified(ffi::SQLITE_IOERR_FSYNC);
        let source = error.source().expect("a source").to_string();
        assert!(!error.to_string().contains(&source), "{error} / {source}");
    }
}
