//! What a refused caller can make of its refusal.

use rpc_error::ERROR_DOMAIN;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A failed call, as a program reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, or the code and message where there is none.
    pub label: String,
    /// Whether it says why (`ErrorInfo` of our domain), and, where the same call may succeed later, when (`RetryInfo`).
    pub typed: bool,
}

impl Refusal {
    /// A call that never had an answer.
    pub(super) fn unanswered(label: &str) -> Self {
        Self { label: label.to_owned(), typed: false }
    }
}

/// Reads a refusal as the contract has it.
pub fn classify(status: &Status) -> Refusal {
    let details = status.get_error_details();
    let Some(info) = details.error_info().filter(|info| info.domain == ERROR_DOMAIN) else {
        return Refusal { label: format!("{:?} without a reason: {}", status.code(), status.message()), typed: false };
    };
    let temporary = matches!(status.code(), Code::ResourceExhausted | Code::Unavailable);
    if temporary && details.retry_info().is_none() {
        return Refusal { label: format!("{} without a retry delay", info.reason), typed: false };
    }
    Refusal { label: info.reason.clone(), typed: true }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use tonic_types::ErrorDetails;

    use super::*;

    fn refusal(code: Code, domain: &str, retry: Option<Duration>) -> Refusal {
        let mut details = ErrorDetails::with_error_info("OVERLOADED", domain, HashMap::new());
        if retry.is_some() {
            details.set_retry_info(retry);
        }
        classify(&Status::with_error_details(code, "full", details))
    }

    #[test]
    fn a_refusal_is_typed_when_it_says_why_and_when() {
        let told = refusal(Code::ResourceExhausted, ERROR_DOMAIN, Some(Duration::from_millis(100)));
        assert_eq!(told, Refusal { label: "OVERLOADED".to_owned(), typed: true });
        assert!(refusal(Code::InvalidArgument, ERROR_DOMAIN, None).typed, "nothing to come again for");
    }

    #[test]
    fn a_refusal_without_reason_or_delay_is_not_typed() {
        assert!(!refusal(Code::ResourceExhausted, ERROR_DOMAIN, None).typed);
        assert!(!refusal(Code::ResourceExhausted, "elsewhere", Some(Duration::from_millis(100))).typed);
        let bare = classify(&Status::unavailable("gone"));
        assert!(!bare.typed);
        assert!(bare.label.contains("gone"), "what is known is shown: {}", bare.label);
    }
}
