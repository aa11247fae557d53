//! What a power cut leaves.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use crate::recording::{FileId, Operation, Recording};

/// What a disk writes at once: a write is torn only between these.
pub const SECTOR_BYTES: usize = 512;

/// Power cuts during a recording. The moments only move forwards, so that what is synced is put together once.
#[derive(Debug)]
pub struct Crashes<'a> {
    recording: &'a Recording,
    next: usize,
    synced: BTreeMap<FileId, File>,
    /// What was done since the last sync of its file, in order.
    unsynced: Vec<&'a Operation>,
}

/// A file as it lies on the disk; none = it is not there.
type File = Option<Vec<u8>>;

/// The files that a power cut has left, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    files: BTreeMap<String, Vec<u8>>,
}

impl<'a> Crashes<'a> {
    pub(crate) fn new(recording: &'a Recording) -> Self {
        Self { recording, next: 0, synced: BTreeMap::new(), unsynced: Vec::new() }
    }

    /// The files after a power cut at `moment`. `chance` answers with random numbers: which sectors of what was not synced
    /// have reached the disk all the same. Moments before the last one count as the last one.
    pub fn at(&mut self, moment: usize, mut chance: impl FnMut() -> u64) -> Image {
        while self.next < moment.min(self.recording.operations.len()) {
            self.take(&self.recording.operations[self.next]);
            self.next += 1;
        }
        // Sometimes nothing gets through, sometimes nearly everything does: both ends hide mistakes that the middle shows.
        let share = chance() % 5;
        let mut files = self.synced.clone();
        for operation in &self.unsynced {
            survive(files.entry(operation.file()).or_default(), operation, &mut || chance() % 4 < share);
        }
        let name = |(name, id): (&String, &FileId)| Some((name.clone(), files.remove(id)??));
        Image { files: self.recording.files.iter().filter_map(name).collect() }
    }

    fn take(&mut self, operation: &'a Operation) {
        if let Operation::Sync { file } = operation {
            let (durable, rest): (Vec<_>, Vec<_>) = self.unsynced.iter().partition(|earlier| earlier.file() == *file);
            self.unsynced = rest;
            let content = self.synced.entry(*file).or_default();
            for earlier in durable {
                survive(content, earlier, &mut || true);
            }
            // Synced and empty is there all the same.
            content.get_or_insert_default();
        } else {
            self.unsynced.push(operation);
        }
    }
}

/// Does to a file what has survived of an operation.
fn survive(file: &mut File, operation: &Operation, survives: &mut impl FnMut() -> bool) {
    match operation {
        Operation::Write { offset, bytes, .. } => {
            let mut at = usize::try_from(*offset).unwrap_or(usize::MAX);
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (sector, after) = rest.split_at(rest.len().min(SECTOR_BYTES - at % SECTOR_BYTES));
                if survives() {
                    write(file.get_or_insert_default(), at, sector);
                }
                at += sector.len();
                rest = after;
            }
        }
        Operation::Truncate { size, .. } => {
            if survives() {
                file.get_or_insert_default().resize(usize::try_from(*size).unwrap_or(usize::MAX), 0);
            }
        }
        Operation::Delete { .. } => {
            if survives() {
                *file = None;
            }
        }
        Operation::Sync { .. } => {}
    }
}

fn write(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}

impl Image {
    /// Writes the files into a folder that is there.
    pub fn write_to(&self, folder: &Path) -> io::Result<()> {
        self.files.iter().try_for_each(|(name, content)| fs::write(folder.join(name), content))
    }

    /// The content of a file, if it is there.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }
}
