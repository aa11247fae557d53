//! The outermost layer: what a call is called, what it belongs to, and how it ended.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Request, Response};
use rpc_error::Failure;
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::body::ObservedBody;
use super::call::Call;
use super::methods::Purpose;
use super::{Answer, HttpService, Shared};
use crate::request::REQUEST_ID_HEADER;
use crate::telemetry::{CallScope, code_of, propagation};

mod outcome;
mod sampling;

pub(super) use outcome::Outcome;
pub(crate) use sampling::CallerTraces;

/// Adds [`Telemetry`].
#[derive(Debug, Clone)]
pub(super) struct TelemetryLayer {
    shared: Arc<Shared>,
}

impl TelemetryLayer {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl<S> Layer<S> for TelemetryLayer {
    type Service = Telemetry<S>;

    fn layer(&self, inner: S) -> Telemetry<S> {
        Telemetry { shared: Arc::clone(&self.shared), inner }
    }
}

/// Gives each call its correlation id and its span, catches panics, and reports the outcome: once, however it ends.
#[derive(Debug, Clone)]
pub(super) struct Telemetry<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S: HttpService> Service<Request<Body>> for Telemetry<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Answer {
        let method = self.shared.methods.at(request.uri().path());
        let call = Call::arrived(method, request.headers(), &self.shared.limits);
        let outcome = Outcome::begin(&self.shared, call.clone(), self.parent(request.headers(), &call));
        let context = outcome.context().clone();
        request.extensions_mut().insert(call.clone());
        // The layers below do their synchronous part right here; a panic in it is one like any other.
        let inner = context.in_scope(|| catch_unwind(AssertUnwindSafe(|| self.inner.call(request))));
        let work = async move {
            let answered = match inner {
                Ok(inner) => AssertUnwindSafe(inner).catch_unwind().await,
                Err(panic) => Err(panic),
            };
            let response = answered.map_or_else(|panic| after_panic(&call, &panic), |Ok(response)| response);
            Ok(observe(response, &call, outcome))
        };
        Box::pin(context.run(work))
    }
}

impl<S> Telemetry<S> {
    /// The caller's trace, and whose and which call this is, for everything below.
    fn parent(&self, headers: &HeaderMap, call: &Call) -> opentelemetry::Context {
        let caller = propagation::from_headers(headers);
        let caller = match call.method.purpose {
            Purpose::Service => self.shared.caller_traces.limit(caller),
            // They open no spans.
            Purpose::Health | Purpose::Reflection => caller,
        };
        caller.with_value(CallScope {
            service: self.shared.identity.name,
            request_id: Some(Arc::clone(&call.request_id)),
            deadline: call.deadline,
        })
    }
}

/// The panic's text is in the log already: see `telemetry::panics`. The caller learns only that it is a bug.
fn after_panic(call: &Call, _panic: &Box<dyn Any + Send>) -> Response<Body> {
    call.refuse(Failure::internal())
}

/// Echoes the correlation id, and watches for the outcome: in the headers if that is all there is, else in the trailers.
fn observe(mut response: Response<Body>, call: &Call, mut outcome: Outcome) -> Response<Body> {
    if let Ok(id) = HeaderValue::from_str(&call.request_id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, id);
    }
    match code_of(response.headers()) {
        Some(code) => {
            outcome.finish_with(code, response.headers());
            response
        }
        None => response.map(|body| Body::new(ObservedBody::new(body, call.clone(), outcome))),
    }
}
