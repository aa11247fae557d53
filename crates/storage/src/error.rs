//! What can go wrong with a store.

use std::path::PathBuf;

/// The cause of an error, for logs. Never matched on: the variants of [`Error`] say all that a caller may act on.
pub type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What can go wrong with a store.
///
/// The set is closed on purpose: every variant asks something else of the caller (refuse, wait, end the process, call
/// the operator), so a new one must be met by every `match`. It speaks of the disk only; codes of gRPC or of the
/// process belong to those who handle it. `Display` does not repeat the source.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no space left. What was asked for did not happen; it works again as soon as there is space.
    #[error("the disk is full")]
    Full,

    /// The store cannot be used now, but nothing is known to be lost or damaged.
    #[error("the store cannot be used now: {reason}")]
    Unavailable {
        /// What stands in the way.
        reason: String,
        /// The cause.
        source: Option<Source>,
    },

    /// The disk failed while it was written or synced. Nothing in memory can be trusted any more, least of all a second
    /// attempt (a kernel forgets the pages whose sync failed): the process must end, without an answer to anybody.
    #[error("the disk failed: {reason}")]
    DiskFailed {
        /// What was being done.
        reason: String,
        /// The cause.
        source: Option<Source>,
    },

    /// The content of the store contradicts itself.
    #[error("the store is corrupt: {reason}")]
    Corrupt {
        /// What was found.
        reason: String,
        /// The cause.
        source: Option<Source>,
    },

    /// A newer program has migrated this store.
    #[error("the store has schema version {found}, this program knows versions up to {supported}")]
    SchemaTooNew {
        /// The version of the store.
        found: i64,
        /// The highest version that this program knows.
        supported: i64,
    },

    /// The store was migrated with other SQL than this program's: another program's store, or an edited migration.
    #[error("the store was migrated differently: {reason}")]
    SchemaDiverged {
        /// Which migration differs.
        reason: String,
    },

    /// Another process, or another part of this one, has the store open.
    #[error("the store {} is in use", path.display())]
    InUse {
        /// The database file.
        path: PathBuf,
    },

    /// The file, or the folder for it, cannot be created or opened for writing.
    #[error("cannot create or write {}", path.display())]
    CannotCreate {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: Option<Source>,
    },

    /// A statement that cannot work: a bug.
    #[error("a statement failed, which is a bug: {reason}")]
    Statement {
        /// What was wrong with it.
        reason: String,
        /// The cause.
        source: Option<Source>,
    },

    /// The writer's thread panicked: a bug. As after [`Error::DiskFailed`], the process must end.
    #[error("the writer panicked, which is a bug: {message}")]
    WriterPanicked {
        /// The panic's message.
        message: String,
    },
}

impl Error {
    /// The store cannot be used now, because of `reason`.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into(), source: None }
    }

    /// A stored value contradicts what may be stored.
    pub fn corrupt(reason: impl Into<String>) -> Self {
        Self::Corrupt { reason: reason.into(), source: None }
    }

    /// Does the process have to end, because nothing that the store remembers can be trusted?
    pub const fn is_fatal(&self) -> bool {
        match self {
            Self::DiskFailed { .. } | Self::WriterPanicked { .. } => true,
            Self::Full
            | Self::Unavailable { .. }
            | Self::Corrupt { .. }
            | Self::SchemaTooNew { .. }
            | Self::SchemaDiverged { .. }
            | Self::InUse { .. }
            | Self::CannotCreate { .. }
            | Self::Statement { .. } => false,
        }
    }
}
