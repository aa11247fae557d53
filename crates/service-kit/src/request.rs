//! What a handler knows about the request beside its message.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use rpc_error::{FailedCall, Failure};
use tokio::time::Instant;
use tonic::{Request, Status};

use crate::telemetry::propagation;

/// The metadata key of the correlation id.
pub const REQUEST_ID_HEADER: &str = "x-request-id";

/// The metadata key of the actor, where `auth.mode = "insecure"`.
pub const ACTOR_ID_HEADER: &str = "x-actor-id";

/// A deadline that never comes, for streams that end when one side wants to.
const ENDLESS: Duration = Duration::from_hours(30 * 365 * 24);

/// Who asks, under which id, until when: an extension of every request that has come through the layers.
///
/// Hand it on explicitly; to have an outgoing call carry the same id and the rest of the deadline, put it into the
/// extensions of the outgoing request (inside a handler's span the channel knows both by itself).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestMeta {
    /// The correlation id, 1–128 visible ASCII characters.
    pub request_id: String,
    /// Who asks, 1–128 characters; empty only on health and reflection.
    pub actor: String,
    /// When the caller stops waiting; years away on streams that named no time.
    pub deadline: Instant,
}

impl RequestMeta {
    /// What is known about a request.
    ///
    /// A request that did not come through the layers (a handler called directly, in a test) has neither id nor actor.
    pub fn of<T>(request: &Request<T>) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_else(|| Self::new(String::new(), String::new(), None))
    }

    pub(crate) fn new(request_id: String, actor: String, deadline: Option<Instant>) -> Self {
        let deadline = deadline.unwrap_or_else(|| Instant::now() + ENDLESS);
        Self { request_id, actor, deadline }
    }

    /// The status with which this request fails.
    pub fn status(&self, failure: Failure) -> Status {
        failure.into_status(FailedCall { request_id: &self.request_id, trace_id: &current_trace().trace_id })
    }
}

/// The trace that is being written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CurrentTrace {
    /// 32 hexadecimal digits; empty outside any trace.
    pub trace_id: String,
    /// The current span as a W3C `traceparent`; empty outside any trace.
    pub traceparent: String,
}

/// The trace of the current span.
pub fn current_trace() -> CurrentTrace {
    CurrentTrace { trace_id: current_trace_id(), traceparent: propagation::current_traceparent() }
}

/// Only the trace id of the current span; empty outside any trace.
pub(crate) fn current_trace_id() -> String {
    Context::map_current(|cx| {
        let span = cx.span();
        let context = span.span_context();
        if context.is_valid() { context.trace_id().to_string() } else { String::new() }
    })
}
