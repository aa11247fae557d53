//! What a call belongs to, and how it ended.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Instant;

use futures_util::FutureExt;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response};
use opentelemetry::Context;
use rpc_error::{FailedCall, Failure, Prepared};
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::body::ObservedBody;
use super::call::{Call, Told};
use super::methods::Purpose;
use super::{Answer, HttpService, Shared, call_of};
use crate::request::{REQUEST_ID_HEADER, current_trace_id};
use crate::telemetry::{CallContext, CallScope, code_of, propagation};

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

/// Gives each call its span, catches panics, and reports the outcome: once, however it ends.
#[derive(Debug, Clone)]
pub(super) struct Telemetry<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S: HttpService> Service<Request<Body>> for Telemetry<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let Some(call) = call_of(&request) else {
            return Box::pin(self.inner.call(request));
        };
        let caller = self.caller(request.headers(), &call);
        let outcome = Outcome::begin(&self.shared, call.clone(), caller.with_value(scope(&self.shared, &call)));
        let context = outcome.context().clone();
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
    /// The caller's trace.
    fn caller(&self, headers: &HeaderMap, call: &Call) -> Context {
        let caller = propagation::from_headers(headers);
        match call.method.purpose {
            Purpose::Service => self.shared.caller_traces.limit(caller),
            // They open no spans.
            Purpose::Health | Purpose::Reflection => caller,
        }
    }
}

/// Whose and which call this is, for everything below.
fn scope(shared: &Shared, call: &Call) -> CallScope {
    CallScope { service: shared.identity.name, request_id: Some(Arc::clone(&call.request_id)), deadline: call.deadline }
}

/// The answer to a call that is not let in, reported as every other, but without a span: there was no work.
pub(super) fn refused(shared: &Shared, call: &Call, headers: &HeaderMap, refusal: &Prepared) -> Response<Body> {
    let begun = Instant::now();
    let caller = propagation::from_headers(headers).with_value(scope(shared, call));
    let _inside = CallContext::without_span(&caller).enter();
    let told = FailedCall { request_id: &call.request_id, trace_id: &current_trace_id() };
    let mut response = Response::new(Body::default());
    *response.headers_mut() = refusal.headers(told);
    response.headers_mut().insert(CONTENT_TYPE, GRPC);
    add_request_id(response.headers_mut(), call);
    outcome::report_refused(shared, call, refusal, begun.elapsed());
    response
}

/// The content type of every answer.
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// The panic's text is in the log already: see `telemetry::panics`. The caller learns only that it is a bug.
fn after_panic(call: &Call, _panic: &Box<dyn Any + Send>) -> Response<Body> {
    call.refuse(Failure::internal())
}

/// Echoes the correlation id, and watches for the outcome: in the headers if that is all there is, else in the trailers.
fn observe(mut response: Response<Body>, call: &Call, mut outcome: Outcome) -> Response<Body> {
    add_request_id(response.headers_mut(), call);
    match code_of(response.headers()) {
        Some(code) => {
            match response.extensions().get::<Told>() {
                Some(Told(reason)) => outcome.finish_told(code, *reason),
                None => outcome.finish_with(code, response.headers()),
            }
            response
        }
        None => response.map(|body| Body::new(ObservedBody::new(body, call.clone(), outcome))),
    }
}

fn add_request_id(headers: &mut HeaderMap, call: &Call) {
    if let Ok(id) = HeaderValue::from_str(&call.request_id) {
        headers.insert(REQUEST_ID_HEADER, id);
    }
}
