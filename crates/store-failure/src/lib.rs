//! What a failing store means: to the caller (a [`Failure`]), to the process (an [`Exit`]) and to the log.
//!
//! The store speaks of the disk only, and the host knows no store. Every service that owns one gives the same answers
//! to the same troubles because they stand here.

pub mod names;
mod probe;

use std::path::Path;
use std::time::Duration;

use rpc_error::{Failure, Reason};
use service_kit::exit::{Exit, ExitCode};
use service_kit::health::Condition;
use storage::Error;
use tracing::{error, warn};

pub use probe::{StoreName, StoreProbe};

/// When to come back after the store refused.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What the caller of a service reads when its store failed.
///
/// Logged here, once, with its whole chain; the caller learns only whether to come back. A damaged store also turns
/// `store` off, and readiness with it.
pub fn failure(error: &Error, operation: &'static str, store: &Condition) -> Failure {
    let (kind, reason) = (kind(error), chain(error));
    match error {
        Error::Full | Error::Unavailable { .. } | Error::InUse { .. } | Error::CannotCreate { .. } => {
            warn!(name: names::STORE_FAILED, dependency = "store", operation, error.type = kind, reason, "the store refused a {operation}: {reason}");
            Failure::new(Reason::StoreUnavailable, "the store cannot be used now; nothing was changed, call again")
                .with_retry_after(RETRY_AFTER)
        }
        Error::Corrupt { .. } => {
            error!(name: names::STORE_CORRUPTED, dependency = "store", operation, error.type = kind, reason, "the store is damaged: {reason}");
            store.fail(error.to_string());
            Failure::internal()
        }
        Error::DiskFailed { .. }
        | Error::SchemaTooNew { .. }
        | Error::SchemaDiverged { .. }
        | Error::Statement { .. }
        | Error::WriterPanicked { .. } => {
            error!(name: names::STORE_FAILED, dependency = "store", operation, error.type = kind, reason, "a {operation} failed: {reason}");
            Failure::internal()
        }
    }
}

/// What to do about a corrupt store that holds what nobody else has.
pub const RESTORE: &str = "restore it from a back-up";
/// What to do about a corrupt store that was built from the event feed.
pub const REBUILD: &str = "remove the file, its -wal and its -shm: it is built anew from the event feed";

/// How the process ends when its store at `path` cannot be opened, or failed under it. `remedy` is what to do about a corrupt
/// one.
pub fn exit(error: &Error, path: &Path, remedy: &str) -> Exit {
    let (path, reason) = (path.display(), chain(error));
    let (code, message) = match error {
        Error::InUse { .. } => (ExitCode::InUse, format!("{reason}: another instance runs on this data")),
        Error::CannotCreate { .. } => (ExitCode::CannotCreate, format!("{reason}; is the folder writable?")),
        Error::SchemaTooNew { .. } | Error::SchemaDiverged { .. } => {
            (ExitCode::Configuration, format!("{path}: {reason}; start a program of that version or a newer one"))
        }
        Error::Corrupt { .. } => (ExitCode::DataCorrupt, format!("{path}: {reason}; {remedy}")),
        Error::Unavailable { .. } => (ExitCode::Unavailable, format!("{path}: {reason}")),
        Error::Full => (ExitCode::CannotCreate, format!("{path}: {reason}; free some space")),
        Error::DiskFailed { .. } | Error::Statement { .. } | Error::WriterPanicked { .. } => {
            (ExitCode::DiskFailed, format!("{path}: {reason}"))
        }
    };
    Exit::new(code, message)
}

/// An error and its causes in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The stable word for logs.
const fn kind(error: &Error) -> &'static str {
    match error {
        Error::Full => "full",
        Error::Unavailable { .. } => "unavailable",
        Error::DiskFailed { .. } => "disk_failed",
        Error::Corrupt { .. } => "corrupt",
        Error::SchemaTooNew { .. } => "schema_too_new",
        Error::SchemaDiverged { .. } => "schema_diverged",
        Error::InUse { .. } => "in_use",
        Error::CannotCreate { .. } => "cannot_create",
        Error::Statement { .. } => "statement",
        Error::WriterPanicked { .. } => "writer_panicked",
    }
}

#[cfg(test)]
mod tests {
    use service_kit::health::Health;

    use super::*;

    #[test]
    fn a_full_disk_asks_the_caller_to_come_back_and_a_corrupt_store_turns_readiness_off() {
        let health = Health::new(&[]);
        let store = health.condition("store");
        store.pass();
        assert_eq!(failure(&Error::Full, "write", &store).reason(), Reason::StoreUnavailable);
        assert!(health.failing().is_empty(), "a full disk may have room again at any moment");
        assert_eq!(failure(&Error::corrupt("a row"), "read", &store).reason(), Reason::Internal);
        assert_eq!(health.failing(), [("store", "the store is corrupt: a row".to_owned())]);
    }

    #[test]
    fn each_trouble_at_start_has_its_own_exit_code() {
        let path = Path::new("command.db");
        let code = |error: Error| exit(&error, path, RESTORE).code;
        assert_eq!(code(Error::InUse { path: path.to_owned() }), ExitCode::InUse);
        assert_eq!(code(Error::CannotCreate { path: path.to_owned(), source: None }), ExitCode::CannotCreate);
        assert_eq!(code(Error::SchemaTooNew { found: 2, supported: 1 }), ExitCode::Configuration);
        assert_eq!(code(Error::corrupt("a page")), ExitCode::DataCorrupt);
        assert_eq!(code(Error::Full), ExitCode::CannotCreate);
        assert_eq!(code(Error::unavailable("busy")), ExitCode::Unavailable);
        assert_eq!(code(Error::DiskFailed { reason: "sync".to_owned(), source: None }), ExitCode::DiskFailed);
    }

    #[test]
    fn a_chain_names_every_cause_once() {
        let cause = std::io::Error::other("no such device");
        let error = Error::Unavailable { reason: "busy".to_owned(), source: Some(cause.into()) };
        assert_eq!(chain(&error), "the store cannot be used now: busy: no such device");
    }
}
