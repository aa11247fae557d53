//! From a path to a lifecycle.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use case_domain::Lifecycle;

use crate::mistake::{self, Mistake, Mistakes};
use crate::{FILE_BYTES_MAX, parse};

/// Why a file gave no lifecycle.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read at all.
    #[error("cannot read the lifecycle {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file was read and is wrong. The first line names the file and each further line one mistake.
    #[error("the lifecycle {} has mistakes:\n{mistakes}", path.display())]
    Mistaken {
        /// The file.
        path: PathBuf,
        /// Every mistake, sorted by line.
        mistakes: Mistakes,
    },
}

/// Reads a lifecycle from a file. Blocks; never reads more than [`FILE_BYTES_MAX`] and a byte.
pub fn read(path: &Path) -> Result<Lifecycle, ReadError> {
    let bytes = bytes(path).map_err(|source| ReadError::Unreadable { path: path.to_owned(), source })?;
    parse_bytes(&bytes).map_err(|mistakes| ReadError::Mistaken { path: path.to_owned(), mistakes: Mistakes(mistakes) })
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than allowed, so that a file that is too large is seen to be; the path may be an endless device.
    let limit = FILE_BYTES_MAX as u64 + 1;
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse_bytes(bytes: &[u8]) -> Result<Lifecycle, Vec<Mistake>> {
    if bytes.len() > FILE_BYTES_MAX {
        // Said before the encoding is looked at: the cut may have split a character.
        return Err(vec![mistake::too_large()]);
    }
    let text = str::from_utf8(bytes).map_err(|error| vec![mistake::of_encoding(bytes, error.valid_up_to())])?;
    parse(text)
}
