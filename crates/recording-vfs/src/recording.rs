//! What was done to the disk, in order.

use std::collections::BTreeMap;

use crate::crash::Crashes;

/// A file of a recording, by the order in which the files were first opened.
pub(crate) type FileId = usize;

/// One thing that was done to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Bytes were written; durable only after a sync.
    Write {
        /// The file.
        file: usize,
        /// Where, in bytes from the beginning.
        offset: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// The file was cut or filled up to a size; durable only after a sync.
    Truncate {
        /// The file.
        file: usize,
        /// In bytes.
        size: u64,
    },
    /// A sync has returned: everything before it holds.
    Sync {
        /// The file.
        file: usize,
    },
    /// The file was removed; a power cut may bring it back.
    Delete {
        /// The file.
        file: usize,
    },
}

impl Operation {
    pub(crate) const fn file(&self) -> FileId {
        match self {
            Self::Write { file, .. } | Self::Truncate { file, .. } | Self::Sync { file } | Self::Delete { file } => {
                *file
            }
        }
    }
}

/// What was done to the files of one folder.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// The files by name, such as `command.db-wal`.
    pub(crate) files: BTreeMap<String, FileId>,
    pub(crate) operations: Vec<Operation>,
}

impl Recording {
    /// Everything, in order. A moment is the number of operations before it.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The same disk, if it had never synced: what `synchronous=OFF` is on a machine that loses power.
    #[must_use]
    pub fn without_syncs(&self) -> Self {
        let kept = |operation: &&Operation| !matches!(operation, Operation::Sync { .. });
        Self { files: self.files.clone(), operations: self.operations.iter().filter(kept).cloned().collect() }
    }

    /// How many syncs there were before a moment.
    pub fn syncs_before(&self, moment: usize) -> usize {
        let before = self.operations.iter().take(moment);
        before.filter(|operation| matches!(operation, Operation::Sync { .. })).count()
    }

    /// Power cuts at moments that only move forwards.
    pub fn crashes(&self) -> Crashes<'_> {
        Crashes::new(self)
    }

    pub(crate) fn file(&mut self, name: &str) -> FileId {
        let next = self.files.len();
        *self.files.entry(name.to_owned()).or_insert(next)
    }
}
