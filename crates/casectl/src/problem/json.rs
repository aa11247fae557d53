//! Errors for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Problem, Refusal};

#[derive(Serialize)]
struct Line<'a> {
    error: ErrorJson<'a>,
}

/// What a program learns of a failure. Absent fields are left out.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct ErrorJson<'a> {
    exit_code: u8,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    trace_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    violations: Vec<ViolationJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<String>,
}

#[derive(Serialize)]
struct ViolationJson<'a> {
    field: &'a str,
    description: &'a str,
    reason: &'a str,
}

pub(super) fn line(problem: &Problem) -> String {
    let common = ErrorJson {
        exit_code: problem.exit_code().number(),
        message: problem.message(),
        hints: problem.hints(),
        ..ErrorJson::default()
    };
    let error = match problem {
        Problem::OutputClosed | Problem::Local { .. } | Problem::Found { .. } => common,
        Problem::Refused(refusal) => of_refusal(refusal, common),
        Problem::Unanswered(unanswered) => {
            ErrorJson { request_id: Some(&unanswered.request_id), idempotency_key: unanswered.key.as_deref(), ..common }
        }
    };
    // Strings and numbers only: nothing in it can fail.
    let line = serde_json::to_string(&Line { error }).unwrap_or_default();
    format!("{line}\n")
}

fn of_refusal<'a>(refusal: &'a Refusal, common: ErrorJson<'a>) -> ErrorJson<'a> {
    let violations = refusal.violations.iter().map(|violation| ViolationJson {
        field: &violation.field,
        description: &violation.description,
        reason: &violation.reason,
    });
    ErrorJson {
        // The server's words alone: what the line for people adds stands in fields of its own.
        message: refusal.message.clone(),
        code: Some(code_name(refusal.code)),
        reason: (!matches!(refusal.reason, super::Told::None)).then(|| refusal.reason_text()),
        request_id: Some(&refusal.request_id),
        trace_id: &refusal.trace_id,
        idempotency_key: refusal.key.as_deref(),
        metadata: Some(&refusal.metadata).filter(|metadata| !metadata.is_empty()),
        violations: violations.collect(),
        ..common
    }
}

/// The code as the protocol writes it.
const fn code_name(code: tonic::Code) -> &'static str {
    use tonic::Code;
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
