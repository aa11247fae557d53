//! One attempt at a call: in time, and to its end.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout_at;
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::{Code, TimeoutExpired};
use tower::ServiceExt;
use tower_service::Service;

use super::errand::{Errand, Limit};
use super::failure::causes;
use super::policy::Shape;
use crate::telemetry::code_of;

/// Why an attempt has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// There was none in time.
    #[error("no answer in time")]
    TimedOut(Limit),
    /// There was no connection, or it broke, or it broke the protocol.
    #[error("no answer")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// The answer exceeds what is read.
    #[error("the answer is larger than {bytes_max} bytes")]
    TooLarge {
        /// The bound.
        bytes_max: usize,
    },
}

impl Lost {
    /// The code that stands for it.
    pub(super) const fn code(&self) -> Code {
        match self {
            Self::TimedOut(_) => Code::DeadlineExceeded,
            Self::Unreachable(_) => Code::Unavailable,
            Self::TooLarge { .. } => Code::OutOfRange,
        }
    }
}

/// Makes one attempt within the limit of its [`Errand`]: a unary call until its status, a stream until its first headers.
///
/// tonic's own time-outs answer CANCELLED, and forget the body. The status of a unary call always stands in the headers of the
/// answer: whoever decides about another attempt need not read on.
#[derive(Debug, Clone)]
pub(super) struct Timed {
    channel: Channel,
    /// The largest unary answer that is read, in bytes.
    bytes_max: usize,
}

impl Timed {
    pub(super) const fn new(channel: Channel, bytes_max: usize) -> Self {
        Self { channel, bytes_max }
    }
}

impl Service<Request<Body>> for Timed {
    type Response = Response<Body>;
    type Error = Lost;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Lost>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        // The channel is waited for within the limit: it is not ready while it connects.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self { channel, bytes_max } = self.clone();
        Box::pin(async move {
            let Some(Errand { shape, call_timeout, deadline, .. }) = request.extensions().get().cloned() else {
                return Err(Lost::Unreachable("a call was made past its channel, which is a bug".into()));
            };
            let limit = Limit::of(deadline, call_timeout);
            let attempt = async {
                let response = channel.oneshot(request).await.map_err(|error| lost(error.into(), limit))?;
                match shape {
                    Shape::Stream => Ok(response),
                    Shape::Repeatable | Shape::Once => whole(response, bytes_max, limit).await,
                }
            };
            timeout_at(limit.until, attempt).await.unwrap_or(Err(Lost::TimedOut(limit)))
        })
    }
}

/// Reads a unary answer to its end. A failure in trailers becomes one in headers.
async fn whole(response: Response<Body>, bytes_max: usize, limit: Limit) -> Result<Response<Body>, Lost> {
    if code_of(response.headers()).is_some() {
        return Ok(response);
    }
    let (mut head, body) = response.into_parts();
    let body = Limited::new(body, bytes_max).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { Lost::TooLarge { bytes_max } } else { lost(error, limit) }
    })?;
    match body.trailers().map(|trailers| (code_of(trailers), trailers)) {
        Some((Some(Code::Ok), _)) => Ok(Response::from_parts(head, Body::new(body.map_err(never)))),
        Some((Some(_), trailers)) => {
            head.headers.extend(trailers.clone());
            Ok(Response::from_parts(head, Body::empty()))
        }
        Some((None, _)) | None => Err(Lost::Unreachable("the answer ended without a status".into())),
    }
}

fn never(never: Infallible) -> tonic::Status {
    match never {}
}

fn lost(error: Box<dyn Error + Send + Sync>, limit: Limit) -> Lost {
    // tonic minds the same deadline: in the rare case that its timer comes first, it is the same time that is up.
    if causes(&*error).any(<dyn Error>::is::<TimeoutExpired>) {
        Lost::TimedOut(limit)
    } else {
        Lost::Unreachable(error)
    }
}
