//! How a call ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::Status as SpanStatus;
use rpc_error::{Prepared, Reason};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tracing::{Span, debug, info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::layers::Shared;
use crate::layers::call::Call;
use crate::layers::methods::Purpose;
use crate::telemetry::{CallContext, code_name, is_server_fault, names};

/// Reports the end of a call to span, metrics and log, exactly once. Dropped without one, the caller went away.
#[derive(Debug)]
pub(crate) struct Outcome {
    shared: Arc<Shared>,
    call: Call,
    context: CallContext,
    begun: Instant,
    finished: bool,
}

impl Outcome {
    /// Opens the span of a call, as a child of `parent`, if its trace is kept, and counts the call in.
    pub(super) fn begin(shared: &Arc<Shared>, call: Call, parent: Context) -> Self {
        let context = open(&call, parent);
        context.in_scope(|| {
            debug!(name: names::REQUEST_STARTED, method = &*call.method.name, request_id = &*call.request_id, "{} begins", call.method.name);
        });
        shared.metrics.begun();
        Self { shared: Arc::clone(shared), call, context, begun: Instant::now(), finished: false }
    }

    pub(crate) const fn context(&self) -> &CallContext {
        &self.context
    }

    /// The call is over. Only the first time counts.
    pub(crate) fn finish(&mut self, code: Code) {
        self.finish_as(code, None);
    }

    /// The call is over, with the status in these headers or trailers.
    pub(crate) fn finish_with(&mut self, code: Code, status: &HeaderMap) {
        let reason = if code == Code::Ok { None } else { reason_in(status) };
        self.finish_as(code, reason.as_deref());
    }

    /// The call is over, for a reason that is known.
    pub(super) fn finish_told(&mut self, code: Code, reason: Reason) {
        self.finish_as(code, Some(reason.as_str()));
    }

    fn finish_as(&mut self, code: Code, reason: Option<&str>) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let took = self.begun.elapsed();
        self.shared.metrics.finished(&self.call.method.name, code, took);
        if let Some(span) = self.context.span() {
            mark(span, code);
        }
        self.context.in_scope(|| log_end(&self.shared, &self.call, code, reason, took));
    }
}

/// Reports a call that was not let in, inside its context.
pub(super) fn report_refused(shared: &Shared, call: &Call, refusal: &Prepared, took: Duration) {
    let (method, code) = (&call.method.name, refusal.code());
    debug!(name: names::REQUEST_STARTED, method = &**method, request_id = &*call.request_id, "{method} begins");
    shared.metrics.refused(method, code, took);
    log_end(shared, call, code, Some(refusal.reason().as_str()), took);
}

/// What a server says most often when it is told too much: some lines then stand for all. The metrics have each.
const FLOODS: [Reason; 4] = [Reason::Overloaded, Reason::RateLimited, Reason::QueueFull, Reason::Draining];

fn log_end(shared: &Shared, call: &Call, code: Code, reason: Option<&str>, took: Duration) {
    let flood = reason.and_then(|reason| FLOODS.into_iter().find(|flood| flood.as_str() == reason));
    // None: this line is left out. Some of none: nothing was left out before it.
    let suppressed = match flood {
        Some(flood) => {
            shared.refusal_lines.admit(flood.as_str(), Instant::now()).map(|count| (count > 0).then_some(count))
        }
        None => Some(None),
    };
    let Some(suppressed) = suppressed else { return };
    let (method, duration_ms) = (&*call.method.name, took.as_secs_f64() * 1_000.0);
    let (outcome, error_type) = (outcome_of(code), (code != Code::Ok).then(|| code_name(code)));
    let (code, request_id) = (code_name(code), &*call.request_id);
    match call.method.purpose {
        Purpose::Service => {
            info!(name: names::REQUEST_FINISHED, method, code, outcome, duration_ms, request_id,
                error.type = error_type, reason, suppressed, "{method}: {code}");
        }
        // Asked every few seconds by machines, and by tools before each call of a person.
        Purpose::Health | Purpose::Reflection => {
            debug!(name: names::REQUEST_FINISHED, method, code, outcome, duration_ms, request_id,
                error.type = error_type, reason, suppressed, "{method}: {code}");
        }
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        self.finish(Code::Cancelled);
    }
}

/// How a call ended, in one of four words.
const fn outcome_of(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        _ if is_server_fault(code) => "failed",
        Code::Unknown
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => "refused",
    }
}

/// The reason in a status that this process has written: all of ours have one.
fn reason_in(status: &HeaderMap) -> Option<String> {
    let info = Status::from_header_map(status)?.get_details_error_info()?;
    Some(info.reason)
}

fn mark(span: &Span, code: Code) {
    span.set_attribute(names::RPC_STATUS_CODE, code_name(code));
    if is_server_fault(code) {
        span.set_attribute(names::ERROR_TYPE, code_name(code));
        span.set_status(SpanStatus::error(code_name(code)));
    }
}

fn open(call: &Call, parent: Context) -> CallContext {
    match call.method.purpose {
        Purpose::Service => CallContext::open(parent, || {
            info_span!(
                "rpc.server",
                otel.name = &*call.method.name,
                otel.kind = "server",
                { names::RPC_SYSTEM_NAME } = names::RPC_SYSTEM_GRPC,
                { names::RPC_METHOD } = &*call.method.name,
                { names::REQUEST_ID } = &*call.request_id,
            )
        }),
        // A trace of every probe would be most of what Jaeger shows; and a tool that asks for the schema sends the metadata
        // of the call that it is about to make, so that a span of it would be a second root in the caller's trace.
        Purpose::Health | Purpose::Reflection => CallContext::without_span(&parent),
    }
}
