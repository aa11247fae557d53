//! A failure that is told again and again, word for word: what a full server says thousands of times a second.

use tonic::codegen::Bytes;
use tonic::codegen::http::{HeaderMap, HeaderValue};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{FailedCall, Failure, Reason};

/// A [`Failure`] that is encoded already, but for what differs from call to call.
#[derive(Debug, Clone)]
pub struct Prepared {
    reason: Reason,
    /// None if the message is empty.
    message: Option<HeaderValue>,
    /// The details, without `RequestInfo`.
    details: Bytes,
}

impl Prepared {
    pub(crate) fn new(reason: Reason, status: &Status) -> Self {
        let mut headers = HeaderMap::new();
        // A text that cannot be a header is one that tonic has not encoded: there is none.
        let message = status.add_header(&mut headers).ok().and_then(|()| headers.remove(Status::GRPC_MESSAGE));
        Self { reason, message, details: Bytes::copy_from_slice(status.details()) }
    }

    /// The reason.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The code.
    pub const fn code(&self) -> Code {
        self.reason.code()
    }

    /// The headers of the answer to one call: status, message and details, the same that [`Failure::into_status`] leads to.
    pub fn headers(&self, call: FailedCall<'_>) -> HeaderMap {
        let mut request = ErrorDetails::new();
        request.set_request_info(call.request_id, call.trace_id);
        let request = Status::with_error_details(Code::Ok, "", request);
        // Messages of protobuf are merged by writing one after the other: the list of details gets one more.
        let details = Bytes::from([&self.details[..], request.details()].concat());
        let mut headers = HeaderMap::with_capacity(8);
        // Neither a number nor base64 can be refused as a header.
        let _ = Status::with_details(self.code(), "", details).add_header(&mut headers);
        if let Some(message) = &self.message {
            headers.insert(Status::GRPC_MESSAGE, message.clone());
        }
        headers
    }
}

impl Failure {
    /// Encodes all that does not depend on the call. For short failures of our own: what is too large for clients is not made
    /// smaller.
    pub fn prepared(&self) -> Prepared {
        Prepared::new(self.reason(), &self.status(None))
    }
}
