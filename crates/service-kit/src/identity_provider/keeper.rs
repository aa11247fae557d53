//! Keeps the keys up to date: the task behind a [`super::Provider`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use super::Keys;
use super::fetch::{FETCH_TIMEOUT, FetchError, fetch, read_file};
use super::keys::KeySet;
use super::reads::Reads;
use crate::health::Condition;
use crate::reload::Reload;

/// How soon a provider that did not answer is asked again at first.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// How far apart the attempts become.
const RETRY_MAX: Duration = Duration::from_secs(30);

/// The keys of a file. Blocks: on a slow disk, for long.
pub(super) fn read(path: &Path) -> Result<KeySet, FetchError> {
    Ok(KeySet::parse(&read_file(path)?)?)
}

/// Reads the file again whenever it may have changed.
pub(super) async fn watch_file(path: PathBuf, mut reload: Reload, keys: Arc<Keys>, reads: Reads) {
    let mut failing = None;
    while reload.next().await {
        let looked = path.clone();
        // A bug that panics there is logged as such; the next look may do better.
        let Ok(outcome) = tokio::task::spawn_blocking(move || read(&looked)).await else { continue };
        match outcome {
            Ok(set) => {
                failing = None;
                taken(&keys, &reads, set);
            }
            Err(error) => {
                reads.failed(&error.to_string());
                // The file is looked at every few seconds: once is enough for the same complaint.
                let complaint = error.to_string();
                if failing.as_ref() != Some(&complaint) {
                    reads.log_failure(&complaint, None, true);
                    failing = Some(complaint);
                }
            }
        }
    }
}

/// Puts keys that were read in force, unless they are already.
fn taken(keys: &Keys, reads: &Reads, set: KeySet) {
    reads.succeeded();
    let count = set.len();
    if keys.replace(set) {
        reads.log_change(count);
    }
}

/// Keys behind a URL.
pub(super) struct Remote {
    pub(super) url: String,
    pub(super) ca: Option<PathBuf>,
    pub(super) refresh: Duration,
    /// Passes once there are keys, and from then on: old keys are better than none.
    pub(super) condition: Condition,
}

/// Fetches the keys now, again and again, and when it is asked to.
pub(super) async fn watch_url(remote: Remote, keys: Arc<Keys>, reads: Reads) {
    let mut retries = retries(remote.refresh);
    loop {
        keys.asking.begun();
        let wait = match fetch(&remote.url, remote.ca.as_deref()).await {
            Ok(set) => {
                retries = self::retries(remote.refresh);
                taken(&keys, &reads, set);
                remote.condition.pass();
                remote.refresh
            }
            Err(error) => {
                let (error, has_keys) = (error.to_string(), keys.number().is_some());
                reads.failed(&error);
                reads.log_failure(&error, Some(FETCH_TIMEOUT), has_keys);
                if !has_keys {
                    remote.condition.fail(format!("no keys of the identity provider yet: {error}"));
                }
                retries.next().unwrap_or(RETRY_MAX)
            }
        };
        keys.asking.finished();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = keys.asking.asked() => {}
        }
    }
}

fn retries(refresh: Duration) -> impl Iterator<Item = Duration> {
    let longest = RETRY_MAX.min(refresh);
    ExponentialBuilder::default()
        .with_min_delay(RETRY_FIRST)
        .with_max_delay(longest)
        .without_max_times()
        .with_jitter()
        .build()
        // Jitter is added on top.
        .map(move |delay| delay.min(longest))
}
