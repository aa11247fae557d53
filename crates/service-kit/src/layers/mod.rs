//! The stack around every server, outermost first:
//!
//! 1. [`admission`]: the correlation id; refuses what is too much, or too late. Outermost, so that a refusal costs next to nothing;
//!    [`telemetry`] reports it.
//! 2. [`telemetry`]: the span, the outcome, panics. Around all others, so that it sees every answer.
//! 3. [`enrichment`]: answers that arise below the handlers get the details that all of ours have.
//! 4. [`deadline`]: ends what nobody waits for any more.
//! 5. [`authentication`]: who asks.
//! 6. [`authorization`]: whether that caller may, before anything is read of what it asks for.
//! 7. [`rate`]: whether that caller asks too often.
//!
//! All of them speak HTTP, since a tonic interceptor sees neither path nor answer. None of them ever fails or is not
//! ready: an answer of theirs is a gRPC status like any other.

mod admission;
mod authentication;
mod authorization;
mod body;
mod call;
mod deadline;
mod enrichment;
mod gatekeeper;
mod methods;
mod rate;
mod telemetry;
mod unread;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::ServiceBuilder;
use tower_layer::Layer;
use tower_service::Service;

use crate::health::Health;
use crate::identity::Identity;
use crate::settings::LimitSettings;
use crate::telemetry::{ServerMetrics, Throttle};

pub(crate) use call::{GRPC_TIMEOUT_HEADER, grpc_timeout, new_request_id};
pub(crate) use gatekeeper::Gatekeeper;
pub(crate) use methods::{Methods, Offer};
pub(crate) use telemetry::CallerTraces;

/// What every layer answers with.
type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// What all layers of one server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) identity: Identity,
    pub(crate) methods: Methods,
    pub(crate) metrics: ServerMetrics,
    /// The lines of calls that were refused because there were too many, by reason.
    pub(crate) refusal_lines: Throttle<&'static str>,
    pub(crate) caller_traces: CallerTraces,
    pub(crate) limits: LimitSettings,
    pub(crate) gatekeeper: Gatekeeper,
    pub(crate) health: Health,
    /// Cancelled when the server takes no more calls.
    pub(crate) draining: CancellationToken,
}

/// The whole stack.
pub(crate) fn stack<S>(shared: Arc<Shared>) -> impl Layer<S, Service = impl HttpService> + Clone
where
    S: HttpService,
{
    ServiceBuilder::new()
        .layer(admission::AdmissionLayer::new(Arc::clone(&shared)))
        .layer(telemetry::TelemetryLayer::new(Arc::clone(&shared)))
        .layer(enrichment::EnrichmentLayer::new(Arc::clone(&shared)))
        .layer(deadline::DeadlineLayer::new(&shared))
        .layer(authentication::AuthenticationLayer::new(Arc::clone(&shared)))
        .layer(authorization::AuthorizationLayer::new(Arc::clone(&shared)))
        .layer(rate::RateLayer::new(shared))
        .into_inner()
}

/// A service of the stack: requests in, answers out, no failures.
pub(crate) trait HttpService:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static> + Clone + Send + 'static
{
}

impl<S> HttpService for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
        + Clone
        + Send
        + 'static
{
}

/// The call that a request belongs to. Only the outermost layer sees requests without one.
fn call_of(request: &Request<Body>) -> Option<call::Call> {
    request.extensions().get::<call::Call>().cloned()
}
