//! The moments at which files that can change are looked at again: certificates, keys, secrets.

use tokio::sync::watch;

/// Tells holders of files when to look at them again: on SIGHUP, and every few seconds.
#[derive(Debug, Clone)]
pub struct Reload {
    moments: watch::Receiver<u64>,
}

/// The other end: makes the moments.
#[derive(Debug)]
pub struct ReloadTrigger {
    moments: watch::Sender<u64>,
}

/// A trigger, and what it triggers.
pub fn reload() -> (ReloadTrigger, Reload) {
    let (sender, receiver) = watch::channel(0);
    (ReloadTrigger { moments: sender }, Reload { moments: receiver })
}

impl ReloadTrigger {
    /// Now.
    pub fn fire(&self) {
        self.moments.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Reload {
    /// One whose moment never comes.
    pub fn never() -> Self {
        reload().1
    }

    /// Waits for the next moment. False: there will be none.
    pub async fn next(&mut self) -> bool {
        self.moments.changed().await.is_ok()
    }
}
