//! The files of a store, and whether they are still the ones that were opened.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::Error;

/// The database file and its write-ahead log, as they were opened.
///
/// An open file can be removed, or another one be moved into its place: SQLite would go on in a file that nobody finds
/// again, and every commit would be gone with the process. So it is asked before each transaction whether the paths
/// still lead to what was opened; it costs a microsecond for each file, and is never done by opening it (closing any handle of
/// a database file releases SQLite's locks on it).
#[derive(Debug)]
pub(crate) struct StoreFiles {
    database: OpenFile,
    /// `None`: there was no log yet when the store was opened.
    log: Option<OpenFile>,
}

/// One file, by what its path led to.
#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

/// What became of an open file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Displaced {
    /// There is no file at its path any more.
    #[error("{} was removed while the store was in use; put it back, or stop the service and restore the store", .0.display())]
    Removed(PathBuf),
    /// There is another file at its path.
    #[error("{} was replaced by another file while the store was in use; put it back, or restart the service on the other one", .0.display())]
    Replaced(PathBuf),
}

impl StoreFiles {
    /// The files of an open database.
    pub(crate) fn of(database: &Path) -> Result<Self, Error> {
        let unreachable =
            |error: io::Error| Error::CannotCreate { path: database.to_owned(), source: Some(error.into()) };
        // SQLite follows links, and puts the log beside the file that they lead to.
        let path = fs::canonicalize(database).map_err(unreachable)?;
        let log = beside(&path, "-wal");
        let log = if log.exists() { Some(OpenFile::at(log).map_err(unreachable)?) } else { None };
        Ok(Self { database: OpenFile::at(path).map_err(unreachable)?, log })
    }

    /// The database file.
    pub(crate) fn database(&self) -> &Path {
        &self.database.path
    }

    /// Do the paths still lead to the files that were opened?
    pub(crate) fn displaced(&self) -> Result<(), Finding> {
        std::iter::once(&self.database).chain(&self.log).try_for_each(OpenFile::still_there)
    }

    /// [`StoreFiles::displaced`] for whoever is about to write: nothing is lost yet, and the files can be put back.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.displaced().map_err(unusable)
    }

    /// Is the database file the one that was opened? For readers, which may outlive the writer: with it the log goes.
    pub(crate) fn check_database(&self) -> Result<(), Error> {
        self.database.still_there().map_err(unusable)
    }

    /// The size of the database file, and of all files of the store, in bytes.
    pub(crate) fn sizes(&self) -> io::Result<(u64, u64)> {
        let database = fs::metadata(&self.database.path)?.len();
        let beside = |file: &OpenFile| fs::metadata(&file.path).map_or(0, |metadata| metadata.len());
        Ok((database, database + self.log.as_ref().map_or(0, beside)))
    }
}

fn unusable(finding: Finding) -> Error {
    match finding {
        Finding::Displaced(displaced) => Error::unavailable(displaced.to_string()),
        Finding::Unknown { path, source } => {
            let reason = format!("{} cannot be looked at", path.display());
            Error::Unavailable { reason, source: Some(source.into()) }
        }
    }
}

/// What was found instead of an open file.
pub(crate) enum Finding {
    /// It is not there, or another one.
    Displaced(Displaced),
    /// The file system does not say.
    Unknown { path: PathBuf, source: io::Error },
}

impl OpenFile {
    fn at(path: PathBuf) -> io::Result<Self> {
        let metadata = fs::metadata(&path)?;
        Ok(Self { path, device: metadata.dev(), inode: metadata.ino() })
    }

    fn still_there(&self) -> Result<(), Finding> {
        let path = || self.path.clone();
        match fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == (self.device, self.inode) => Ok(()),
            Ok(_) => Err(Finding::Displaced(Displaced::Replaced(path()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Finding::Displaced(Displaced::Removed(path())))
            }
            Err(source) => Err(Finding::Unknown { path: path(), source }),
        }
    }
}

/// A file beside `path`, whose name has an ending more.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}
