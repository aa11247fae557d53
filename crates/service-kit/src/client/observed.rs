//! The client's side of a call, as telemetry sees it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::{Request, Response, Uri};
use http_body::{Body as HttpBody, Frame, SizeHint};
use opentelemetry::KeyValue;
use opentelemetry::trace::Status as SpanStatus;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::{Code, Status};
use tower_service::Service;
use tracing::info_span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::timed::Lost;
use crate::identity::Identity;
use crate::telemetry::{CallContext, ClientMetrics, code_name, code_of, names, renamed};

/// Opens a client span around every call, and reports how it ended: in headers, in trailers, or not at all.
#[derive(Debug, Clone)]
pub(super) struct Observed<S> {
    inner: S,
    peer: Arc<Peer>,
}

/// Whom a channel calls.
#[derive(Debug)]
struct Peer {
    /// Who calls.
    identity: Identity,
    metrics: ClientMetrics,
    address: Arc<str>,
    port: i64,
}

impl<S> Observed<S> {
    pub(super) fn new(inner: S, identity: Identity, uri: &Uri) -> Self {
        let address = Arc::from(uri.host().unwrap_or_default());
        let port = i64::from(uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 }));
        Self { inner, peer: Arc::new(Peer { identity, metrics: ClientMetrics::new(identity), address, port }) }
    }
}

impl<S, B> Service<Request<Body>> for Observed<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Lost>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes, Error = Status> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Lost;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Lost>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut outcome = Outcome::begin(&self.peer, request.uri().path());
        let context = outcome.context.clone();
        let inner = context.in_scope(|| self.inner.call(request));
        let work = async move {
            let response = inner.await.inspect_err(|error| outcome.finish(error.code()))?;
            if let Some(code) = code_of(response.headers()) {
                outcome.finish(code);
                return Ok(response.map(Body::new));
            }
            Ok(response.map(|body| Body::new(ObservedBody { body: Body::new(body), outcome })))
        };
        Box::pin(context.run(work))
    }
}

/// Reports the end of a call to span and metrics, once. Dropped without one, we went away ourselves.
#[derive(Debug)]
struct Outcome {
    peer: Arc<Peer>,
    method: Arc<str>,
    context: CallContext,
    begun: Instant,
    finished: bool,
}

impl Outcome {
    fn begin(peer: &Arc<Peer>, path: &str) -> Self {
        let method = Arc::from(path.trim_start_matches('/'));
        let parent = renamed(peer.identity).unwrap_or_else(opentelemetry::Context::current);
        let context = CallContext::open(parent, || {
            info_span!(
                "rpc.client",
                otel.name = &*method,
                otel.kind = "client",
                { names::RPC_SYSTEM_NAME } = names::RPC_SYSTEM_GRPC,
                { names::RPC_METHOD } = &*method,
                { names::SERVER_ADDRESS } = &*peer.address,
                { names::SERVER_PORT } = peer.port,
            )
        });
        Self { peer: Arc::clone(peer), method, context, begun: Instant::now(), finished: false }
    }

    fn finish(&mut self, code: Code) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let attributes = [
            KeyValue::new(names::RPC_SYSTEM_NAME, names::RPC_SYSTEM_GRPC),
            KeyValue::new(names::RPC_METHOD, Arc::clone(&self.method)),
            KeyValue::new(names::RPC_STATUS_CODE, code_name(code)),
            KeyValue::new(names::SERVER_ADDRESS, Arc::clone(&self.peer.address)),
            KeyValue::new(names::SERVER_PORT, self.peer.port),
        ];
        self.peer.metrics.finished(&attributes, self.begun.elapsed());
        let Some(span) = self.context.span() else { return };
        span.set_attribute(names::RPC_STATUS_CODE, code_name(code));
        if code != Code::Ok {
            span.set_attribute(names::ERROR_TYPE, code_name(code));
            span.set_status(SpanStatus::error(code_name(code)));
        }
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        self.finish(Code::Cancelled);
    }
}

/// An answer whose status is still to come.
struct ObservedBody {
    body: Body,
    outcome: Outcome,
}

impl HttpBody for ObservedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(code) = frame.trailers_ref().map(|trailers| code_of(trailers).unwrap_or(Code::Unknown)) {
                    this.outcome.finish(code);
                }
            }
            Some(Err(status)) => this.outcome.finish(status.code()),
            None => this.outcome.finish(Code::Unknown),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
