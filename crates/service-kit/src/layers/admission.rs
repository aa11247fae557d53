//! Refuses what is too much, and what comes too late.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use rpc_error::{Failure, Reason};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::body::HoldingBody;
use super::call::Call;
use super::methods::{Purpose, Shape};
use super::{Answer, HttpService, Shared, call_of};

/// When to try again after a refusal for load: calls last milliseconds.
const RETRY_WHEN_FULL: Duration = Duration::from_millis(100);

/// When to try again after a refusal by a server that shuts down: another one, or its successor, has to be found.
const RETRY_WHEN_DRAINING: Duration = Duration::from_secs(1);

/// Adds [`Admission`].
#[derive(Debug, Clone)]
pub(super) struct AdmissionLayer {
    shared: Arc<Shared>,
    gates: Arc<Gates>,
}

#[derive(Debug)]
struct Gates {
    unary: Gate,
    streaming: Gate,
}

/// One limit, and what is still free of it.
#[derive(Debug)]
struct Gate {
    cause: &'static str,
    limit: usize,
    free: Arc<Semaphore>,
}

impl Gate {
    fn new(cause: &'static str, limit: usize) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Self { cause, limit, free: Arc::new(Semaphore::new(limit)) }
    }

    fn full(&self) -> Failure {
        let Self { cause, limit, .. } = self;
        let message =
            format!("the server works on {limit} calls at once (limits.{cause}) and is full: try again later");
        Failure::new(Reason::Overloaded, message)
            .with_metadata("cause", *cause)
            .with_metadata("scope", "server")
            .with_metadata("limit", limit.to_string())
            .with_quota("server", &format!("limits.{cause} = {limit}"))
            .with_retry_after(RETRY_WHEN_FULL)
    }
}

impl AdmissionLayer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let unary = Gate::new("requests_in_flight", shared.limits.requests_in_flight);
        // A stream holds its place for as long as it lasts, so streams cannot starve the other calls.
        let streaming = Gate::new("streams_in_flight", shared.limits.streams_in_flight);
        Self { shared, gates: Arc::new(Gates { unary, streaming }) }
    }
}

impl<S> Layer<S> for AdmissionLayer {
    type Service = Admission<S>;

    fn layer(&self, inner: S) -> Admission<S> {
        Admission { layer: self.clone(), inner }
    }
}

/// Lets a call in if there is room, and answers at once if there is none: nothing waits.
#[derive(Debug, Clone)]
pub(super) struct Admission<S> {
    layer: AdmissionLayer,
    inner: S,
}

impl<S> Admission<S> {
    fn admit(&self, call: &Call) -> Result<Option<OwnedSemaphorePermit>, Failure> {
        match call.method.purpose {
            // Who asks about the health of a full server wants an answer.
            Purpose::Health => return Ok(None),
            Purpose::Service | Purpose::Reflection => {}
        }
        if self.layer.shared.health.is_draining() {
            return Err(draining());
        }
        let gate = match call.method.shape {
            Shape::Unary => &self.layer.gates.unary,
            Shape::Streaming => &self.layer.gates.streaming,
        };
        Arc::clone(&gate.free).try_acquire_owned().map(Some).map_err(|_| {
            self.layer.shared.metrics.shed(gate.cause);
            gate.full()
        })
    }
}

impl<S: HttpService> Service<Request<Body>> for Admission<S> {
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
        let permit = match self.admit(&call) {
            Ok(None) => return Box::pin(self.inner.call(request)),
            Ok(Some(permit)) => permit,
            Err(failure) => {
                let refusal = call.refuse(failure);
                return Box::pin(async { Ok(refusal) });
            }
        };
        let inner = self.inner.call(request);
        Box::pin(async move {
            let response = inner.await?;
            Ok(match call.method.shape {
                Shape::Unary => response,
                Shape::Streaming => response.map(|body| Body::new(HoldingBody::new(body, permit))),
            })
        })
    }
}

fn draining() -> Failure {
    Failure::new(Reason::Draining, "the server is shutting down: try again, on another one if there is one")
        .with_retry_after(RETRY_WHEN_DRAINING)
}
