//! What callers read when something other than the rules stands in the way.

use std::time::Duration;

use rpc_error::{Failure, Reason};
use service_kit::health::Condition;
use storage::SubmitError;

use crate::names;

/// When to come back after a shutdown.
const RETRY_DRAINING: Duration = Duration::from_secs(1);
/// When to come back after the queue was full: it drains thousands a second.
const RETRY_QUEUE: Duration = Duration::from_millis(100);

/// A command that was not executed, or not committed.
pub(crate) fn of_submission(error: &SubmitError, store: &Condition) -> Failure {
    match error {
        SubmitError::QueueFull { limit } => {
            Failure::new(Reason::QueueFull, format!("{limit} commands wait already; come back in a moment"))
                .with_metadata("cause", names::SHED_BY_QUEUE)
                .with_metadata("scope", "case-command")
                .with_metadata("limit", limit.to_string())
                .with_quota("case-command", "commands that wait for the store")
                .with_retry_after(RETRY_QUEUE)
        }
        SubmitError::Closed => {
            Failure::new(Reason::Draining, "the server is shutting down; call again").with_retry_after(RETRY_DRAINING)
        }
        SubmitError::DeadlinePassed => {
            Failure::new(Reason::DeadlineExceeded, "the deadline passed while the command waited; nothing was stored")
        }
        SubmitError::Store(error) => store_failure::failure(error, "write", store),
    }
}
