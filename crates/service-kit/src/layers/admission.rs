//! Refuses what is too much, and what comes too late.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::Either;
use http::{Request, Response};
use pin_project_lite::pin_project;
use rpc_error::{Failure, Prepared, Reason};
use tokio::time::Instant;
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::body::HoldingBody;
use super::call::Call;
use super::methods::{Method, Purpose, Shape};
use super::telemetry::refused;
use super::unread::let_end;
use super::{HttpService, Shared};
use crate::host::gate::{Gate, Place};
use crate::identity::Identity;
use crate::tls::ConnectionInfo;

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
    unary: Door,
    streaming: Door,
    health_watches: Door,
    reflection: Door,
    draining: Prepared,
}

/// A gate, and what those hear who find it full.
#[derive(Debug)]
struct Door {
    gate: Gate,
    full: Prepared,
}

impl Door {
    fn new(identity: Identity, limit_name: &'static str, limit: usize) -> Self {
        let gate = Gate::new(identity, limit_name, limit);
        let full = full(&gate).prepared();
        Self { gate, full }
    }
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
        let unary = Door::new(shared.identity, "requests_in_flight", shared.limits.requests_in_flight);
        // A stream holds its place for as long as it lasts, so streams cannot starve the other calls.
        let streaming = Door::new(shared.identity, "streams_in_flight", shared.limits.streams_in_flight);
        let health_watches = Door::new(shared.identity, HEALTH_WATCHES, HEALTH_WATCHES_MAX);
        let reflection = Door::new(shared.identity, REFLECTION_STREAMS, REFLECTION_STREAMS_MAX);
        let draining = draining_failure().prepared();
        Self { shared, gates: Arc::new(Gates { unary, streaming, health_watches, reflection, draining }) }
    }
}

impl<S> Layer<S> for AdmissionLayer {
    type Service = Admission<S>;

    fn layer(&self, inner: S) -> Admission<S> {
        Admission { layer: self.clone(), inner }
    }
}

/// Lets a call in if there is room, and answers at once if there is none: nothing waits. Outermost, so that a refusal costs
/// next to nothing: no span and no future, and what is to come of the request is read aside.
#[derive(Debug, Clone)]
pub(super) struct Admission<S> {
    layer: AdmissionLayer,
    inner: S,
}

impl<S> Admission<S> {
    fn admit(&self, method: &Method) -> Result<Option<Place>, &Prepared> {
        let Gates { unary, streaming, health_watches, reflection, draining } = &*self.layer.gates;
        let door = match (method.purpose, method.shape) {
            // Who asks about the health of a full server, or of one that shuts down, wants an answer.
            (Purpose::Health, Shape::Unary) => return Ok(None),
            (Purpose::Health, Shape::Streaming) => health_watches,
            (Purpose::Service | Purpose::Reflection, _) if self.layer.shared.health.is_draining() => {
                return Err(draining);
            }
            (Purpose::Service, Shape::Unary) => unary,
            (Purpose::Service, Shape::Streaming) => streaming,
            (Purpose::Reflection, Shape::Unary | Shape::Streaming) => reflection,
        };
        door.gate.enter().map(Some).ok_or_else(|| {
            self.layer.shared.metrics.shed(door.gate.limit_name);
            &door.full
        })
    }

    /// Whether a call that was let in is one of very many. Streams and health checks wait for nobody.
    fn is_crowded(&self, method: &Method) -> bool {
        matches!((method.purpose, method.shape), (Purpose::Service, Shape::Unary))
            && self.layer.gates.unary.gate.is_crowded()
    }
}

impl<S: HttpService> Service<Request<Body>> for Admission<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<Admitted<S::Future>, Ready<Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let shared = &self.layer.shared;
        let call = Call::arrived(shared.methods.at(request.uri().path()), request.headers(), &shared.limits);
        let place = match self.admit(&call.method) {
            Ok(place) => {
                if self.is_crowded(&call.method)
                    && let Some(connection) = request.extensions().get::<ConnectionInfo>()
                {
                    connection.brake.crowded(Instant::now());
                }
                place
            }
            Err(refusal) => {
                // Whoever is sent away for the end of the server goes elsewhere, and is not held up.
                let too_much = refusal.reason() == Reason::Overloaded;
                if let Some(connection) = request.extensions().get::<ConnectionInfo>().filter(|_| too_much) {
                    connection.brake.refused(Instant::now());
                }
                let refused = refused(shared, &call, request.headers(), refusal);
                let_end(request.into_body());
                return Either::Right(ready(Ok(refused)));
            }
        };
        // Those who ask once free their place with their answer, the others when it ends.
        let shape = call.method.shape;
        request.extensions_mut().insert(call);
        Either::Left(Admitted { inner: self.inner.call(request), shape, place })
    }
}

pin_project! {
    /// A call that was let in.
    pub(super) struct Admitted<F> {
        #[pin]
        inner: F,
        shape: Shape,
        place: Option<Place>,
    }
}

impl<F: Future<Output = Result<Response<Body>, Infallible>>> Future for Admitted<F> {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(response) = ready!(this.inner.poll(cx));
        Poll::Ready(Ok(match (this.shape, this.place.take()) {
            (Shape::Streaming, Some(place)) => response.map(|body| Body::new(HoldingBody::new(body, place))),
            (Shape::Unary | Shape::Streaming, _) => response,
        }))
    }
}

/// The server takes no more calls.
pub(super) fn draining_failure() -> Failure {
    Failure::new(Reason::Draining, "the server is shutting down: try again, on another one if there is one")
        .with_retry_after(RETRY_WHEN_DRAINING)
}
