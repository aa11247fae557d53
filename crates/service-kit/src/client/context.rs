//! What every outgoing call carries.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use rpc_error::{FailedCall, Failure, Reason};
use tokio::time::Instant;
use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::identity::Identity;
use crate::layers::{GRPC_TIMEOUT_HEADER, new_request_id};
use crate::request::{ACTOR_ID_HEADER, REQUEST_ID_HEADER, RequestMeta, current_trace_id};
use crate::telemetry::{CallScope, propagation};

/// Writes trace context, correlation id, actor and deadline into the metadata of a call.
///
/// Correlation id and deadline are those of a [`RequestMeta`] in the call's extensions, or else of the request in whose
/// span the call is made; without either the id is new, and there is no deadline. What the caller has set stays.
#[derive(Debug, Clone)]
pub struct ContextInterceptor {
    actor: HeaderValue,
}

impl ContextInterceptor {
    pub(super) const fn new(identity: Identity) -> Self {
        Self { actor: HeaderValue::from_static(identity.name) }
    }
}

impl Interceptor for ContextInterceptor {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let (request_id, deadline) = origin(&request);
        // tonic's metadata is a header map, but hides it: its typed keys would only be in the way here.
        let mut headers = std::mem::take(request.metadata_mut()).into_headers();
        propagation::inject(&mut headers);
        headers.entry(ACTOR_ID_HEADER).or_insert_with(|| self.actor.clone());
        set_deadline(&mut headers, deadline, &request_id)?;
        if !headers.contains_key(REQUEST_ID_HEADER)
            && let Ok(id) = HeaderValue::from_str(&request_id)
        {
            headers.insert(REQUEST_ID_HEADER, id);
        }
        *request.metadata_mut() = tonic::metadata::MetadataMap::from_headers(headers);
        Ok(request)
    }
}

/// The request on whose behalf a call is made: its id and its deadline.
fn origin(request: &Request<()>) -> (String, Option<Instant>) {
    if let Some(meta) = request.extensions().get::<RequestMeta>() {
        return (meta.request_id.clone(), Some(meta.deadline));
    }
    let scope = CallScope::current();
    let deadline = scope.as_ref().and_then(|scope| scope.deadline);
    let id = scope.and_then(|scope| scope.request_id).unwrap_or_else(new_request_id);
    (id.to_string(), deadline)
}

/// Hands on what is left of a deadline; with nothing left the call is not made.
fn set_deadline(headers: &mut HeaderMap, deadline: Option<Instant>, request_id: &str) -> Result<(), Status> {
    let Some(deadline) = deadline else { return Ok(()) };
    if headers.contains_key(GRPC_TIMEOUT_HEADER) {
        return Ok(());
    }
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        let failure =
            Failure::new(Reason::DeadlineExceeded, "the deadline passed before another service could be asked");
        return Err(failure.into_status(FailedCall { request_id, trace_id: &current_trace_id() }));
    }
    if let Some(value) = grpc_timeout(left) {
        headers.insert(GRPC_TIMEOUT_HEADER, value);
    }
    Ok(())
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
