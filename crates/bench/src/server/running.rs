//! The servers that run now: whoever stops the benchmark stops them too.

use std::sync::{Mutex, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use service_kit::exit::{self, Exit, ExitCode};
use tokio::signal::unix::{SignalKind, signal};

use crate::error::Error;
use crate::load::block_on;

/// Ids of processes that this one has started and not yet waited for.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

pub(super) fn add(id: u32) {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(id);
}

pub(super) fn remove(id: u32) {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|running| *running != id);
}

/// From now on, SIGTERM and SIGINT end the servers first and this process then. Stores and logs stay.
pub(crate) fn end_with_us() {
    thread::spawn(|| {
        let told = block_on(async {
            let listen = |kind| signal(kind).map_err(Error::system("listen to signals"));
            let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
            tokio::select! {
                _ = terminate.recv() => Ok(()),
                _ = interrupt.recv() => Ok(()),
            }
        });
        // Without signals this process ends as any other does, and its servers do not.
        if told.is_ok() {
            for id in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                if let Some(id) = i32::try_from(*id).ok().and_then(Pid::from_raw) {
                    // It may have ended by itself.
                    let _ = kill_process(id, Signal::KILL);
                }
            }
            exit::now(&Exit::new(ExitCode::Refused, "told to stop: nothing was measured to its end"));
        }
    });
}
