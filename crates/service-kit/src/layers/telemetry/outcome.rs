//! How a call ended.

use std::sync::Arc;
use std::time::Instant;

use opentelemetry::Context;
use opentelemetry::trace::Status;
use tonic::Code;
use tracing::{Span, debug, info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::layers::Shared;
use crate::layers::call::Call;
use crate::layers::methods::Purpose;
use crate::telemetry::names;
use crate::telemetry::{code_name, is_server_fault};

/// Reports the end of a call to span, metrics and log, exactly once. Dropped without one, the caller went away.
#[derive(Debug)]
pub(crate) struct Outcome {
    shared: Arc<Shared>,
    call: Call,
    span: Span,
    begun: Instant,
    finished: bool,
}

impl Outcome {
    /// Opens the span of a call, as a child of `parent`, and counts the call in.
    pub(super) fn begin(shared: &Arc<Shared>, call: Call, parent: Context) -> Self {
        let span = open_span(&call);
        // Without a tracing layer there is nothing that could have a parent.
        let _ = span.set_parent(parent);
        span.in_scope(|| {
            debug!(name: names::REQUEST_STARTED, method = &*call.method.name, "{} begins", call.method.name);
        });
        shared.metrics.begun();
        Self { shared: Arc::clone(shared), call, span, begun: Instant::now(), finished: false }
    }

    pub(crate) const fn span(&self) -> &Span {
        &self.span
    }

    /// The call is over. Only the first time counts.
    pub(crate) fn finish(&mut self, code: Code) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let took = self.begun.elapsed();
        self.shared.metrics.finished(&self.call.method.name, code, took);
        self.span.set_attribute(names::RPC_STATUS_CODE, code_name(code));
        if is_server_fault(code) {
            self.span.set_attribute(names::ERROR_TYPE, code_name(code));
            self.span.set_status(Status::error(code_name(code)));
        }
        self.span.in_scope(|| self.log(code, took.as_secs_f64() * 1_000.0));
    }

    fn log(&self, code: Code, duration_ms: f64) {
        let method = &*self.call.method.name;
        let (code, request_id) = (code_name(code), &*self.call.request_id);
        match self.call.method.purpose {
            Purpose::Service => {
                info!(name: names::REQUEST_FINISHED, method, code, duration_ms, request_id, "{method}: {code}");
            }
            // Asked every few seconds by machines, and by tools before each call of a person.
            Purpose::Health | Purpose::Reflection => {
                debug!(name: names::REQUEST_FINISHED, method, code, duration_ms, request_id, "{method}: {code}");
            }
        }
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        self.finish(Code::Cancelled);
    }
}

fn open_span(call: &Call) -> Span {
    match call.method.purpose {
        Purpose::Service => info_span!(
            "rpc.server",
            otel.name = &*call.method.name,
            otel.kind = "server",
            { names::RPC_SYSTEM_NAME } = names::RPC_SYSTEM_GRPC,
            { names::RPC_METHOD } = &*call.method.name,
            { names::REQUEST_ID } = &*call.request_id,
        ),
        // A trace of every probe would be most of what Jaeger shows; and a tool that asks for the schema sends the metadata
        // of the call that it is about to make, so that a span of it would be a second root in the caller's trace.
        Purpose::Health | Purpose::Reflection => Span::none(),
    }
}
