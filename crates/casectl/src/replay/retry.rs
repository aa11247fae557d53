//! What is worth another attempt, and when to make it.

use std::time::Duration;

use service_kit::clock::Entropy;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The reason of a refusal that no waiting changes, although its code says otherwise.
const MESSAGE_TOO_LARGE: &str = "MESSAGE_TOO_LARGE";

/// When to try again, and when to give up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait before the second attempt. The limit doubles from attempt to attempt.
    pub first: Duration,
    /// The longest wait of all, besides what the server asks for.
    pub max: Duration,
    /// How long one attempt may take.
    pub attempt_timeout: Duration,
    /// How long one command is tried before the replay stops.
    pub patience: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(50),
            max: Duration::from_secs(2),
            attempt_timeout: Duration::from_secs(10),
            patience: Duration::from_mins(2),
        }
    }
}

impl Backoff {
    /// How long to wait after an attempt (the first is 0): anything up to the limit with equal chance (full jitter), so
    /// that those who failed together do not come back together; on top of what the server asks for.
    pub(super) fn delay(&self, attempt: u32, status: &Status, entropy: &dyn Entropy) -> Duration {
        let limit =
            2_u32.checked_pow(attempt).map_or(self.max, |factor| self.first.saturating_mul(factor).min(self.max));
        let mut random = [0; 4];
        entropy.fill(&mut random);
        let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
        let asked = status.get_details_retry_info().and_then(|info| info.retry_delay).unwrap_or_default();
        asked.min(self.patience) + limit.mul_f64(share)
    }
}

/// Whether another attempt may go better.
///
/// Our servers put an `ErrorInfo` into everything they say, so what comes without one was said on the way: by a
/// connection that broke, by a process that was killed while it answered, by a proxy. Every command has a key, so one
/// that had arrived before is not carried out twice.
pub(super) fn is_transient(status: &Status) -> bool {
    let said_by_server = status.get_details_error_info();
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded => true,
        Code::ResourceExhausted => said_by_server.is_none_or(|info| info.reason != MESSAGE_TOO_LARGE),
        Code::Unknown | Code::Internal | Code::Cancelled => said_by_server.is_none(),
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss
        | Code::Unauthenticated => false,
    }
}

#[cfg(test)]
mod tests {
    use rpc_error::{FailedCall, Failure, Reason};

    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn refusal(reason: Reason) -> Status {
        Failure::new(reason, "no").into_status(FailedCall { request_id: "r", trace_id: "" })
    }

    #[test]
    fn only_what_may_go_better_is_tried_again() {
        for (reason, transient) in [
            (Reason::StoreUnavailable, true),
            (Reason::Draining, true),
            (Reason::ProjectionLagging, true),
            (Reason::AuditBacklogFull, true),
            (Reason::Overloaded, true),
            (Reason::RateLimited, true),
            (Reason::IdentityUnavailable, true),
            (Reason::CredentialsExpired, false),
            (Reason::PermissionDenied, false),
            (Reason::QueueFull, true),
            (Reason::DeadlineExceeded, true),
            (Reason::MessageTooLarge, false),
            (Reason::Internal, false),
            (Reason::Cancelled, false),
            (Reason::TransitionNotAllowed, false),
            (Reason::IdempotencyKeyReused, false),
            (Reason::CaseVersionMismatch, false),
        ] {
            assert_eq!(is_transient(&refusal(reason)), transient, "{reason:?}");
        }
    }

    #[test]
    fn what_no_server_said_is_a_broken_connection() {
        for code in [Code::Unknown, Code::Internal, Code::Cancelled, Code::Unavailable, Code::ResourceExhausted] {
            assert!(is_transient(&Status::new(code, "broken pipe")), "{code:?}");
        }
        for code in [Code::Unimplemented, Code::OutOfRange, Code::Unauthenticated] {
            assert!(!is_transient(&Status::new(code, "not ours")), "{code:?}");
        }
    }

    #[test]
    fn waits_double_up_to_a_limit_and_are_shared_out_below_it() {
        let backoff = Backoff { first: Duration::from_millis(100), max: Duration::from_secs(1), ..Backoff::default() };
        let away = Status::unavailable("away");
        let longest: Vec<u128> =
            (0..6).map(|attempt| backoff.delay(attempt, &away, &Fixed(0xff)).as_millis()).collect();
        assert_eq!(longest, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(backoff.delay(80, &away, &Fixed(0xff)), Duration::from_secs(1));
        assert_eq!(backoff.delay(3, &away, &Fixed(0)), Duration::ZERO);
    }

    #[test]
    fn the_servers_wish_comes_first() {
        let full = Failure::new(Reason::QueueFull, "full").with_retry_after(Duration::from_secs(3));
        let full = full.into_status(FailedCall { request_id: "r", trace_id: "" });
        assert_eq!(Backoff::default().delay(0, &full, &Fixed(0)), Duration::from_secs(3));
    }
}
