//! A look at a store from outside of its work: is it there, readable, writable, of our version, and is there room?

mod stretch;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};

use self::stretch::Stretches;
use crate::files::{self, Displaced, StoreFiles};
use crate::open::connect;
use crate::{Error, pragmas, schema};

/// What is written to find out whether anything can be: one page.
const PROBE_BYTES: [u8; 4_096] = [0; 4_096];

/// Looks at an open store, again and again, on a connection of its own.
///
/// It blocks, and on a disk that does not answer for as long as the disk likes: call it from a thread that may hang.
#[derive(Debug)]
pub struct Inspector {
    connection: Connection,
    /// Dropped after the connection: fields are dropped in the order of their declaration.
    files: Arc<StoreFiles>,
    stretches: Stretches,
    disk_free_bytes_min: u64,
    /// A database file never gets shorter: nothing here vacuums.
    database_bytes_seen: u64,
    last: Inspection,
}

/// What a look has found. What could not be looked at this time is as it was the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspection {
    /// The version of the schema; 0: not read yet.
    pub schema_version: i64,
    /// The highest version that this program knows.
    pub schema_version_supported: i64,
    /// The size of the database file and its log, in bytes.
    pub size_bytes: u64,
    /// The room on their disk for this process, in bytes.
    pub disk_free_bytes: u64,
}

/// What is wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum Finding {
    /// It cannot be read, is damaged, or was migrated by a newer program.
    #[error(transparent)]
    Store(#[from] Error),
    /// Somebody has taken its files away.
    #[error(transparent)]
    Displaced(#[from] Displaced),
    /// The disk is nearly full.
    #[error("{free} bytes are free on the disk of {}, and {min} are wanted; free some space", path.display())]
    DiskAlmostFull {
        /// The database file.
        path: PathBuf,
        /// The room that is left, in bytes.
        free: u64,
        /// The room that is wanted, in bytes.
        min: u64,
    },
    /// Nothing can be written in its folder.
    #[error("nothing can be written beside {}: {reason}", path.display())]
    NotWritable {
        /// The database file.
        path: PathBuf,
        /// What the operating system says.
        reason: String,
    },
}

impl Inspector {
    pub(crate) fn new(files: Arc<StoreFiles>, schema_supported: i64, disk_free_bytes_min: u64) -> Result<Self, Error> {
        let connection = connect(files.database(), OpenFlags::empty())?;
        files.check()?;
        pragmas::set_up_reader(&connection)?;
        let (stretches, last) = (Stretches::default(), Inspection::none(schema_supported));
        Ok(Self { connection, files, stretches, disk_free_bytes_min, database_bytes_seen: 0, last })
    }

    /// One look. Its cost does not grow with the store: it reads the schema, a row of each table and the next stretch of
    /// one of them, and writes one page that it removes again.
    ///
    /// What no look can see is damage inside of stored values, which SQLite does not check, and damage of indexes.
    pub fn look(&mut self) -> (Inspection, Result<(), Finding>) {
        let found = self.find();
        (self.last, found)
    }

    fn find(&mut self) -> Result<(), Finding> {
        self.files.displaced().map_err(|found| match found {
            files::Finding::Displaced(displaced) => Finding::from(displaced),
            files::Finding::Unknown { path, source } => unreadable(&path, source),
        })?;
        self.measure()?;
        self.read()?;
        self.check_room()?;
        write_beside(self.files.database())
    }

    fn measure(&mut self) -> Result<(), Finding> {
        let path = self.files.database();
        let (database, all) = self.files.sizes().map_err(|error| unreadable(path, error))?;
        let room = rustix::fs::statvfs(path).map_err(|error| unreadable(path, error.into()))?;
        self.last.size_bytes = all;
        self.last.disk_free_bytes = room.f_bavail.saturating_mul(room.f_frsize);
        let before = self.database_bytes_seen;
        self.database_bytes_seen = database.max(before);
        if database < before {
            let reason = format!("{} has been cut from {before} to {database} bytes", path.display());
            return Err(Error::corrupt(reason).into());
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), Error> {
        // What this connection remembers says nothing about the disk.
        self.connection.execute_batch("PRAGMA shrink_memory; BEGIN")?;
        let read = self.read_in_transaction();
        let ended = self.connection.execute_batch("COMMIT");
        read?;
        Ok(ended?)
    }

    fn read_in_transaction(&mut self) -> Result<(), Error> {
        let version = schema::applied_version(&self.connection)?;
        self.last.schema_version = version;
        schema::check_version(version, self.last.schema_version_supported)?;
        schema::look_over(&self.connection)?;
        self.stretches.read_next(&self.connection)
    }

    fn check_room(&self) -> Result<(), Finding> {
        let (free, min) = (self.last.disk_free_bytes, self.disk_free_bytes_min);
        if free < min {
            return Err(Finding::DiskAlmostFull { path: self.files.database().to_owned(), free, min });
        }
        Ok(())
    }
}

impl Inspection {
    /// Nothing has been looked at yet.
    const fn none(schema_version_supported: i64) -> Self {
        Self { schema_version: 0, schema_version_supported, size_bytes: 0, disk_free_bytes: 0 }
    }
}

fn unreadable(path: &Path, error: io::Error) -> Finding {
    let reason = format!("{} cannot be looked at", path.display());
    Error::Unavailable { reason, source: Some(error.into()) }.into()
}

/// Where SQLite makes its own files, because permission bits do not tell of quotas, or of a file system that the kernel
/// has made read-only.
fn write_beside(database: &Path) -> Result<(), Finding> {
    let path = files::beside(database, ".probe");
    let written = File::create(&path).and_then(|mut file| file.write_all(&PROBE_BYTES));
    let removed = fs::remove_file(&path);
    written.and(removed).map_err(|error| {
        let reason = error.to_string();
        Finding::NotWritable { path: database.to_owned(), reason }
    })
}
