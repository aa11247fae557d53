//! Who asks.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::body::EndingBody;
use super::call::Call;
use super::gatekeeper::{Identified, Turned, peer_address};
use super::methods::{Purpose, Shape};
use super::unread::let_end;
use super::{Answer, HttpService, Shared, call_of};
use crate::access::{Caller, Kind, Refusal, Roles};
use crate::request::RequestMeta;

/// Adds [`Authentication`].
#[derive(Debug, Clone)]
pub(super) struct AuthenticationLayer {
    shared: Arc<Shared>,
}

impl AuthenticationLayer {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl<S> Layer<S> for AuthenticationLayer {
    type Service = Authentication<S>;

    fn layer(&self, inner: S) -> Authentication<S> {
        Authentication { shared: Arc::clone(&self.shared), inner }
    }
}

/// Finds out who asks, and hands the handler its [`RequestMeta`], and the layers below the caller's roles.
#[derive(Debug, Clone)]
pub(super) struct Authentication<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S: HttpService> Service<Request<Body>> for Authentication<S> {
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
        match call.method.purpose {
            Purpose::Service => {}
            Purpose::Health | Purpose::Reflection => {
                return Box::pin(self.inner.call(admitted(request, &call, "", Roles::default())));
            }
        }
        match self.shared.gatekeeper.identify(request.headers(), request.extensions()) {
            Identified::Caller(caller) => Box::pin(self.inner.call(known(request, &call, &caller))),
            Identified::Until(verified) => {
                let shared = Arc::clone(&self.shared);
                let inner = self.inner.call(known(request, &call, &verified.caller));
                Box::pin(async move { Ok(while_valid(inner.await?, &shared, call, verified.until_us)) })
            }
            Identified::Refused(refusal) => {
                let refused = refuse(&self.shared, &call, refusal, peer_address(request.extensions()));
                let_end(request.into_body());
                Box::pin(async { Ok(refused) })
            }
            Identified::Later { token, keys } => self.call_later(request, call, token, keys),
        }
    }
}

impl<S: HttpService> Authentication<S> {
    /// As [`Service::call`], for a token whose key has to be fetched first.
    fn call_later(&self, request: Request<Body>, call: Call, token: String, keys: u64) -> Answer {
        let (shared, mut inner) = (Arc::clone(&self.shared), self.inner.clone());
        Box::pin(async move {
            match shared.gatekeeper.identify_with_newer_keys(&token, keys).await {
                Ok(verified) => {
                    let response = inner.call(known(request, &call, &verified.caller)).await?;
                    Ok(while_valid(response, &shared, call, verified.until_us))
                }
                Err(refusal) => {
                    let refused = refuse(&shared, &call, refusal, peer_address(request.extensions()));
                    let_end(request.into_body());
                    Ok(refused)
                }
            }
        })
    }
}

fn known(request: Request<Body>, call: &Call, caller: &Caller) -> Request<Body> {
    admitted(request, call, &caller.actor, caller.roles)
}

fn admitted(mut request: Request<Body>, call: &Call, actor: &str, roles: Roles) -> Request<Body> {
    let meta = RequestMeta::new(call.request_id.to_string(), actor.to_owned(), call.deadline);
    request.extensions_mut().insert(meta);
    request.extensions_mut().insert(roles);
    request
}

/// Ends the answer of a stream when the credentials that opened it expire: it may last for days, and they must not.
fn while_valid(response: Response<Body>, shared: &Shared, call: Call, until_us: i64) -> Response<Body> {
    match call.method.shape {
        Shape::Unary => response,
        Shape::Streaming => {
            let expiry = shared.gatekeeper.expiry(until_us);
            response.map(|body| Body::new(EndingBody::new(body, call, expiry, || Refusal::Expired.failure())))
        }
    }
}

fn refuse(shared: &Shared, call: &Call, refusal: Refusal, peer: Option<SocketAddr>) -> Response<Body> {
    let failure = refusal.failure();
    // Without keys nothing is known of the credentials: an outage, which the keeper of the keys reports.
    if refusal != Refusal::NoKeys {
        let turned = Turned { actor: None, check: refusal.check(), peer };
        shared.gatekeeper.record(Kind::CredentialsRefused, call, turned, &failure);
    }
    call.refuse(failure)
}
