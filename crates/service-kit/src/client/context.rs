//! What every outgoing call carries.

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;
use tonic::service::Interceptor;
use tonic::{Request, Status};

use super::errand::Errand;
use crate::identity::Identity;
use crate::layers::GRPC_TIMEOUT_HEADER;
use crate::request::{ACTOR_ID_HEADER, REQUEST_ID_HEADER};
use crate::settings::{AuthMode, AuthSettings, Secret};
use crate::telemetry::propagation;

/// Writes trace context, correlation id, credentials and deadline into the metadata of a call. What the caller has set
/// stays, except a deadline: of several the first counts.
#[derive(Debug, Clone)]
pub(super) struct ContextInterceptor {
    /// None where actors show who they are.
    actor: Option<HeaderValue>,
    /// Read at each call, so that a rotated one is used at once.
    token: Secret,
}

impl ContextInterceptor {
    pub(super) fn new(identity: Identity, auth: &AuthSettings) -> Self {
        let actor = match auth.mode {
            AuthMode::Insecure => Some(HeaderValue::from_static(identity.name)),
            AuthMode::Jwt | AuthMode::Mtls => None,
        };
        Self { actor, token: auth.token.clone() }
    }

    fn authorize(&self, headers: &mut HeaderMap) {
        if let Some(actor) = &self.actor {
            headers.entry(ACTOR_ID_HEADER).or_insert_with(|| actor.clone());
        }
        if headers.contains_key(AUTHORIZATION) || self.token.is_empty() {
            return;
        }
        // A token that no header can carry is left out: the other side then says that credentials are missing.
        if let Ok(mut value) = self.token.with(|token| HeaderValue::try_from(format!("Bearer {}", token.trim()))) {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
    }
}

impl Interceptor for ContextInterceptor {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        // tonic's metadata is a header map, but hides it: its typed keys would only be in the way here.
        let mut headers = std::mem::take(request.metadata_mut()).into_headers();
        propagation::inject(&mut headers);
        self.authorize(&mut headers);
        if let Some(errand) = request.extensions().get::<Errand>() {
            set_timeout(&mut headers, errand.told());
            if !headers.contains_key(REQUEST_ID_HEADER)
                && let Ok(id) = HeaderValue::from_str(&errand.request_id)
            {
                headers.insert(REQUEST_ID_HEADER, id);
            }
        }
        *request.metadata_mut() = tonic::metadata::MetadataMap::from_headers(headers);
        Ok(request)
    }
}

/// Hands on what is left of the time.
fn set_timeout(headers: &mut HeaderMap, until: Option<Instant>) {
    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
    match left.and_then(grpc_timeout) {
        Some(value) => headers.insert(GRPC_TIMEOUT_HEADER, value),
        None => headers.remove(GRPC_TIMEOUT_HEADER),
    };
}

/// A duration as a `grpc-timeout`: in the finest unit that has room in 8 digits. None for one of years, which is none.
fn grpc_timeout(left: Duration) -> Option<HeaderValue> {
    const DIGITS_MAX: u128 = 99_999_999;
    let units = [(left.as_micros(), 'u'), (left.as_millis(), 'm'), (u128::from(left.as_secs()), 'S')];
    let (count, unit) = units.into_iter().find(|(count, _)| *count <= DIGITS_MAX)?;
    HeaderValue::from_str(&format!("{count}{unit}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(mode: AuthMode) -> AuthSettings {
        AuthSettings { mode, ..crate::settings::Settings::defaults().unwrap().auth }
    }

    fn sent(interceptor: &mut ContextInterceptor) -> HeaderMap {
        interceptor.call(Request::new(())).unwrap().into_parts().0.into_headers()
    }

    const CLERK: Identity = Identity { name: "clerk" };

    #[test]
    fn a_token_is_shown_as_it_is_now_and_never_printed() {
        let auth = auth(AuthMode::Jwt);
        let mut interceptor = ContextInterceptor::new(CLERK, &auth);
        assert!(sent(&mut interceptor).get(AUTHORIZATION).is_none(), "there is none yet");
        auth.token.replace("first-canary\n".to_owned());
        assert_eq!(sent(&mut interceptor)[AUTHORIZATION], "Bearer first-canary");
        auth.token.replace("second-canary".to_owned());
        let headers = sent(&mut interceptor);
        assert_eq!(headers[AUTHORIZATION], "Bearer second-canary");
        assert!(!format!("{interceptor:?} {headers:?}").contains("canary"));
    }

    #[test]
    fn only_where_actors_are_believed_does_a_service_say_who_it_is() {
        let actor = |mode| sent(&mut ContextInterceptor::new(CLERK, &auth(mode))).get(ACTOR_ID_HEADER).cloned();
        assert_eq!(actor(AuthMode::Insecure), Some(HeaderValue::from_static("clerk")));
        assert_eq!((actor(AuthMode::Jwt), actor(AuthMode::Mtls)), (None, None));
    }

    #[test]
    fn timeouts_have_at_most_eight_digits() {
        let text = |left| grpc_timeout(left).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(text(Duration::from_millis(50)).as_deref(), Some("50000u"));
        assert_eq!(text(Duration::from_secs(99)).as_deref(), Some("99000000u"));
        assert_eq!(text(Duration::from_secs(100)).as_deref(), Some("100000m"));
        assert_eq!(text(Duration::from_secs(100_000)).as_deref(), Some("100000S"));
        assert_eq!(text(Duration::from_hours(30 * 365 * 24)), None);
    }
}
