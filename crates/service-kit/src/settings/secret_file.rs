//! Secrets that stand in files of their own.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::notice::Notice;
use super::schema::Settings;
use super::secret::Secret;
use super::secret_key::{SECRET_KEYS, SecretKey};

/// The largest secret that is read, in bytes: more is surely the wrong file.
const SECRET_BYTES_MAX: u64 = 16 * 1_024;

/// A file that a secret of the settings is read from, again and again.
#[derive(Debug, Clone)]
pub struct SecretFile {
    key: SecretKey,
    path: PathBuf,
    secret: Secret,
}

/// Why a file gives no secret. Never shows what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretFileError {
    /// The operating system says why.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// A folder, a pipe or a device.
    #[error("this is not a file that can be read again and again")]
    NotAFile,
    /// There is nothing but a line break in it.
    #[error("the file is empty")]
    Empty,
    /// It is larger than any secret.
    #[error("the file is larger than {SECRET_BYTES_MAX} bytes: it is surely not a secret")]
    TooLarge,
    /// What is in it cannot be the value of this key.
    #[error("what is in the file is not allowed; allowed is {0}")]
    NotAllowed(&'static str),
}

impl SecretFile {
    /// The secret files that these settings name.
    pub fn all(settings: &Settings) -> Vec<Self> {
        let file = |key: &SecretKey| {
            let (secret, path) = (key.of)(settings);
            Some(Self { key: *key, path: path?.to_owned(), secret: secret.clone() })
        };
        SECRET_KEYS.iter().filter_map(file).collect()
    }

    /// The key of the secret: `auth.token`.
    pub const fn key(&self) -> &'static str {
        self.key.key
    }

    /// The key that names the file: `auth.token_file`.
    pub const fn file_key(&self) -> &'static str {
        self.key.file_key
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file, and puts what is in it in the place of the secret, for everybody who holds a clone. True if that is
    /// another one than before. After an error the secret is as it was.
    pub fn read(&self) -> Result<bool, SecretFileError> {
        let text = contents(&self.path)?;
        if !(self.key.is_allowed)(&text) {
            return Err(SecretFileError::NotAllowed(self.key.allowed));
        }
        let is_new = self.secret.with(|old| old != text);
        if is_new {
            self.secret.replace(text);
        }
        Ok(is_new)
    }

    /// What to tell the operator of an exposed file.
    pub(super) fn exposed(&self) -> Notice {
        Notice::SecretFileExposed { key: self.file_key(), path: self.path.clone() }
    }

    /// Whether everybody on this machine can read the file.
    pub fn is_exposed(&self) -> bool {
        use std::os::unix::fs::PermissionsExt;
        const READABLE_BY_OTHERS: u32 = 0o004;
        std::fs::metadata(&self.path).is_ok_and(|file| file.permissions().mode() & READABLE_BY_OTHERS != 0)
    }
}

fn contents(path: &Path) -> Result<String, SecretFileError> {
    let unreadable = |error: std::io::Error| SecretFileError::Unreadable(error.to_string());
    // Before it is opened: opening a pipe waits for somebody who writes.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(SecretFileError::NotAFile);
    }
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text));
    read.map_err(unreadable)?;
    if text.len() as u64 > SECRET_BYTES_MAX {
        return Err(SecretFileError::TooLarge);
    }
    // Editors and `echo` end a file with a line break; nobody means it.
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() { Err(SecretFileError::Empty) } else { Ok(secret.to_owned()) }
}
