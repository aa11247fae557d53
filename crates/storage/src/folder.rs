//! The folder of a store.

use std::fs;
use std::io;
use std::path::Path;

use crate::Error;

/// Creates `folder` and its parents, where they are missing, so that they survive a power cut.
///
/// SQLite syncs the folder in which it creates files, but not the folders above it: a new folder that is not synced in
/// its parent can vanish together with every acknowledged commit in it.
pub(crate) fn create(folder: &Path) -> Result<(), Error> {
    create_and_sync(folder).map_err(|error| Error::CannotCreate { path: folder.to_owned(), source: Some(error.into()) })
}

fn create_and_sync(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().ok_or(io::ErrorKind::NotFound)?;
    create_and_sync(parent)?;
    match fs::create_dir(folder) {
        Ok(()) => fs::File::open(parent)?.sync_all(),
        // The store of another service, created beside ours at the same moment.
        Err(_) if folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}
