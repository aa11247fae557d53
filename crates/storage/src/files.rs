//! The files of a store, and whether they are still the ones that were opened.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::Error;

/// The database file and its write-ahead log, as they were opened.
///
/// An open file can be removed, or another one be moved into its place: SQLite would go on in a file that nobody finds
/// again, and every commit would be gone with the process. So it is asked before each transaction whether the paths
/// still lead to what was opened; it costs a microsecond for each file, and is never done by opening it: closing any handle of a
/// database file releases SQLite's locks on it. The one handle that there is ([`StoreFiles::sync_database`]) is closed with the
/// last of those who share this, each of which closes its connections first.
#[derive(Debug)]
pub(crate) struct StoreFiles {
    database: OpenFile,
    /// The database, for syncs; `None`: nobody has asked for one.
    handle: Mutex<Option<File>>,
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
        let handle = Mutex::default();
        Ok(Self { database: OpenFile::at(path).map_err(unreachable)?, handle, log })
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

    /// Puts on the disk whatever the system still keeps of the database file.
    ///
    /// Only to have less to sync later: what SQLite relies on it syncs by itself. But a failure is one of the disk.
    pub(crate) fn sync_database(&self) -> Result<(), Error> {
        let failed = |error: io::Error| Error::DiskFailed {
            reason: "the database cannot be synced".to_owned(),
            source: Some(error.into()),
        };
        let mut handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        if handle.is_none() {
            let opened = File::open(&self.database.path).map_err(unreadable(&self.database.path))?;
            let metadata = opened.metadata().map_err(unreadable(&self.database.path))?;
            if (metadata.dev(), metadata.ino()) != (self.database.device, self.database.inode) {
                return Err(unusable(Finding::Displaced(Displaced::Replaced(self.database.path.clone()))));
            }
            *handle = Some(opened);
        }
        handle.as_ref().map_or(Ok(()), File::sync_data).map_err(failed)
    }

    /// The size of the database file, and of all files of the store, in bytes.
    pub(crate) fn sizes(&self) -> io::Result<(u64, u64)> {
        let database = fs::metadata(&self.database.path)?.len();
        let beside = |file: &OpenFile| fs::metadata(&file.path).map_or(0, |metadata| metadata.len());
        Ok((database, database + self.log.as_ref().map_or(0, beside)))
    }
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |error| unusable(Finding::Unknown { path: path.to_owned(), source: error })
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
        let (device, inode) = identity(&path)?;
        Ok(Self { path, device, inode })
    }

    fn still_there(&self) -> Result<(), Finding> {
        let path = || self.path.clone();
        match identity(&self.path) {
            Ok(found) if found == (self.device, self.inode) => Ok(()),
            Ok(_) => Err(Finding::Displaced(Displaced::Replaced(path()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Finding::Displaced(Displaced::Removed(path())))
            }
            Err(source) => Err(Finding::Unknown { path: path(), source }),
        }
    }
}

/// The device and the inode that a path leads to.
///
/// Asks for nothing else: since Linux 6.13 a file whose times somebody has asked for gets a new time with the next write to it,
/// however soon that is, and a file system without a journal then writes its inode with each sync, which takes as long as the
/// sync of a commit itself (ADR 19).
#[cfg(target_os = "linux")]
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};

    match statx(CWD, path, AtFlags::empty(), StatxFlags::INO) {
        Ok(found) => Ok((makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino)),
        // Not known to every kernel and every sandbox.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => of_metadata(path),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    of_metadata(path)
}

fn of_metadata(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// A file beside `path`, whose name has an ending more.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}
