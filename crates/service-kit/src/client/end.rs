//! How the last attempt at a call ended, for the caller, the breaker and the log.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Response};
use tonic::body::Body;
use tonic::{Code, Status};

use super::errand::Errand;
use super::failure::{Cause, root_cause};
use super::retry::{DETAILS_HEADER, details};
use super::timed::Lost;
use crate::telemetry::code_of;

/// The end of a call.
pub(super) enum End {
    /// The dependency did its part. A refusal is an answer too, and goes to whoever asked as it is.
    Answer(Response<Body>),
    /// It did not.
    Failure(Failed),
}

/// A failed call, before its time is taken.
pub(super) struct Failed {
    pub(super) cause: Cause,
    pub(super) code: Code,
    pub(super) reason: String,
    pub(super) attempts: u32,
    pub(super) source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Failed {
    /// One that was not made.
    pub(super) fn not_asked(cause: Cause) -> Self {
        let code = match cause {
            Cause::DeadlinePassed | Cause::TimedOut { .. } => Code::DeadlineExceeded,
            Cause::CircuitOpen { .. } | Cause::Unreachable | Cause::Failed | Cause::Denied | Cause::TooLarge => {
                Code::Unavailable
            }
        };
        Self { cause, code, reason: String::new(), attempts: 0, source: None }
    }
}

/// Whose fault an answer with this code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nobody's, or that of whoever asked.
    Answers,
    /// The dependency's.
    Fails,
    /// That of whoever set the two up.
    Denies,
}

const fn standing(code: Code) -> Standing {
    match code {
        Code::Unavailable | Code::DeadlineExceeded | Code::Internal | Code::Unknown => Standing::Fails,
        Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented => Standing::Denies,
        Code::Ok
        | Code::Cancelled
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::DataLoss => Standing::Answers,
    }
}

/// What the last of some attempts means.
pub(super) fn end_of(last: Result<Response<Body>, Lost>, attempts: u32, errand: &Errand) -> End {
    let response = match last {
        Ok(response) => response,
        Err(error) => return End::Failure(unanswered(error, attempts, errand)),
    };
    let code = code_of(response.headers()).unwrap_or(Code::Ok);
    let cause = match standing(code) {
        Standing::Answers => return End::Answer(response),
        Standing::Denies => Cause::Denied,
        Standing::Fails if code == Code::DeadlineExceeded => expired(errand),
        Standing::Fails => Cause::Failed,
    };
    End::Failure(Failed { cause, code, reason: words(response.headers()), attempts, source: None })
}

fn unanswered(lost: Lost, attempts: u32, errand: &Errand) -> Failed {
    let (code, reason) = (lost.code(), root_cause(&lost));
    let cause = match &lost {
        Lost::TimedOut(limit) if limit.is_deadline => Cause::DeadlinePassed,
        Lost::TimedOut(_) => Cause::TimedOut { limit: errand.call_timeout },
        Lost::Unreachable(_) => Cause::Unreachable,
        Lost::TooLarge { .. } => Cause::TooLarge,
    };
    Failed { cause, code, reason, attempts, source: Some(Arc::new(lost)) }
}

/// How close to the deadline an answer is of it: the dependency counts from the arrival of the call, and answers in time.
const CLOSE: Duration = Duration::from_millis(100);

/// Which of the two times was up when the dependency said that one was.
fn expired(errand: &Errand) -> Cause {
    match errand.left() {
        Some(left) if left <= CLOSE => Cause::DeadlinePassed,
        Some(_) | None => Cause::TimedOut { limit: errand.call_timeout },
    }
}

/// The dependency's own words: its reason, and its message.
fn words(headers: &HeaderMap) -> String {
    let mut without_details = headers.clone();
    without_details.remove(DETAILS_HEADER);
    let message =
        Status::from_header_map(&without_details).map(|status| status.message().to_owned()).unwrap_or_default();
    match details(headers).error_info() {
        Some(info) => format!("{}: {message}", info.reason),
        None => message,
    }
}
