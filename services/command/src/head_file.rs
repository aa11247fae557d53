//! The head of the history, kept outside of the store: `command.db.head` beside `command.db`.
//!
//! A store that has lost its last commits (a damaged write-ahead log ends silently at the first bad frame, an old copy of the
//! file was put back) does not know it. This file does. It is written after every commit and before anybody is
//! answered, in place and without a sync: after the end of the process, however sudden, it names the last commit; after
//! a power cut it may name an earlier one, and never one that was not durable.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use case_api::Epoch;
use tracing::warn;

use crate::names;

/// What the file begins with: what it is, and the version of its form.
const FORM: &str = "case-command head 1";

/// The open file.
#[derive(Debug)]
pub(crate) struct HeadFile {
    path: PathBuf,
    file: File,
    epoch: Epoch,
    is_failing: bool,
}

impl HeadFile {
    /// Opens the file beside a database, and makes it where it is missing. Answers the position that it names, if it is that
    /// of the same store and can be read.
    pub(crate) fn open(database: &Path, epoch: Epoch) -> io::Result<(Self, Option<u64>)> {
        let mut path = database.as_os_str().to_owned();
        path.push(".head");
        let path = PathBuf::from(path);
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        let mut text = String::new();
        // Whatever cannot be read is no better than nothing, and is overwritten.
        let known = file.read_to_string(&mut text).ok().and_then(|_| parse(&text, epoch));
        if known.is_none() {
            file.set_len(0)?;
        }
        Ok((Self { path, file, epoch, is_failing: false }, known))
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

fn parse(text: &str, epoch: Epoch) -> Option<u64> {
    let position = text.trim_end().rsplit(' ').next()?.parse().ok()?;
    // Compared as a whole: half a line is none.
    (text == line(epoch, position)).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch([7; 16]);

    #[test]
    fn the_last_position_is_found_again_and_only_for_its_own_store() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let database = folder.path().join("command.db");
        let (mut head, known) = HeadFile::open(&database, EPOCH)?;
        assert_eq!(known, None, "a new one");
        for position in [1, u64::MAX, 41, 42] {
            head.write(position);
        }
        assert_eq!(HeadFile::open(&database, EPOCH)?.1, Some(42));
        assert_eq!(HeadFile::open(&database, Epoch([8; 16]))?.1, None, "a restored store has another epoch");
        Ok(())
    }

    #[test]
    fn what_is_not_whole_says_nothing_and_is_overwritten() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let database = folder.path().join("command.db");
        let whole = line(EPOCH, 42);
        for text in
            ["", "\0\0\0\0", "something else entirely".repeat(9).as_str(), &whole[..whole.len() - 3], &whole[3..]]
        {
            std::fs::write(folder.path().join("command.db.head"), text)?;
            let (mut head, known) = HeadFile::open(&database, EPOCH)?;
            assert_eq!(known, None, "{text:?}");
            head.write(7);
        }
        std::fs::write(folder.path().join("command.db.head"), &whole)?;
        assert_eq!(HeadFile::open(&database, EPOCH)?.1, Some(42), "the control");
        Ok(())
    }
}
