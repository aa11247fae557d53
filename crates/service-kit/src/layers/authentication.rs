//! Who asks.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use rpc_error::{Failure, Reason};
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;
use tracing::warn;

use super::call::{Call, visible_ascii};
use super::methods::Purpose;
use super::{Answer, HttpService, call_of};
use crate::request::{ACTOR_ID_HEADER, RequestMeta};
use crate::settings::AuthMode;
use crate::telemetry::names;

/// The longest actor, in characters.
const ACTOR_CHARS_MAX: usize = 128;

/// Adds [`Authentication`].
#[derive(Debug, Clone, Copy)]
pub(super) struct AuthenticationLayer {
    mode: AuthMode,
}

impl AuthenticationLayer {
    pub(super) const fn new(mode: AuthMode) -> Self {
        Self { mode }
    }
}

impl<S> Layer<S> for AuthenticationLayer {
    type Service = Authentication<S>;

    fn layer(&self, inner: S) -> Authentication<S> {
        Authentication { mode: self.mode, inner }
    }
}

/// Finds out who asks, and hands the handler its [`RequestMeta`].
#[derive(Debug, Clone)]
pub(super) struct Authentication<S> {
    mode: AuthMode,
    inner: S,
}

impl<S> Authentication<S> {
    fn actor(&self, call: &Call, headers: &HeaderMap) -> Result<String, Failure> {
        match (call.method.purpose, self.mode) {
            (Purpose::Health | Purpose::Reflection, AuthMode::Insecure) => Ok(String::new()),
            (Purpose::Service, AuthMode::Insecure) => actor_as_said(headers),
            (_, AuthMode::Jwt | AuthMode::Mtls) => Err(Failure::internal()),
        }
    }
}

impl<S: HttpService> Service<Request<Body>> for Authentication<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Answer {
        let Some(call) = call_of(&request) else {
            return Box::pin(self.inner.call(request));
        };
        match self.actor(&call, request.headers()) {
            Ok(actor) => {
                let meta = RequestMeta::new(call.request_id.to_string(), actor, call.deadline);
                request.extensions_mut().insert(meta);
                Box::pin(self.inner.call(request))
            }
            Err(failure) => {
                log(&call, &failure);
                let refusal = call.refuse(failure);
                Box::pin(async { Ok(refusal) })
            }
        }
    }
}

/// The actor that the caller claims to be, and is believed to be.
fn actor_as_said(headers: &HeaderMap) -> Result<String, Failure> {
    let mut said = headers.get_all(ACTOR_ID_HEADER).iter();
    let malformed = || {
        let text = format!(
            "the metadata key {ACTOR_ID_HEADER} must be one name of 1 to {ACTOR_CHARS_MAX} visible ASCII characters"
        );
        Failure::new(Reason::CredentialsInvalid, text).with_metadata("header", ACTOR_ID_HEADER)
    };
    let Some(value) = said.next() else {
        let text = format!("the call does not say who makes it: send the metadata key {ACTOR_ID_HEADER}");
        return Err(Failure::new(Reason::CredentialsMissing, text).with_metadata("header", ACTOR_ID_HEADER));
    };
    let name = visible_ascii(value.as_bytes(), ACTOR_CHARS_MAX).ok_or_else(malformed)?;
    if said.next().is_some() { Err(malformed()) } else { Ok(name.to_owned()) }
}

fn log(call: &Call, failure: &Failure) {
    warn!(
        name: names::CREDENTIALS_REFUSED,
        actor = "none",
        action = &*call.method.name,
        reason = failure.reason().as_str(),
        "{} refused: {}",
        call.method.name,
        failure.reason().as_str()
    );
}
