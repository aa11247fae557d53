//! Statuses that arise below the handlers, made like ours.
//!
//! tonic answers undecodable or oversized messages and unknown methods by itself, with codes of its own and no details.
//! Every status that carries no `ErrorInfo` is rebuilt here, in headers and in trailers.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower_layer::Layer;
use tower_service::Service;

use super::body::RewrittenBody;
use super::call::{Call, Told};
use super::methods::Purpose;
use super::{Answer, HttpService, Shared, call_of};
use crate::telemetry::code_of;

mod rebuilt;

/// The longest message of a status that is not ours, in bytes: reflection repeats what it was asked for, and an answer with more
/// metadata than a client takes costs it the connection.
const FOREIGN_MESSAGE_BYTES_MAX: usize = 1_024;

/// Adds [`Enrichment`].
#[derive(Debug, Clone)]
pub(super) struct EnrichmentLayer {
    shared: Arc<Shared>,
}

impl EnrichmentLayer {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl<S> Layer<S> for EnrichmentLayer {
    type Service = Enrichment<S>;

    fn layer(&self, inner: S) -> Enrichment<S> {
        Enrichment { shared: Arc::clone(&self.shared), inner }
    }
}

/// Rebuilds the statuses that are not ours.
#[derive(Debug, Clone)]
pub(super) struct Enrichment<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S: HttpService> Service<Request<Body>> for Enrichment<S> {
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
        let path = request.uri().path().to_owned();
        let message_bytes = self.shared.limits.message_bytes;
        let inner = self.inner.call(request);
        Box::pin(async move {
            let mut response = inner.await?;
            let rewrite = move |headers: &mut HeaderMap| enrich(headers, &call, &path, message_bytes);
            if response.extensions().get::<Told>().is_some() {
                Ok(response)
            } else if code_of(response.headers()).is_some() {
                rewrite(response.headers_mut());
                Ok(response)
            } else {
                Ok(response.map(|body| Body::new(RewrittenBody::new(body, rewrite))))
            }
        })
    }
}

/// Rebuilds the status in a header block or in trailers, if it is an error without an `ErrorInfo`.
fn enrich(headers: &mut HeaderMap, call: &Call, path: &str, message_bytes: usize) {
    if matches!(code_of(headers), None | Some(Code::Ok)) {
        return;
    }
    // Written by the tonic in this process: its details are valid base64.
    let Some(status) = Status::from_header_map(headers) else {
        return;
    };
    if status.get_details_error_info().is_some() {
        return;
    }
    if belongs_to_protocol(call, status.code()) {
        shorten(headers, &status);
        return;
    }
    let failure = rebuilt::failure(&status, path, message_bytes);
    rebuilt::log_if_unexpected(&failure, &status);
    headers.remove(Status::GRPC_MESSAGE);
    headers.remove(Status::GRPC_STATUS_DETAILS);
    // On failure the code stands already, and the rest is only explanation.
    let _ = call.status(failure).add_header(headers);
}

/// The protocols of health and reflection say which codes mean what, and none of them means these: they arise below, such as
/// for a message that cannot be decoded. Whoever sends nonsense is told so, and is no error of the server.
fn belongs_to_protocol(call: &Call, code: Code) -> bool {
    let arises_below = matches!(code, Code::Internal | Code::Unknown | Code::OutOfRange | Code::Cancelled);
    match call.method.purpose {
        Purpose::Health | Purpose::Reflection => !arises_below,
        Purpose::Service => false,
    }
}

/// Leaves the status as it is, and of its message the beginning.
fn shorten(headers: &mut HeaderMap, status: &Status) {
    let message = status.message();
    if message.len() > FOREIGN_MESSAGE_BYTES_MAX {
        let beginning = &message[..message.floor_char_boundary(FOREIGN_MESSAGE_BYTES_MAX)];
        headers.remove(Status::GRPC_MESSAGE);
        // On failure the code stands already, and the rest is only explanation.
        let _ = Status::new(status.code(), beginning).add_header(headers);
    }
}
