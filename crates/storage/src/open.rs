//! Opening a store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use refinery::Runner;
use rusqlite::{Connection, OpenFlags};

use crate::files::StoreFiles;
use crate::lock::FileLock;
use crate::{Error, Inspector, Readers, Writer, folder, pragmas, schema};

/// What a commit has survived when it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A power cut (`synchronous=FULL`): for what nobody else can supply again.
    Full,
    /// The end of the process (`synchronous=NORMAL`): a power cut may take back the last commits, in order and without
    /// damage. For projections, which catch up from the feed.
    Normal,
}

/// An open database file with its lock.
#[derive(Debug)]
pub struct SqliteFile {
    path: PathBuf,
    files: Arc<StoreFiles>,
    schema_supported: i64,
    writer: Writer,
}

impl SqliteFile {
    /// Opens the store at `path` and brings its schema up to date, creating file and folders where they are missing.
    ///
    /// The lock beside the file is held until the [`Writer`] is dropped.
    ///
    /// Fails with [`Error::CannotCreate`] (folder or file), [`Error::InUse`], [`Error::SchemaTooNew`],
    /// [`Error::SchemaDiverged`], [`Error::Corrupt`], or as every use of a store does. Damage is looked for only as far
    /// as it costs milliseconds: no database at all, a file that is too short, a damaged schema, history of migrations
    /// or first page of a table. Other damaged pages show when they are read; indexes that contradict their tables,
    /// and a damaged frame in the write-ahead log (which silently ends the log there), do not show at all.
    pub fn open(path: &Path, runner: Runner, durability: Durability) -> Result<Self, Error> {
        schema::check_sqlite_version(rusqlite::version_number())?;
        // An absolute path is never one of SQLite's special names, and stays right if the working directory changes.
        let path = std::path::absolute(path)
            .map_err(|error| Error::CannotCreate { path: path.to_owned(), source: Some(error.into()) })?;
        if let Some(parent) = path.parent() {
            folder::create(parent)?;
        }
        let lock = FileLock::take(&path)?;
        let mut connection =
            connect(&path, OpenFlags::SQLITE_OPEN_CREATE).map_err(|error| cannot_create(&path, error))?;
        if connection.is_readonly("main")? {
            return Err(Error::CannotCreate { path, source: None });
        }
        pragmas::set_up_writer(&connection, durability)?;
        schema::look_over(&connection)?;
        let schema_supported = schema::supported_version(&runner);
        schema::migrate(&mut connection, runner)?;
        let files = Arc::new(StoreFiles::of(&path)?);
        let writer = Writer::new(connection, Arc::clone(&files), (lock, durability))?;
        Ok(Self { path, files, schema_supported, writer })
    }

    /// The database file, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Readers of this file, at most `connections` at a time. Each call makes a pool of its own.
    ///
    /// They may outlive the writer; the lock is the writer's, since readers cannot do harm.
    pub fn readers(&self, connections: usize) -> Readers {
        Readers::new(Arc::clone(&self.files), connections)
    }

    /// Somebody who looks after this file while it is used, and finds fault with a disk that has less room than so many bytes.
    pub fn inspector(&self, disk_free_bytes_min: u64) -> Result<Inspector, Error> {
        Inspector::new(Arc::clone(&self.files), self.schema_supported, disk_free_bytes_min)
    }

    /// The one writer of this file.
    pub fn into_writer(self) -> Writer {
        self.writer
    }
}

/// Opens a connection. Paths are paths: no `file:` URIs. A connection is used by one thread at a time: no mutexes.
pub(crate) fn connect(path: &Path, create: OpenFlags) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    Ok(Connection::open_with_flags(path, flags)?)
}

/// What makes a store unavailable later makes it impossible to create at the beginning.
fn cannot_create(path: &Path, error: Error) -> Error {
    match error {
        Error::Unavailable { source, .. } => Error::CannotCreate { path: path.to_owned(), source },
        Error::Full
        | Error::DiskFailed { .. }
        | Error::Corrupt { .. }
        | Error::SchemaTooNew { .. }
        | Error::SchemaDiverged { .. }
        | Error::InUse { .. }
        | Error::CannotCreate { .. }
        | Error::Statement { .. }
        | Error::WriterPanicked { .. } => error,
    }
}
