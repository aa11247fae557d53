//! Answers' bodies, wrapped: what a call does after its headers, and how it ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use rpc_error::Failure;
use tokio::time::Sleep;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::{Code, Status};

use super::call::Call;
use super::telemetry::Outcome;
use crate::telemetry::code_of;

type Polled = Poll<Option<Result<Frame<Bytes>, Status>>>;

/// Runs a body in its call's span, survives its panics, and reports the code in its trailers.
pub(super) struct ObservedBody {
    body: Body,
    call: Call,
    outcome: Outcome,
    over: bool,
}

impl ObservedBody {
    pub(super) const fn new(body: Body, call: Call, outcome: Outcome) -> Self {
        Self { body, call, outcome, over: false }
    }
}

impl HttpBody for ObservedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        let _inside = this.outcome.context().enter();
        let body = Pin::new(&mut this.body);
        let Ok(polled) = catch_unwind(AssertUnwindSafe(|| body.poll_frame(cx))) else {
            this.over = true;
            this.outcome.finish(Code::Internal);
            return Poll::Ready(Some(Ok(trailers(&this.call.status(Failure::internal())))));
        };
        let frame = ready!(polled);
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.outcome.finish_with(code_of(trailers).unwrap_or(Code::Unknown), trailers);
                }
            }
            Some(Err(status)) => this.outcome.finish(status.code()),
            // An end without a status is none that gRPC knows.
            None => this.outcome.finish(Code::Unknown),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Rewrites the trailers of a body.
pub(super) struct RewrittenBody<F> {
    body: Body,
    rewrite: F,
}

impl<F> RewrittenBody<F> {
    pub(super) const fn new(body: Body, rewrite: F) -> Self {
        Self { body, rewrite }
    }
}

impl<F: FnMut(&mut HeaderMap) + Unpin> HttpBody for RewrittenBody<F> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = self.get_mut();
        let mut frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if let Some(Ok(frame)) = &mut frame
            && let Some(trailers) = frame.trailers_mut()
        {
            (this.rewrite)(trailers);
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

/// Keeps something for as long as the body lasts.
pub(super) struct HoldingBody<T> {
    body: Body,
    _held: T,
}

impl<T> HoldingBody<T> {
    pub(super) const fn new(body: Body, held: T) -> Self {
        Self { body, _held: held }
    }
}

impl<T: Unpin> HttpBody for HoldingBody<T> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Ends a body when a moment comes, with a failure: at the deadline of its call, or at a shutdown.
pub(super) struct EndingBody<E> {
    /// None once it is over.
    body: Option<Body>,
    call: Call,
    end: Pin<Box<E>>,
    failure: fn() -> Failure,
}

impl<E> EndingBody<E> {
    pub(super) fn new(body: Body, call: Call, end: E, failure: fn() -> Failure) -> Self {
        Self { body: Some(body), call, end: Box::pin(end), failure }
    }
}

impl<E: Future<Output = ()>> HttpBody for EndingBody<E> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = self.get_mut();
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        // First: a body that always has more would never end otherwise.
        if this.end.as_mut().poll(cx).is_pending() {
            return Pin::new(body).poll_frame(cx);
        }
        this.body = None;
        Poll::Ready(Some(Ok(trailers(&this.call.status((this.failure)())))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }
}

/// A request's body that must have come by a moment, or fails.
pub(super) struct PunctualBody {
    body: Body,
    call: Call,
    due: Pin<Box<Sleep>>,
    failure: fn() -> Failure,
}

impl PunctualBody {
    pub(super) fn new(body: Body, call: Call, due: Sleep, failure: fn() -> Failure) -> Self {
        Self { body, call, due: Box::pin(due), failure }
    }
}

impl HttpBody for PunctualBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        ready!(this.due.as_mut().poll(cx));
        Poll::Ready(Some(Err(this.call.status((this.failure)()))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A status as the last frame of a body.
fn trailers(status: &Status) -> Frame<Bytes> {
    let mut headers = HeaderMap::new();
    // Our own statuses have texts that can be headers; if one had not, the code alone still says enough.
    if status.add_header(&mut headers).is_err() {
        headers.insert(Status::GRPC_STATUS, http::HeaderValue::from(i32::from(status.code())));
    }
    Frame::trailers(headers)
}
