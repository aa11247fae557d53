//! Ends calls that nobody waits for any more.
//!
//! tonic's own handling of `grpc-timeout` answers CANCELLED, and to headers only. It is always installed, outside of this
//! layer, and never wins: the deadline here is taken earlier, and is polled first.
//!
//! A stream may last for days, but not its question: where a request is one message, that message has to come in time, or a
//! caller could hold a place for a stream by saying nothing.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use rpc_error::{Failure, Reason};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::admission::draining_failure;
use super::body::{EndingBody, PunctualBody};
use super::call::Call;
use super::methods::{Purpose, Shape};
use super::{Answer, HttpService, Shared, call_of};

/// Adds [`Deadline`].
#[derive(Debug, Clone)]
pub(super) struct DeadlineLayer {
    /// How long the one message of a request may take where the call itself has no deadline.
    request_time_max: Duration,
    /// Cancelled when the server takes no more calls.
    draining: CancellationToken,
}

impl DeadlineLayer {
    pub(super) fn new(shared: &Shared) -> Self {
        Self { request_time_max: shared.limits.deadline_default, draining: shared.draining.clone() }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { layer: self.clone(), inner }
    }
}

impl DeadlineLayer {
    fn with_punctual_request(&self, request: Request<Body>, call: Call) -> Request<Body> {
        if !call.method.asks_once {
            return request;
        }
        let due = sleep_until(Instant::now() + self.request_time_max);
        request.map(|body| Body::new(PunctualBody::new(body, call, due, late)))
    }
}

/// Answers `DEADLINE_EXCEEDED` when a call's time is up, and drops what works on it.
#[derive(Debug, Clone)]
pub(super) struct Deadline<S> {
    layer: DeadlineLayer,
    inner: S,
}

impl<S: HttpService> Service<Request<Body>> for Deadline<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let Some(call) = call_of(&request) else {
            return Box::pin(self.inner.call(request));
        };
        let Some(deadline) = call.deadline else {
            return Box::pin(self.inner.call(self.layer.with_punctual_request(request, call)));
        };
        let inner = self.inner.call(request);
        let draining = self.layer.draining.clone();
        Box::pin(async move {
            let Ok(Ok(response)) = timeout_at(deadline, inner).await else {
                return Ok(call.refuse(expired()));
            };
            Ok(match (call.method.shape, call.method.purpose) {
                (Shape::Unary, _) => response,
                (Shape::Streaming, Purpose::Service | Purpose::Health) => {
                    response.map(|body| Body::new(EndingBody::new(body, call, sleep_until(deadline), expired)))
                }
                // Tools keep these open for as long as they run, and those who answer know nothing of shutdowns.
                (Shape::Streaming, Purpose::Reflection) => response.map(|body| {
                    let timed = EndingBody::new(body, call.clone(), sleep_until(deadline), expired);
                    Body::new(EndingBody::new(Body::new(timed), call, draining.cancelled_owned(), draining_failure))
                }),
            })
        })
    }
}

/// The deadline has passed.
pub(super) fn expired() -> Failure {
    Failure::new(
        Reason::DeadlineExceeded,
        "the deadline passed before the answer; whether the call took effect is not known: ask again with the same \
         idempotency key and more time",
    )
}

/// The request has not come in time.
fn late() -> Failure {
    Failure::new(
        Reason::DeadlineExceeded,
        "the request did not arrive in time (limits.deadline_default): send its message as soon as the call is open",
    )
}
