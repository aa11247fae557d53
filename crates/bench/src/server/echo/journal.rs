//! The least that a server does which answers after a sync and lets no disk hold up its transport: one thread that writes what
//! waits, syncs once for all of it, and then lets their callers be answered.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tokio::sync::oneshot;

use crate::error::Error;

/// A page, as databases write them: each sync begins a new one.
const PAGE_BYTES: usize = 4_096;

/// The file is written over and over: like a write-ahead log that has its size, it never grows.
const FILE_PAGES: usize = 4_096;

/// Requests that may wait, and requests in one sync: as many as in flight at most.
const QUEUE: usize = 8_192;
const BATCH_MAX: usize = 256;

/// Where it is written, in the working directory.
const PATH: &str = "journal";

struct Waiting {
    request: Vec<u8>,
    synced: oneshot::Sender<()>,
}

/// The thread's other end. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Journal(SyncSender<Waiting>);

impl Journal {
    /// Makes the file and starts the thread, which ends with the last clone.
    pub(super) fn start() -> Result<Self, Error> {
        let file = File::create(PATH).map_err(Error::path("create", Path::new(PATH)))?;
        let made = file.write_all_at(&vec![0; PAGE_BYTES * FILE_PAGES], 0).and_then(|()| file.sync_all());
        made.map_err(Error::path("write", Path::new(PATH)))?;
        let (queue, waiting) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name("journal".to_owned());
        thread.spawn(move || keep(&file, &waiting)).map_err(Error::system("start a thread"))?;
        Ok(Self(queue))
    }

    /// Answers once the request is on the disk; `None` if it never will be.
    pub(super) async fn keep(&self, request: Vec<u8>) -> Option<()> {
        let (synced, is_synced) = oneshot::channel();
        self.0.try_send(Waiting { request, synced }).ok()?;
        is_synced.await.ok()
    }
}

/// Ends when a write fails, too: nobody is answered then.
fn keep(file: &File, waiting: &Receiver<Waiting>) {
    let mut page = 0;
    while let Ok(first) = waiting.recv() {
        let batch: Vec<_> = std::iter::once(first).chain(waiting.try_iter().take(BATCH_MAX - 1)).collect();
        let mut bytes = Vec::with_capacity(PAGE_BYTES);
        for waiting in &batch {
            bytes.extend_from_slice(&waiting.request);
        }
        let pages = bytes.len().div_ceil(PAGE_BYTES).max(1);
        bytes.resize(pages * PAGE_BYTES, 0);
        if page + pages > FILE_PAGES {
            page = 0;
        }
        let offset = u64::try_from(page * PAGE_BYTES).unwrap_or_default();
        // On Linux this is fdatasync, as SQLite is built to call.
        if file.write_all_at(&bytes, offset).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        page += pages;
        for waiting in batch {
            // The caller may have gone.
            let _ = waiting.synced.send(());
        }
    }
}
