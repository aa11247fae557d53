//! Ends calls that nobody waits for any more.
//!
//! tonic's own handling of `grpc-timeout` answers CANCELLED, and to headers only. It is always installed, outside of this
//! layer, and never wins: the deadline here is taken earlier, and is polled first.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{Request, Response};
use rpc_error::{Failure, Reason};
use tokio::time::{sleep_until, timeout_at};
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::body::EndingBody;
use super::methods::Shape;
use super::{Answer, HttpService, call_of};

/// Adds [`Deadline`].
#[derive(Debug, Clone, Copy)]
pub(super) struct DeadlineLayer;

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner }
    }
}

/// Answers `DEADLINE_EXCEEDED` when a call's time is up, and drops what works on it.
#[derive(Debug, Clone)]
pub(super) struct Deadline<S> {
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
        let call = call_of(&request);
        let inner = self.inner.call(request);
        let Some((call, deadline)) = call.and_then(|call| call.deadline.map(|deadline| (call, deadline))) else {
            return Box::pin(inner);
        };
        Box::pin(async move {
            let Ok(Ok(response)) = timeout_at(deadline, inner).await else {
                return Ok(call.refuse(expired()));
            };
            Ok(match call.method.shape {
                Shape::Unary => response,
                Shape::Streaming => {
                    response.map(|body| Body::new(EndingBody::new(body, call, sleep_until(deadline), expired)))
                }
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
