//! Whether the caller may do what it asks for: before anything is read of it, so that who may not learns nothing about what
//! exists.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::{Request, Response};
use rpc_error::{Failure, Reason};
use tonic::Status;
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::call::Call;
use super::gatekeeper::{Turned, peer_address};
use super::methods::Purpose;
use super::unread::let_end;
use super::{HttpService, Shared, call_of};
use crate::access::{Kind, Permission, Roles};
use crate::request::RequestMeta;

/// Adds [`Authorization`].
#[derive(Debug, Clone)]
pub(super) struct AuthorizationLayer {
    shared: Arc<Shared>,
}

impl AuthorizationLayer {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl<S> Layer<S> for AuthorizationLayer {
    type Service = Authorization<S>;

    fn layer(&self, inner: S) -> Authorization<S> {
        Authorization { shared: Arc::clone(&self.shared), inner }
    }
}

/// Lets those through who have the permission of the method.
#[derive(Debug, Clone)]
pub(super) struct Authorization<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S> Authorization<S> {
    /// The answer, if the call ends here.
    fn refusal(&self, request: &Request<Body>) -> Option<Response<Body>> {
        let Some(call) = call_of(request) else {
            // The outermost layer makes one for every request. Without it nobody knows what is asked for.
            return Some(Status::internal("a request without a call").into_http());
        };
        match call.method.purpose {
            Purpose::Health | Purpose::Reflection => return None,
            Purpose::Service => {}
        }
        let Some(permission) = call.method.permission else {
            // No rule: a method that this server does not have. It is answered here and not by the routes, so that one which
            // they have and the table of methods has not is closed, and not open to everybody.
            return Some(Status::unimplemented("").into_http());
        };
        let roles = request.extensions().get::<Roles>().copied().unwrap_or_default();
        if roles.have(permission) { None } else { Some(self.deny(request, &call, permission)) }
    }

    fn deny(&self, request: &Request<Body>, call: &Call, permission: &'static Permission) -> Response<Body> {
        let failure = denied(call, permission);
        let actor = request.extensions().get::<RequestMeta>().map(|meta| meta.actor.as_str());
        let turned = Turned { actor, check: permission.name, peer: peer_address(request.extensions()) };
        self.shared.gatekeeper.record(Kind::PermissionDenied, call, turned, &failure);
        call.refuse(failure)
    }
}

impl<S: HttpService> Service<Request<Body>> for Authorization<S> {
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

fn denied(call: &Call, permission: &Permission) -> Failure {
    let (method, permission) = (&call.method.name, permission.name);
    let text =
        format!("{method} needs the permission {permission}, which none of your roles has: ask for one that does");
    Failure::new(Reason::PermissionDenied, text)
        .with_metadata("permission", permission)
        .with_metadata("method", method.to_string())
}
