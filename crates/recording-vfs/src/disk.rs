//! The disk: records, and fails when it is told to.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::ffi;
use crate::recording::{FileId, Operation, Recording};

/// The disk of this process. There is one, since SQLite has one default.
#[derive(Debug, Default)]
pub struct Disk {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whose files are recorded; none = nothing is.
    folder: Option<PathBuf>,
    recording: Recording,
    /// Open files that are recorded, by their address.
    open: HashMap<usize, FileId>,
    /// Open files of any folder, by their address: where faults are looked for.
    fault: Option<Fault>,
}

/// What goes wrong, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// How many operations of that kind still go well. From then on each of them fails, until the fault is lifted.
    pub after: u64,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Writes find no room: `ENOSPC`.
    Full,
    /// Writes fail: `EIO`.
    Write,
    /// Syncs fail: `EIO`.
    Sync,
}

/// What an operation is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    GoOn,
    Fail(FaultKind),
}

static DISK: OnceLock<&'static Disk> = OnceLock::new();

/// Puts the disk under every database that this process opens from here on. Once; later calls answer with the same disk.
pub fn install() -> &'static Disk {
    DISK.get_or_init(|| {
        ffi::register();
        Box::leak(Box::default())
    })
}

/// The installed disk; none before [`install`] has returned, when no database is open yet.
pub(crate) fn installed() -> Option<&'static Disk> {
    DISK.get().copied()
}

impl Disk {
    /// Begins a recording of the databases in a folder. They must not be open yet.
    pub fn start(&self, folder: &Path) {
        let mut state = self.lock();
        state.recording = Recording::default();
        // As SQLite names files: absolute, without links.
        state.folder = Some(folder.canonicalize().unwrap_or_else(|_| folder.to_owned()));
    }

    /// How much has been recorded: a moment for [`crate::Crashes::at`].
    pub fn moment(&self) -> usize {
        self.lock().recording.operations.len()
    }

    /// Ends the recording.
    pub fn stop(&self) -> Recording {
        let mut state = self.lock();
        state.folder = None;
        state.open.clear();
        std::mem::take(&mut state.recording)
    }

    /// Lets things go wrong, or lifts what went wrong.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.lock().fault = fault;
    }

    pub(crate) fn opened(&self, file: usize, path: &Path) {
        let mut state = self.lock();
        if let Some(id) = state.recorded(path) {
            state.open.insert(file, id);
        }
    }

    pub(crate) fn closed(&self, file: usize) {
        self.lock().open.remove(&file);
    }

    pub(crate) fn deleted(&self, path: &Path) {
        let mut state = self.lock();
        if let Some(file) = state.recorded(path) {
            state.recording.operations.push(Operation::Delete { file });
        }
    }

    /// Records a write before it is made, unless it is to fail.
    pub(crate) fn writes(&self, file: usize, offset: u64, bytes: &[u8]) -> Verdict {
        let mut state = self.lock();
        let verdict = state.verdict(&[FaultKind::Full, FaultKind::Write]);
        if let (Verdict::GoOn, Some(file)) = (verdict, state.open.get(&file).copied()) {
            state.recording.operations.push(Operation::Write { file, offset, bytes: bytes.to_vec() });
        }
        verdict
    }

    /// Records a truncation before it is made.
    pub(crate) fn truncates(&self, file: usize, size: u64) {
        let mut state = self.lock();
        if let Some(file) = state.open.get(&file).copied() {
            state.recording.operations.push(Operation::Truncate { file, size });
        }
    }

    /// Whether a sync may be made.
    pub(crate) fn syncs(&self) -> Verdict {
        self.lock().verdict(&[FaultKind::Sync])
    }

    /// Records a sync that has returned.
    pub(crate) fn synced(&self, file: usize) {
        let mut state = self.lock();
        if let Some(file) = state.open.get(&file).copied() {
            state.recording.operations.push(Operation::Sync { file });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn recorded(&mut self, path: &Path) -> Option<FileId> {
        let folder = self.folder.as_ref()?;
        if path.parent() != Some(folder) {
            return None;
        }
        let name = path.file_name()?.to_str()?.to_owned();
        Some(self.recording.file(&name))
    }

    fn verdict(&mut self, kinds: &[FaultKind]) -> Verdict {
        match &mut self.fault {
            Some(fault) if kinds.contains(&fault.kind) && fault.after == 0 => Verdict::Fail(fault.kind),
            Some(fault) if kinds.contains(&fault.kind) => {
                fault.after -= 1;
                Verdict::GoOn
            }
            Some(_) | None => Verdict::GoOn,
        }
    }
}
