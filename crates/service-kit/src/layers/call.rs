//! What is known about a call when it arrives.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use rpc_error::{FailedCall, Failure, Reason};
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

use super::methods::{Method, Purpose, Shape};
use crate::clock::{BufferedEntropy, Clock, SystemClock, uuid_v7};
use crate::request::{REQUEST_ID_HEADER, current_trace_id};
use crate::settings::LimitSettings;

/// The longest correlation id that is accepted, in characters.
const REQUEST_ID_CHARS_MAX: usize = 128;

/// The metadata key of a call's time limit.
pub(crate) const GRPC_TIMEOUT_HEADER: &str = "grpc-timeout";

/// One call: made by the outermost layer, read by all others out of the request's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Arc<Method>,
    pub(crate) request_id: Arc<str>,
    /// When the caller stops waiting; none on streams that named no time, but for those of reflection.
    pub(crate) deadline: Option<Instant>,
}

impl Call {
    pub(crate) fn arrived(method: Arc<Method>, headers: &HeaderMap, limits: &LimitSettings) -> Self {
        let deadline = deadline((method.purpose, method.shape), grpc_timeout(headers), limits);
        Self { method, request_id: request_id(headers), deadline }
    }

    /// The status with which this call fails.
    pub(crate) fn status(&self, failure: Failure) -> Status {
        failure.into_status(FailedCall { request_id: &self.request_id, trace_id: &current_trace_id() })
    }

    /// The whole answer of a call that fails before its handler.
    pub(crate) fn refuse(&self, failure: Failure) -> http::Response<Body> {
        let reason = failure.reason();
        let mut response = self.status(failure).into_http();
        response.extensions_mut().insert(Told(reason));
        response
    }
}

/// In the extensions of an answer that this stack has made: why. Nobody has to read it out of the details again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told(pub(super) Reason);

/// The caller's correlation id if it is usable, else a new one.
fn request_id(headers: &HeaderMap) -> Arc<str> {
    let offered =
        headers.get(REQUEST_ID_HEADER).and_then(|value| visible_ascii(value.as_bytes(), REQUEST_ID_CHARS_MAX));
    offered.map_or_else(new_request_id, Arc::from)
}

/// A new correlation id.
pub(crate) fn new_request_id() -> Arc<str> {
    Arc::from(uuid_v7(SystemClock.unix_us(), &BufferedEntropy).to_string())
}

/// The text if it has 1 to `chars_max` characters, all visible ASCII.
pub(super) fn visible_ascii(bytes: &[u8], chars_max: usize) -> Option<&str> {
    let usable = !bytes.is_empty() && bytes.len() <= chars_max && bytes.iter().all(u8::is_ascii_graphic);
    if usable { std::str::from_utf8(bytes).ok() } else { None }
}

fn deadline(kind: (Purpose, Shape), asked: Option<Duration>, limits: &LimitSettings) -> Option<Instant> {
    let now = Instant::now();
    match kind {
        (_, Shape::Unary) => Some(now + asked.unwrap_or(limits.deadline_default).min(limits.deadline_max)),
        // Nobody has to say who they are, and the peer decides when it ends: it must not be able to stay.
        (Purpose::Reflection, Shape::Streaming) => {
            Some(now + asked.unwrap_or(limits.deadline_max).min(limits.deadline_max))
        }
        (Purpose::Service | Purpose::Health, Shape::Streaming) => asked.and_then(|asked| now.checked_add(asked)),
    }
}

/// The `grpc-timeout` of a call; one that cannot be read counts as absent, as everywhere in gRPC.
pub(crate) fn grpc_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT_HEADER)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    // The specification allows 8 digits; more could overflow.
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3_600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeout(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT_HEADER, text.parse().unwrap());
        grpc_timeout(&headers)
    }

    #[test]
    fn timeouts_of_every_unit_are_read() {
        assert_eq!(timeout("2H"), Some(Duration::from_hours(2)));
        assert_eq!(timeout("3M"), Some(Duration::from_mins(3)));
        assert_eq!(timeout("4S"), Some(Duration::from_secs(4)));
        assert_eq!(timeout("5m"), Some(Duration::from_millis(5)));
        assert_eq!(timeout("6u"), Some(Duration::from_micros(6)));
        assert_eq!(timeout("99999999n"), Some(Duration::from_nanos(99_999_999)));
    }

    #[test]
    fn unreadable_timeouts_count_as_absent() {
        for text in ["", "m", "5", "+5m", "-5m", "5x", "123456789m", "5.0S", "5ä"] {
            assert_eq!(timeout_of_bytes(text.as_bytes()), None, "{text:?}");
        }
    }

    fn timeout_of_bytes(bytes: &[u8]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT_HEADER, http::HeaderValue::from_bytes(bytes).unwrap());
        grpc_timeout(&headers)
    }

    #[test]
    fn only_unary_calls_and_reflection_are_capped_and_defaulted() {
        let limits = crate::settings::Settings::defaults().unwrap().limits;
        assert_eq!((limits.deadline_default, limits.deadline_max), (Duration::from_secs(10), Duration::from_mins(1)));
        let left_of = |purpose, shape, asked| {
            let deadline = deadline((purpose, shape), asked, &limits)?;
            Some(deadline.duration_since(Instant::now()).as_secs_f64().round())
        };
        let left = |shape, asked| left_of(Purpose::Service, shape, asked);
        assert_eq!(left(Shape::Unary, None), Some(10.0));
        assert_eq!(left(Shape::Unary, Some(Duration::from_secs(3))), Some(3.0));
        assert_eq!(left(Shape::Unary, Some(Duration::from_hours(1))), Some(60.0));
        assert_eq!(left(Shape::Streaming, None), None);
        assert_eq!(left(Shape::Streaming, Some(Duration::from_hours(1))), Some(3_600.0));
        let reflection = |asked| left_of(Purpose::Reflection, Shape::Streaming, asked);
        assert_eq!(reflection(None), Some(60.0));
        assert_eq!(reflection(Some(Duration::from_secs(3))), Some(3.0));
        assert_eq!(reflection(Some(Duration::from_hours(1))), Some(60.0));
    }
}
