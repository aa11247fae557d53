//! Whether the caller asks too often.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::{Request, Response};
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::gatekeeper::{Turned, peer_address};
use super::methods::Purpose;
use super::unread::let_end;
use super::{HttpService, Shared, call_of};
use crate::access::Kind;
use crate::request::RequestMeta;

mod accounts;

use accounts::CAUSE;
pub(super) use accounts::CallerRates;

/// Adds [`Rate`].
#[derive(Debug, Clone)]
pub(super) struct RateLayer {
    shared: Arc<Shared>,
}

impl RateLayer {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl<S> Layer<S> for RateLayer {
    type Service = Rate<S>;

    fn layer(&self, inner: S) -> Rate<S> {
        Rate { shared: Arc::clone(&self.shared), inner }
    }
}

/// Lets a caller through as often as it may come. A stream counts once, when it is opened.
#[derive(Debug, Clone)]
pub(super) struct Rate<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S> Rate<S> {
    /// The answer, if the call ends here.
    fn refusal(&self, request: &Request<Body>) -> Option<Response<Body>> {
        let rates = self.shared.gatekeeper.rates.as_ref()?;
        let call = call_of(request)?;
        match call.method.purpose {
            Purpose::Health | Purpose::Reflection => return None,
            Purpose::Service => {}
        }
        let actor = request.extensions().get::<RequestMeta>()?.actor.as_str();
        let failure = rates.failure(rates.count(actor).err()?);
        let turned = Turned { actor: Some(actor), check: CAUSE, peer: peer_address(request.extensions()) };
        self.shared.gatekeeper.record(Kind::RateLimited, &call, turned, &failure);
        self.shared.metrics.shed(CAUSE);
        Some(call.refuse(failure))
    }
}

impl<S: HttpService> Service<Request<Body>> for Rate<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.refusal(&request) {
            None => Either::Left(self.inner.call(request)),
            Some(refusal) => {
                let_end(request.into_body());
                Either::Right(ready(Ok(refusal)))
            }
        }
    }
}
