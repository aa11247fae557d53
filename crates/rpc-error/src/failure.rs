//! A failed call, before it becomes a status.

use std::collections::HashMap;
use std::time::Duration;

use tonic::Status;
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, QuotaViolation, StatusExt};

use crate::Reason;
use crate::shortened::{fits, shortened};

/// The `domain` of every `google.rpc.ErrorInfo` that we send.
pub const ERROR_DOMAIN: &str = "casetracker";

/// Which call failed: what `google.rpc.RequestInfo` tells the caller to quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedCall<'a> {
    /// The correlation id of the request.
    pub request_id: &'a str,
    /// The trace of the request, 32 hexadecimal digits; empty if it has none.
    pub trace_id: &'a str,
}

/// Why a call failed, with everything that the caller is told about it.
///
/// The message names the fix. Every dynamic value in it also stands in the metadata, so that no client has to parse
/// text.
#[derive(Debug, Clone)]
pub struct Failure {
    pub(crate) reason: Reason,
    pub(crate) message: String,
    pub(crate) metadata: HashMap<String, String>,
    /// Those of `BadRequest`, of which there may be very many.
    pub(crate) violations: Vec<FieldViolation>,
    /// All details but the violations. Boxed: a failure travels in the `Err` of every handler.
    pub(crate) details: Box<ErrorDetails>,
}

impl Failure {
    /// A failure with its message; the message goes to the caller as it is.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            metadata: HashMap::new(),
            violations: Vec::new(),
            details: Box::default(),
        }
    }

    /// A bug: the caller learns nothing but that it is one. What happened belongs into the log.
    pub fn internal() -> Self {
        Self::new(Reason::Internal, "internal error; quote the request id to the operator")
    }

    /// Adds a value to `ErrorInfo.metadata`.
    #[must_use]
    pub fn with_metadata(mut self, key: &str, value: impl Into<String>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// Adds one invalid field to `BadRequest`. `reason` is an `UPPER_SNAKE_CASE` word for programs.
    #[must_use]
    pub fn with_violation(mut self, field: &str, description: &str, reason: &str) -> Self {
        let violation = FieldViolation {
            field: field.to_owned(),
            description: description.to_owned(),
            reason: reason.to_owned(),
            localized_message: None,
        };
        self.violations.push(violation);
        self
    }

    /// Names the thing that is missing or has moved on in `ResourceInfo`.
    #[must_use]
    pub fn with_resource(mut self, resource_type: &str, resource_name: &str, description: &str) -> Self {
        self.details.set_resource_info(resource_type, resource_name, "", description);
        self
    }

    /// Adds one unmet condition to `PreconditionFailure`.
    #[must_use]
    pub fn with_precondition(mut self, kind: &str, subject: &str, description: &str) -> Self {
        let mut violations = self.details.precondition_failure().map(|f| f.violations.clone()).unwrap_or_default();
        violations.push(PreconditionViolation::new(kind, subject, description));
        self.details.set_precondition_failure(violations);
        self
    }

    /// Says in `RetryInfo` how long to wait before the next attempt.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.details.set_retry_info(Some(delay));
        self
    }

    /// Names the exceeded limit in `QuotaFailure`.
    #[must_use]
    pub fn with_quota(mut self, subject: &str, description: &str) -> Self {
        self.details.set_quota_failure(vec![QuotaViolation::new(subject, description)]);
        self
    }

    /// The reason.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// What the caller reads.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The one place where a status is built. One that would be too large for clients to take says the same in fewer words:
    /// texts end in "...", and not all violations are listed.
    pub fn into_status(self, call: FailedCall<'_>) -> Status {
        let status = self.status(Some(call));
        if fits(&status) {
            return status;
        }
        let mut shorter = shortened(&self).map(|failure| failure.status(Some(call)));
        // The last attempt fits whatever it is about; were it not so, some answer is better than none.
        shorter.find(fits).unwrap_or_else(|| Self::new(self.reason, "").status(Some(call)))
    }

    /// The status, as long as it is; without a call no word on which one it is about.
    pub(crate) fn status(&self, call: Option<FailedCall<'_>>) -> Status {
        let mut details = (*self.details).clone();
        if !self.violations.is_empty() {
            details.set_bad_request(self.violations.clone());
        }
        details.set_error_info(self.reason.as_str(), ERROR_DOMAIN, self.metadata.clone());
        if let Some(call) = call {
            details.set_request_info(call.request_id, call.trace_id);
        }
        Status::with_error_details(self.reason.code(), &self.message, details)
    }
}
