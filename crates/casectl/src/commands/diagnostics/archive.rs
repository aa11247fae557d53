//! An archive of small files, the same bytes for the same contents.

use std::fs::{File, OpenOptions, remove_file};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

/// Who may read the files in it: everybody who may read the archive.
const FILE_MODE: u32 = 0o644;
/// Who may read the archive: nobody else, until its owner says so.
const ARCHIVE_MODE: u32 = 0o600;

/// A file in an archive.
pub(super) struct Member {
    /// Its path, with `/`.
    pub(super) path: String,
    pub(super) content: Vec<u8>,
}

/// A gzipped tar of these files, in this order, all as of one moment (seconds of the Unix epoch).
pub(super) fn packed(members: &[Member], unix_s: u64) -> io::Result<Vec<u8>> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for Member { path, content } in members {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(FILE_MODE);
        header.set_mtime(unix_s);
        // Whose machine it was written on is nobody's business.
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));
        archive.append_data(&mut header, path, content.as_slice())?;
    }
    archive.into_inner()?.finish()
}

/// Writes a new file, whole or not at all. One that is there already is left as it is, and an error.
pub(super) fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(ARCHIVE_MODE).open(path)?;
    let written = fill(&mut file, content);
    if written.is_err() {
        // Half an archive helps nobody; that it cannot be removed either is less important than why.
        let _ = remove_file(path);
    }
    written
}

fn fill(file: &mut File, content: &[u8]) -> io::Result<()> {
    file.write_all(content)?;
    file.sync_all()
}
