//! The moments at which files that can change are looked at again: certificates, keys, secrets.

use std::convert::Infallible;
use std::time::Duration;

use std::fs::File;
use std::io;
use std::path::Path;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// How often files are looked at again without being asked: what is replaced is in force within seconds, also where nobody
/// can send a signal.
pub const RELOAD_INTERVAL: Duration = Duration::from_secs(5);

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

    /// After each `interval`, for ever.
    pub async fn fire_every(&self, interval: Duration) -> Infallible {
        let mut ticks = interval_at(Instant::now() + interval, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.fire();
        }
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

/// Opens a file that is read again while the process runs: a plain one. Opening a pipe would wait, perhaps for ever, for
/// somebody who writes into it.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    if std::fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a moment has come that this holder has not seen.
    async fn has_come(reload: &mut Reload) -> bool {
        tokio::time::timeout(Duration::ZERO, reload.next()).await == Ok(true)
    }

    #[tokio::test(start_paused = true)]
    async fn every_holder_is_told_once_of_each_moment() {
        let (trigger, mut one) = reload();
        let mut other = one.clone();
        assert!(!has_come(&mut one).await, "before the first");
        trigger.fire();
        assert!(has_come(&mut one).await && has_come(&mut other).await);
        assert!(!has_come(&mut one).await && !has_come(&mut other).await, "only once");
        // Moments that a busy holder has missed are one: it looks at the files as they are now.
        trigger.fire();
        trigger.fire();
        assert!(has_come(&mut one).await && !has_come(&mut one).await);
    }

    #[tokio::test(start_paused = true)]
    async fn moments_come_by_themselves_after_each_interval() {
        let (trigger, mut reload) = reload();
        tokio::spawn(async move { trigger.fire_every(RELOAD_INTERVAL).await });
        let begun = Instant::now();
        for count in 1..=3 {
            assert!(reload.next().await);
            assert_eq!(begun.elapsed(), RELOAD_INTERVAL * count);
        }
    }

    #[tokio::test]
    async fn without_a_trigger_there_is_no_next_moment() {
        assert!(!Reload::never().next().await);
        let (trigger, mut reload) = reload();
        drop(trigger);
        assert!(!reload.next().await);
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, plain) = (folder.path().join("pipe"), folder.path().join("plain"));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        std::fs::write(&plain, "text").unwrap();
        assert_eq!(open_plain(&pipe).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(open_plain(folder.path()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(open_plain(&plain).is_ok(), "control");
    }
}
