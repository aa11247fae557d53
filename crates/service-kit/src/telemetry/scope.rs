//! Who is speaking, and for which request: carried by the OpenTelemetry context, so that every span, log line and
//! outgoing call below knows it.

use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};

use opentelemetry::context::FutureExt;
use opentelemetry::trace::{SpanBuilder, Tracer, TracerProvider};
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span};
use tokio::time::Instant;

use crate::identity::Identity;
use crate::telemetry::propagation;

/// The value that contexts carry. Children inherit it: `tracing_opentelemetry` derives a child's context from its
/// parent's.
#[derive(Debug, Clone)]
pub(crate) struct CallScope {
    /// The service that speaks.
    pub(crate) service: &'static str,
    /// The correlation id of the request that is worked on.
    pub(crate) request_id: Option<Arc<str>>,
    /// When its answer is no longer of use.
    pub(crate) deadline: Option<Instant>,
}

impl CallScope {
    /// The scope of what runs now.
    pub(crate) fn current() -> Option<Self> {
        Context::map_current(|cx| cx.get::<Self>().cloned())
    }
}

/// Runs a service's background work under its name: its spans get the service's instrumentation scope, its log lines the
/// service's name.
pub fn scoped<F: Future>(identity: Identity, work: F) -> impl Future<Output = F::Output> {
    work.with_context(Context::current().with_value(background(identity)))
}

/// What runs now, but in the name of `identity`; none if it is so already.
pub(crate) fn renamed(identity: Identity) -> Option<Context> {
    let scope = match CallScope::current() {
        Some(scope) if scope.service == identity.name => return None,
        Some(scope) => CallScope { service: identity.name, ..scope },
        None => background(identity),
    };
    Some(Context::current().with_value(scope))
}

/// The parent for a span that continues the trace of a stored `traceparent`, in the name of `identity`.
///
/// For consumers: `let _ = span.set_parent(remote_parent(identity, &event.traceparent))` before the span is entered. An
/// unusable `traceparent` gives a parent without a trace, so that the span begins one.
pub fn remote_parent(identity: Identity, traceparent: &str) -> Context {
    propagation::from_traceparent(traceparent).with_value(background(identity))
}

/// Like [`remote_parent`], and the log lines below also carry the id of the request that caused it all.
pub fn remote_request(identity: Identity, traceparent: &str, request_id: &str) -> Context {
    let scope = CallScope { request_id: Some(Arc::from(request_id)), ..background(identity) };
    propagation::from_traceparent(traceparent).with_value(scope)
}

const fn background(identity: Identity) -> CallScope {
    CallScope { service: identity.name, request_id: None, deadline: None }
}

/// A tracer that speaks under the name of the service in the parent's context, so that the services of one process
/// have an instrumentation scope each.
#[derive(Debug)]
pub(crate) struct ScopedTracer {
    provider: SdkTracerProvider,
    version: String,
    of_process: SdkTracer,
    of_services: RwLock<Vec<(&'static str, SdkTracer)>>,
}

impl ScopedTracer {
    /// A tracer that speaks as `process` where no service does.
    pub(crate) fn new(provider: SdkTracerProvider, process: &str, version: &str) -> Self {
        let of_process = provider.tracer_with_scope(instrumentation(process.to_owned(), version));
        Self { provider, version: version.to_owned(), of_process, of_services: RwLock::default() }
    }

    fn of_service(&self, name: &'static str) -> SdkTracer {
        let known = self.of_services.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(known, _)| *known == name).map(|(_, tracer)| tracer.clone());
        drop(known);
        found.unwrap_or_else(|| {
            let tracer = self.provider.tracer_with_scope(instrumentation(name.to_owned(), &self.version));
            let mut known = self.of_services.write().unwrap_or_else(PoisonError::into_inner);
            known.push((name, tracer.clone()));
            tracer
        })
    }
}

impl Tracer for ScopedTracer {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Span {
        match parent.get::<CallScope>() {
            Some(scope) => self.of_service(scope.service).build_with_context(builder, parent),
            None => self.of_process.build_with_context(builder, parent),
        }
    }
}

fn instrumentation(name: String, version: &str) -> InstrumentationScope {
    InstrumentationScope::builder(name).with_version(version.to_owned()).build()
}
