//! What a server said, taken out of its status.

use std::collections::BTreeMap;
use std::time::Duration;

use rpc_error::Reason;
use service_kit::exit::ExitCode;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::settings::Address;

/// The metadata key that echoes the request id.
const REQUEST_ID_HEADER: &str = "x-request-id";

/// A server's error.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Who answered.
    pub(crate) address: Address,
    /// The gRPC code.
    pub(crate) code: Code,
    /// The server's words.
    pub(crate) message: String,
    /// `ErrorInfo.reason`.
    pub(crate) reason: Told,
    /// `ErrorInfo.metadata`.
    pub(crate) metadata: BTreeMap<String, String>,
    /// The fields of `BadRequest`.
    pub(crate) violations: Vec<Violation>,
    /// `RetryInfo`.
    pub(crate) retry_after: Option<Duration>,
    /// What to quote to the operator.
    pub(crate) request_id: String,
    /// The trace of the request; empty if it had none.
    pub(crate) trace_id: String,
    /// The key of a command, which may have been carried out.
    pub(crate) key: Option<String>,
}

/// A reason on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// One of those that we know.
    Known(Reason),
    /// One of a newer server.
    Unknown(String),
    /// Not one of our servers.
    None,
}

/// One invalid field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// As in the proto.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) description: String,
    /// For programs.
    pub(crate) reason: String,
}

impl Refusal {
    /// Reads a status that came over the wire. `request_id` is the one that the call had.
    pub(crate) fn of(status: &Status, address: &Address, request_id: &str, key: Option<&str>) -> Self {
        let details = status.get_error_details();
        let info = details.error_info();
        let echoed = status.metadata().get(REQUEST_ID_HEADER).and_then(|value| value.to_str().ok());
        let request = details.request_info();
        let named = request.map(|request| request.request_id.as_str()).filter(|id| !id.is_empty());
        let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
        Self {
            address: address.clone(),
            code: status.code(),
            message: status.message().to_owned(),
            reason: info.map_or(Told::None, |info| told(&info.reason)),
            metadata: info.map(|info| info.metadata.clone().into_iter().collect()).unwrap_or_default(),
            violations: violations
                .iter()
                .map(|violation| Violation {
                    field: violation.field.clone(),
                    description: violation.description.clone(),
                    reason: violation.reason.clone(),
                })
                .collect(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
            request_id: named.or(echoed).unwrap_or(request_id).to_owned(),
            trace_id: request.map(|request| request.serving_data.clone()).unwrap_or_default(),
            key: key.map(ToOwned::to_owned),
        }
    }

    /// Whether the same call may succeed a little later.
    pub(crate) fn is_transient(&self) -> bool {
        match self.code {
            Code::Unavailable => true,
            // Without a delay it is about this call, such as a message that is too large.
            Code::ResourceExhausted => self.retry_after.is_some(),
            // Our servers give a reason for everything: this was said on the way, such as by a proxy.
            Code::Cancelled | Code::Unknown | Code::Internal => self.reason == Told::None,
            Code::Ok
            | Code::InvalidArgument
            | Code::DeadlineExceeded
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::DataLoss
            | Code::Unauthenticated => false,
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        if self.code == Code::DataLoss {
            ExitCode::DataCorrupt
        } else if self.code == Code::DeadlineExceeded || self.is_transient() {
            ExitCode::Unavailable
        } else {
            ExitCode::Refused
        }
    }

    /// The reason, or the code where there is none.
    pub(super) fn reason_text(&self) -> String {
        match &self.reason {
            Told::Known(reason) => reason.as_str().to_owned(),
            Told::Unknown(reason) => reason.clone(),
            Told::None => format!("{:?}", self.code),
        }
    }

    pub(super) fn about(&self, key: &str) -> &str {
        self.metadata.get(key).map(String::as_str).unwrap_or_default()
    }
}

fn told(reason: &str) -> Told {
    let known = Reason::ALL.into_iter().find(|known| known.as_str() == reason);
    known.map_or_else(|| Told::Unknown(reason.to_owned()), Told::Known)
}
