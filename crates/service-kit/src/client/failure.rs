//! A call that a dependency failed: typed, for the code; and what the caller of ours is told.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rpc_error::{FailedCall, Failure, Reason};
use tonic::{Code, Status};

use crate::request::current_trace_id;
use crate::telemetry::code_name;

/// When a caller of ours may come back where nobody has said it.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a dependency did not do its part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It was not asked: it has failed too often in a row.
    CircuitOpen {
        /// When it may be asked again.
        retry_after: Duration,
    },
    /// It was not asked, or did not answer, before the deadline of the request that needed it.
    DeadlinePassed,
    /// It did not answer in the time that its policy allows.
    TimedOut {
        /// That time.
        limit: Duration,
    },
    /// There was no answer: no connection, or one that broke.
    Unreachable,
    /// It answered that it failed.
    Failed,
    /// It does not let this process in, or lacks the method: somebody has to set it right.
    Denied,
    /// Its answer is larger than what is read.
    TooLarge,
}

/// A failed call to a dependency: the source of the [`Status`] that a generated client returns.
///
/// The status is ready to be handed on to the caller of ours: it tells no more than that caller should know.
#[derive(Debug, Clone)]
pub struct CallError {
    /// The dependency, as its policy names it.
    pub dependency: &'static str,
    /// `package.Service/Method`.
    pub operation: Arc<str>,
    /// Why.
    pub cause: Cause,
    /// What the dependency answered, or what stands for its silence.
    pub code: Code,
    /// The dependency's own words, the innermost error of the transport, or the failure that opened the circuit; may be
    /// empty. For the log only.
    pub reason: String,
    /// How long it took, all attempts and waits together.
    pub spent: Duration,
    /// How often it was asked.
    pub attempts: u32,
    /// The last error below.
    pub(super) source: Option<Arc<dyn Error + Send + Sync>>,
}

impl CallError {
    /// The failed call behind a status, if a dependency failed; none for a refusal, which is an answer.
    pub fn of(status: &Status) -> Option<&Self> {
        status.source()?.downcast_ref()
    }

    /// The one place that says what a caller of ours is told when a dependency failed.
    pub fn failure(&self) -> Failure {
        let (dependency, operation) = (self.dependency, &*self.operation);
        let failure = match self.cause {
            Cause::DeadlinePassed => Failure::new(
                Reason::DeadlineExceeded,
                format!("{dependency} did not answer {operation} before the deadline; ask again with more time"),
            ),
            Cause::CircuitOpen { retry_after } => {
                let text = format!("{dependency} keeps failing and is left alone for a moment; call again");
                Failure::new(Reason::StoreUnavailable, text).with_retry_after(retry_after)
            }
            Cause::TimedOut { limit } => {
                let limit = humantime::format_duration(limit);
                let text = format!("{dependency} did not answer {operation} within {limit}; ask again");
                Failure::new(Reason::DeadlineExceeded, text)
            }
            Cause::Unreachable | Cause::Failed | Cause::Denied | Cause::TooLarge => {
                let text = format!("{dependency} could not answer {operation} now; call again");
                Failure::new(Reason::StoreUnavailable, text).with_retry_after(RETRY_AFTER)
            }
        };
        failure.with_metadata("dependency", dependency).with_metadata("operation", operation)
    }

    /// The status, for the request with this id.
    pub(super) fn into_status(self, request_id: &str) -> Status {
        let call = FailedCall { request_id, trace_id: &current_trace_id() };
        let mut status = self.failure().into_status(call);
        status.set_source(Arc::new(self));
        status
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dependency, operation, attempts, .. } = self;
        let (code, spent) = (code_name(self.code), self.spent.as_millis());
        match self.cause {
            Cause::CircuitOpen { .. } => write!(f, "{dependency} was not asked for {operation}: its circuit is open"),
            Cause::DeadlinePassed if *attempts == 0 => {
                write!(f, "{dependency} was not asked for {operation}: the deadline had passed")
            }
            Cause::TimedOut { .. }
            | Cause::DeadlinePassed
            | Cause::Unreachable
            | Cause::Failed
            | Cause::Denied
            | Cause::TooLarge => {
                write!(f, "{dependency} failed {operation}: {code} after {spent} ms and {attempts} attempt(s)")
            }
        }
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// The innermost error: "connection refused" tells more than "transport error".
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// An error, and what lies below it.
pub(super) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn Error + 'static)| error.source())
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;

    use super::*;

    fn failed(cause: Cause, code: Code) -> CallError {
        CallError {
            dependency: "clerk",
            operation: Arc::from("test.v1.Clerk/Ask"),
            cause,
            code,
            reason: "the secret of the clerk".to_owned(),
            spent: Duration::from_millis(1_500),
            attempts: 2,
            source: Some(Arc::new(Status::internal("the secret of the clerk"))),
        }
    }

    #[test]
    fn callers_are_told_a_typed_failure_and_nothing_of_the_dependencys_own_words() {
        let second = Duration::from_secs(1);
        let told = [
            (Cause::CircuitOpen { retry_after: second }, Code::Unavailable, "STORE_UNAVAILABLE"),
            (Cause::Unreachable, Code::Unavailable, "STORE_UNAVAILABLE"),
            (Cause::Failed, Code::Unavailable, "STORE_UNAVAILABLE"),
            (Cause::Denied, Code::Unavailable, "STORE_UNAVAILABLE"),
            (Cause::TooLarge, Code::Unavailable, "STORE_UNAVAILABLE"),
            (Cause::TimedOut { limit: second }, Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
            (Cause::DeadlinePassed, Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
        ];
        for (cause, code, reason) in told {
            let status = failed(cause, Code::Internal).into_status("order-42");
            let details = status.get_error_details();
            let info = details.error_info().unwrap();
            assert_eq!((status.code(), info.reason.as_str()), (code, reason), "{cause:?}");
            assert_eq!((&*info.metadata["dependency"], &*info.metadata["operation"]), ("clerk", "test.v1.Clerk/Ask"));
            assert_eq!(details.request_info().unwrap().request_id, "order-42");
            assert_eq!(details.retry_info().is_some(), code == Code::Unavailable, "{cause:?}");
            assert!(!format!("{} {details:?}", status.message()).contains("secret"), "{cause:?}");
        }
    }

    #[test]
    fn the_failed_call_is_found_behind_its_status() {
        let status = failed(Cause::Failed, Code::Internal).into_status("order-42");
        let error = CallError::of(&status).unwrap();
        assert_eq!(error.to_string(), "clerk failed test.v1.Clerk/Ask: INTERNAL after 1500 ms and 2 attempt(s)");
        assert!(error.source().is_some());
        assert!(CallError::of(&Status::not_found("an answer")).is_none());
    }
}
