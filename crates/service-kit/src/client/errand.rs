//! One call as it is about to be made: on whose behalf, and until when.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use tokio::time::Instant;
use tonic::body::Body;

use super::policy::{Policy, Shape};
use crate::layers::{grpc_timeout, new_request_id};
use crate::request::{REQUEST_ID_HEADER, RequestMeta};
use crate::telemetry::CallScope;

/// One call, all attempts together: an extension of each attempt's request.
#[derive(Debug, Clone)]
pub(super) struct Errand {
    /// The correlation id that it carries.
    pub(super) request_id: Arc<str>,
    /// `package.Service/Method`.
    pub(super) operation: Arc<str>,
    pub(super) shape: Shape,
    pub(super) begun: Instant,
    /// When nobody waits for the answer any more; none if somebody always does.
    pub(super) deadline: Option<Instant>,
    /// How long an attempt may take.
    pub(super) call_timeout: Duration,
}

/// When an attempt has to be over, and what it means if it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) until: Instant,
    /// Whether it is the caller's deadline, and not the policy's timeout.
    pub(super) is_deadline: bool,
}

impl Limit {
    /// The limit of an attempt that begins now.
    pub(super) fn of(deadline: Option<Instant>, call_timeout: Duration) -> Self {
        let of_policy = Instant::now() + call_timeout;
        match deadline {
            Some(deadline) if deadline <= of_policy => Self { until: deadline, is_deadline: true },
            Some(_) | None => Self { until: of_policy, is_deadline: false },
        }
    }
}

impl Errand {
    /// Correlation id and deadline are those of a [`RequestMeta`] in the extensions of the request, or else of the request
    /// in whose span the call is made; without either the id is new, and there is no deadline. What stands in the headers
    /// already stays; of several deadlines the first counts.
    pub(super) fn begin(policy: &Policy, request: &Request<Body>) -> Self {
        let begun = Instant::now();
        let scope = CallScope::current();
        let meta = request.extensions().get::<RequestMeta>();
        let of_request =
            meta.map_or_else(|| scope.as_ref().and_then(|scope| scope.deadline), |meta| Some(meta.deadline));
        let of_headers = grpc_timeout(request.headers()).and_then(|timeout| begun.checked_add(timeout));
        let written = request.headers().get(REQUEST_ID_HEADER).and_then(|id| id.to_str().ok()).map(Arc::from);
        let request_id = written
            .or_else(|| meta.map(|meta| Arc::from(meta.request_id.as_str())))
            .or_else(|| scope.and_then(|scope| scope.request_id))
            .unwrap_or_else(new_request_id);
        let path = request.uri().path();
        Self {
            request_id,
            operation: Arc::from(path.strip_prefix('/').unwrap_or(path)),
            shape: policy.shape(path),
            begun,
            deadline: of_request.into_iter().chain(of_headers).min(),
            call_timeout: policy.call_timeout,
        }
    }

    /// What is left until the deadline; none without one.
    pub(super) fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// What the dependency is told about the time: a stream may outlive the policy's timeout, which ends at its first
    /// byte; a unary call may not.
    pub(super) fn told(&self) -> Option<Instant> {
        match self.shape {
            Shape::Repeatable | Shape::Once => Some(Limit::of(self.deadline, self.call_timeout).until),
            Shape::Stream => self.deadline,
        }
    }
}
