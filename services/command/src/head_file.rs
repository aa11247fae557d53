//! The head of the history, kept outside of the store: `command.db.head` beside `command.db`.
//!
//! A store that has lost its last commits (a damaged write-ahead log ends silently at the first bad frame, an old copy of the
//! file was put back) does not know it. This file does. It is written after every commit and before anybody is
//! answered, in place and without a sync: after the end of the process, however sudden, it names the last commit; after
//! a power cut it may name an earlier one, and never one that was not durable.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use case_api::Epoch;
use tracing::warn;

use crate::names;

/// What the file begins with: what it is, and the version of its form.
const FORM: &str = "case-command head 1";

/// What the file beside a database says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Noted {
    /// There is no file.
    Nothing,
    /// There is one, and nobody can tell what it says. It protects nobody.
    Unreadable(String),
    /// The store of this epoch has committed everything up to this position.
    Head { epoch: Epoch, position: u64 },
}

/// Reads the file beside a database, and leaves it as it is.
pub(crate) fn noted(database: &Path) -> Noted {
    match std::fs::read(path_beside(database)) {
        Ok(bytes) => std::str::from_utf8(&bytes).ok().and_then(parse).unwrap_or_else(|| {
            let length = bytes.len();
            Noted::Unreadable(format!("its {length} bytes are not the line that case-command writes"))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Noted::Nothing,
        Err(error) => Noted::Unreadable(error.to_string()),
    }
}

/// Where the file of a database is.
pub(crate) fn path_beside(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".head");
    PathBuf::from(path)
}

/// The open file.
#[derive(Debug)]
pub(crate) struct HeadFile {
    path: PathBuf,
    file: File,
    epoch: Epoch,
    is_failing: bool,
}

impl HeadFile {
    /// Opens the file beside a database for writing, and makes it where it is missing. A line that is there stays.
    pub(crate) fn open(database: &Path, epoch: Epoch) -> io::Result<Self> {
        let path = path_beside(database);
        let file = File::options().write(true).create(true).truncate(false).open(&path)?;
        // Lines are all as long: what is beyond one is not ours.
        file.set_len(line(epoch, 0).len() as u64)?;
        Ok(Self { path, file, epoch, is_failing: false })
    }

    /// Names the last commit. A file that cannot be written protects nobody, and is no reason to stop.
    pub(crate) fn write(&mut self, position: u64) {
        let written = self.file.write_all_at(line(self.epoch, position).as_bytes(), 0);
        let failed_before = std::mem::replace(&mut self.is_failing, written.is_err());
        if let Err(error) = written
            && !failed_before
        {
            let path = self.path.display();
            warn!(name: names::HEAD_FILE_FAILED, dependency = "store", operation = "write_head", path = %path, reason = %error, "{path} cannot be written: lost commits would not be noticed at the next start: {error}");
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Always as long, so that writing in place leaves nothing behind.
fn line(epoch: Epoch, position: u64) -> String {
    format!("{FORM} {:032x} {position:020}\n", u128::from_be_bytes(epoch.0))
}

fn parse(text: &str) -> Option<Noted> {
    let mut words = text.trim_end().rsplit(' ');
    let position = words.next()?.parse().ok()?;
    let epoch = Epoch(u128::from_str_radix(words.next()?, 16).ok()?.to_be_bytes());
    // Compared as a whole: half a line is none.
    (text == line(epoch, position)).then_some(Noted::Head { epoch, position })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch([7; 16]);

    #[test]
    fn the_last_position_is_found_again_with_its_store_and_reading_changes_nothing() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let database = folder.path().join("command.db");
        assert_eq!(noted(&database), Noted::Nothing);
        assert!(!path_beside(&database).exists(), "reading makes no file");
        let mut head = HeadFile::open(&database, EPOCH)?;
        for position in [1, u64::MAX, 41, 42] {
            head.write(position);
        }
        for _ in 0..2 {
            assert_eq!(noted(&database), Noted::Head { epoch: EPOCH, position: 42 });
            HeadFile::open(&database, Epoch([8; 16]))?;
        }
        Ok(())
    }

    #[test]
    fn what_is_not_whole_is_unreadable_and_is_overwritten() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let database = folder.path().join("command.db");
        let whole = line(EPOCH, 42);
        let much = "something else entirely".repeat(9);
        for bytes in [
            b"".as_slice(),
            b"\0\0\0\0",
            b"\xff",
            much.as_bytes(),
            &whole.as_bytes()[..whole.len() - 3],
            &whole.as_bytes()[3..],
        ] {
            std::fs::write(path_beside(&database), bytes)?;
            assert!(matches!(noted(&database), Noted::Unreadable(_)), "{bytes:?}");
            HeadFile::open(&database, EPOCH)?.write(7);
            assert_eq!(noted(&database), Noted::Head { epoch: EPOCH, position: 7 }, "{bytes:?}");
        }
        Ok(())
    }
}
