//! Whether a call that failed is tried again, and when.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Response};
use rpc_error::Reason;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tower::retry::budget::{Budget as _, TpsBudget};

use super::backoff::Backoff;
use super::policy::{Budget, Retry};
use super::timed::Lost;
use crate::clock::Entropy;
use crate::telemetry::code_of;

/// How long a call counts for the budget.
const BUDGET_WINDOW: Duration = Duration::from_secs(10);

/// The header of a status' details.
pub(super) const DETAILS_HEADER: &str = "grpc-status-details-bin";

/// Tries the calls of one channel again, within their common budget.
pub(super) struct Repeater {
    retry: Retry,
    budget: TpsBudget,
    entropy: Arc<dyn Entropy>,
}

/// The attempts at one call.
pub(super) struct Attempts<'a> {
    repeater: &'a Repeater,
    backoff: Backoff,
}

impl Repeater {
    pub(super) fn new(retry: Retry, entropy: Arc<dyn Entropy>) -> Self {
        let Budget { per_second, percent_of_calls } = retry.budget;
        let budget = TpsBudget::new(BUDGET_WINDOW, per_second, f32::from(percent_of_calls) / 100.0);
        Self { retry, budget, entropy }
    }

    /// Begins a call, which pays into the budget.
    pub(super) fn begin(&self) -> Attempts<'_> {
        self.budget.deposit();
        let backoff = Backoff::new(self.retry.wait_first, self.retry.wait_max, Arc::clone(&self.entropy));
        Attempts { repeater: self, backoff }
    }
}

impl Attempts<'_> {
    /// How long to wait before the next attempt; none if there is to be none. `left` is the time until the deadline.
    pub(super) fn wait_after<B>(
        &mut self,
        attempt: &Result<Response<B>, Lost>,
        left: Option<Duration>,
    ) -> Option<Duration> {
        let at_least = worth_repeating(attempt)?;
        // The server's wish, and a random wait on top of it: else all whom it told the same come back together.
        let wait = at_least + self.backoff.next_wait();
        let is_allowed = self.backoff.attempts() < self.repeater.retry.attempts_max
            && left.is_none_or(|left| wait < left)
            && self.repeater.budget.withdraw();
        is_allowed.then_some(wait)
    }
}

/// How long to wait at least before an attempt may succeed where this one did not; none if it will not.
fn worth_repeating<B>(attempt: &Result<Response<B>, Lost>) -> Option<Duration> {
    match attempt {
        Err(Lost::Unreachable(_)) => Some(Duration::ZERO),
        Err(Lost::TimedOut(_) | Lost::TooLarge { .. }) => None,
        Ok(response) => match code_of(response.headers()) {
            Some(Code::Unavailable) => Some(retry_delay(&details(response.headers())).unwrap_or_default()),
            Some(Code::ResourceExhausted) => {
                let details = details(response.headers());
                // It names no limit of the moment: the same message is as large the next time.
                let is_hopeless =
                    details.error_info().is_some_and(|info| info.reason == Reason::MessageTooLarge.as_str());
                if is_hopeless { None } else { retry_delay(&details) }
            }
            Some(_) | None => None,
        },
    }
}

fn retry_delay(details: &ErrorDetails) -> Option<Duration> {
    details.retry_info().and_then(|info| info.retry_delay)
}

/// The details that an answer carries; none if they cannot be read.
///
/// Not `Status::from_header_map`, which panics on those of a broken peer.
pub(super) fn details(headers: &HeaderMap) -> ErrorDetails {
    let Some(value) = headers.get(DETAILS_HEADER) else { return ErrorDetails::default() };
    let mut metadata = HeaderMap::with_capacity(1);
    metadata.insert(DETAILS_HEADER, value.clone());
    let metadata = MetadataMap::from_headers(metadata);
    let bytes = metadata.get_bin(DETAILS_HEADER).and_then(|value| value.to_bytes().ok());
    bytes.map_or_else(ErrorDetails::default, |bytes| Status::with_details(Code::Unknown, "", bytes).get_error_details())
}
