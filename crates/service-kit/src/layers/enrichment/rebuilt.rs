//! Which failure a foreign status means.

use std::time::Duration;

use rpc_error::{Failure, Reason};
use tonic::{Code, Status};
use tracing::error;

use crate::telemetry::{code_name, names};

/// The longest part of a path that an answer repeats, in bytes.
const PATH_BYTES_MAX: usize = 256;

/// How tonic and prost begin the messages of INTERNAL when a request cannot be read.
const UNREADABLE: [&str; 4] =
    ["failed to decode", "Missing request message", "Unexpected EOF decoding", "protocol error: received message"];

/// How tonic and h2 say that the caller broke off in the middle of its request: a lost connection, a reset stream.
const BROKEN_OFF: [&str; 2] = ["h2 protocol error", "error reading a body from connection"];

/// What a status without an `ErrorInfo` means.
pub(super) fn failure(status: &Status, path: &str, message_bytes: usize) -> Failure {
    match status.code() {
        Code::OutOfRange if status.message().contains("decoded message length too large") => too_large(message_bytes),
        Code::OutOfRange if status.message().contains("encoded message length too large") => {
            answer_too_large(message_bytes)
        }
        Code::Internal if UNREADABLE.iter().any(|begin| status.message().starts_with(begin)) => {
            undecodable(status.message())
        }
        Code::Unknown | Code::Internal | Code::Unavailable if is_broken_off(status) => went_away(),
        Code::InvalidArgument => undecodable(status.message()),
        Code::Unimplemented if status.message().is_empty() => unknown_method(path),
        // For instance an unsupported compression: the message says what.
        Code::Unimplemented => Failure::new(Reason::Unimplemented, status.message()),
        Code::DeadlineExceeded => super::super::deadline::expired(),
        Code::Cancelled if is_timeout(status) => super::super::deadline::expired(),
        Code::Cancelled => went_away(),
        // No handler of ours answers so: all of them go through rpc_error. It is a bug, and told as one.
        Code::Ok
        | Code::Unknown
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => Failure::internal(),
    }
}

/// Logs what the caller is not told.
pub(super) fn log_if_unexpected(failure: &Failure, status: &Status) {
    if failure.reason() == Reason::Internal {
        let code = code_name(status.code());
        error!(name: names::UNEXPECTED_ERROR, error = status.message(), error.type = code, "a status that is none of ours: {code}");
    }
}

fn went_away() -> Failure {
    Failure::new(Reason::Cancelled, "the caller went away")
}

fn is_broken_off(status: &Status) -> bool {
    BROKEN_OFF.iter().any(|begin| status.message().starts_with(begin))
}

fn too_large(message_bytes: usize) -> Failure {
    let text = format!("the message is larger than {message_bytes} bytes (limits.message_bytes): send less at once");
    beyond_message_bytes(text, message_bytes)
}

fn answer_too_large(message_bytes: usize) -> Failure {
    let text = format!("the answer is larger than {message_bytes} bytes (limits.message_bytes): ask for less at once");
    beyond_message_bytes(text, message_bytes)
}

fn beyond_message_bytes(text: String, message_bytes: usize) -> Failure {
    Failure::new(Reason::MessageTooLarge, text)
        .with_metadata("cause", "message_bytes")
        .with_metadata("scope", "message")
        .with_metadata("limit", message_bytes.to_string())
        .with_quota("message", &format!("limits.message_bytes = {message_bytes}"))
        // As every RESOURCE_EXHAUSTED of the contract. No wait makes a message smaller; a smaller one may come at once.
        .with_retry_after(Duration::ZERO)
}

fn undecodable(why: &str) -> Failure {
    let text = "the request is no valid message of this method: compare it with the proto files or with reflection";
    Failure::new(Reason::ValidationFailed, text).with_violation("request", why, "UNDECODABLE")
}

fn unknown_method(path: &str) -> Failure {
    let path = &path[..path.floor_char_boundary(PATH_BYTES_MAX)];
    Failure::new(
        Reason::Unimplemented,
        format!("there is no method {path} on this port: ask reflection for those there are"),
    )
    .with_metadata("method", path)
}

/// How tonic reports a time limit of its own, for instance that of a call which a handler made.
fn is_timeout(status: &Status) -> bool {
    status.message() == "Timeout expired"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(code: Code, message: &str) -> Reason {
        failure(&Status::new(code, message), "/a.B/C", 1).reason()
    }

    #[test]
    fn a_caller_that_breaks_off_is_no_bug_of_ours_and_another_unknown_status_is() {
        for code in [Code::Unknown, Code::Internal, Code::Unavailable] {
            assert_eq!(reason(code, "h2 protocol error: error reading a body from connection"), Reason::Cancelled);
            assert_eq!(reason(code, "error reading a body from connection"), Reason::Cancelled);
            assert_eq!(reason(code, "something else"), Reason::Internal);
        }
    }
}
