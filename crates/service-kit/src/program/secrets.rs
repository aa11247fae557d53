//! Keeps the secrets that stand in files as fresh as the files.

use crate::reload::{Reload, ReloadTrigger};
use crate::settings::{SecretFile, SecretFileError};
use crate::telemetry::names;

/// Reads the files at each of the `moments`, and fires `then` when they were read: whoever is told by it finds the secrets
/// of this moment.
pub(super) async fn keep_fresh(files: Vec<SecretFile>, mut moments: Reload, then: ReloadTrigger) {
    let mut kept: Vec<Kept> = files.into_iter().map(Kept::new).collect();
    while moments.next().await {
        // Files may lie on a disk that is slow: on a thread that may wait.
        let look = move || {
            kept.iter_mut().for_each(Kept::look);
            kept
        };
        kept = match tokio::task::spawn_blocking(look).await {
            Ok(kept) => kept,
            // The runtime goes away, and this with it.
            Err(_) => return,
        };
        then.fire();
    }
}

struct Kept {
    file: SecretFile,
    /// Why it could not be read the last time: said once, not at each moment.
    failing: Option<SecretFileError>,
}

impl Kept {
    const fn new(file: SecretFile) -> Self {
        Self { file, failing: None }
    }

    fn look(&mut self) {
        let (key, path) = (self.file.key(), self.file.path().display());
        match self.file.read() {
            Ok(is_new) => {
                let was_failing = self.failing.take().is_some();
                if is_new {
                    tracing::info!(name: names::SECRET_RELOADED, key, %path, "{key} was replaced by what {path} says now");
                } else if was_failing {
                    tracing::info!(name: names::SECRET_RELOADED, key, %path, "{path} can be read again; {key} is the same");
                }
            }
            Err(error) if self.failing.as_ref() == Some(&error) => {}
            Err(error) => {
                tracing::warn!(
                    name: names::SECRET_FILE_UNREADABLE,
                    key,
                    %path,
                    reason = %error,
                    "{key} stays as it was, because {path} gives none: {error}"
                );
                self.failing = Some(error);
            }
        }
    }
}
