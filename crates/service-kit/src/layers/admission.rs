//! Refuses what is too much, and what comes too late.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use rpc_error::{Failure, Reason};
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::body::{EndingBody, HoldingBody};
use super::call::Call;
use super::methods::{Purpose, Shape};
use super::{Answer, HttpService, Shared, call_of};
use crate::host::gate::{Gate, Place};

/// When to try again after a refusal for load: calls last milliseconds.
const RETRY_WHEN_FULL: Duration = Duration::from_millis(100);

/// When to try again after a refusal by a server that shuts down: another one, or its successor, has to be found.
const RETRY_WHEN_DRAINING: Duration = Duration::from_secs(1);

/// The gate of the watches of a server's health, and how many it lets in: orchestrators and balancers are few, and what is
/// no burden one by one must not be without end.
const HEALTH_WATCHES: &str = "health_watches";
const HEALTH_WATCHES_MAX: usize = 256;

/// The gate of reflection, and how many streams it lets in: people with tools are fewer still. It asks for no actor, so it
/// must not take places that callers with a name need.
const REFLECTION_STREAMS: &str = "reflection_streams";
const REFLECTION_STREAMS_MAX: usize = 32;

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
    health_watches: Gate,
    reflection: Gate,
}

fn full(gate: &Gate) -> Failure {
    let Gate { limit_name: cause, limit, .. } = gate;
    let (what, subject) = match *cause {
        HEALTH_WATCHES => (format!("{limit} watches of its health"), format!("health watches = {limit}")),
        REFLECTION_STREAMS => (format!("{limit} streams of reflection"), format!("reflection streams = {limit}")),
        setting => (format!("{limit} calls at once (limits.{setting})"), format!("limits.{setting} = {limit}")),
    };
    Failure::new(Reason::Overloaded, format!("the server works on {what} and is full: try again later"))
        .with_metadata("cause", *cause)
        .with_metadata("scope", "server")
        .with_metadata("limit", limit.to_string())
        .with_quota("server", &subject)
        .with_retry_after(RETRY_WHEN_FULL)
}

impl AdmissionLayer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let unary = Gate::new(shared.identity, "requests_in_flight", shared.limits.requests_in_flight);
        // A stream holds its place for as long as it lasts, so streams cannot starve the other calls.
        let streaming = Gate::new(shared.identity, "streams_in_flight", shared.limits.streams_in_flight);
        let health_watches = Gate::new(shared.identity, HEALTH_WATCHES, HEALTH_WATCHES_MAX);
        let reflection = Gate::new(shared.identity, REFLECTION_STREAMS, REFLECTION_STREAMS_MAX);
        Self { shared, gates: Arc::new(Gates { unary, streaming, health_watches, reflection }) }
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
    fn admit(&self, call: &Call) -> Result<Option<Place>, Failure> {
        let Gates { unary, streaming, health_watches, reflection } = &*self.layer.gates;
        let gate = match (call.method.purpose, call.method.shape) {
            // Who asks about the health of a full server, or of one that shuts down, wants an answer.
            (Purpose::Health, Shape::Unary) => return Ok(None),
            (Purpose::Health, Shape::Streaming) => health_watches,
            (Purpose::Service | Purpose::Reflection, _) if self.layer.shared.health.is_draining() => {
                return Err(draining_failure());
            }
            (Purpose::Service, Shape::Unary) => unary,
            (Purpose::Service, Shape::Streaming) => streaming,
            (Purpose::Reflection, Shape::Unary | Shape::Streaming) => reflection,
        };
        gate.enter().map(Some).ok_or_else(|| {
            self.layer.shared.metrics.shed(gate.limit_name);
            full(gate)
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
        let place = match self.admit(&call) {
            Ok(None) => return Box::pin(self.inner.call(request)),
            Ok(Some(place)) => place,
            Err(failure) => {
                let refusal = call.refuse(failure);
                return Box::pin(async { Ok(refusal) });
            }
        };
        let inner = self.inner.call(request);
        let draining = self.layer.shared.draining.clone();
        Box::pin(async move {
            let response = inner.await?;
            Ok(match (call.method.shape, call.method.purpose) {
                (Shape::Unary, _) => response,
                (Shape::Streaming, Purpose::Service | Purpose::Health) => {
                    response.map(|body| Body::new(HoldingBody::new(body, place)))
                }
                // Tools keep these open for as long as they run, and those who answer know nothing of shutdowns.
                (Shape::Streaming, Purpose::Reflection) => response.map(|body| {
                    let ended = EndingBody::new(body, call, draining.cancelled_owned(), draining_failure);
                    Body::new(HoldingBody::new(Body::new(ended), place))
                }),
            })
        })
    }
}

fn draining_failure() -> Failure {
    Failure::new(Reason::Draining, "the server is shutting down: try again, on another one if there is one")
        .with_retry_after(RETRY_WHEN_DRAINING)
}
