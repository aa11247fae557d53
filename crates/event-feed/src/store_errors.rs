//! What the failures of a consumer's own store ask of the follower: one policy for all consumers.

use service_kit::exit::{Exit, ExitCode};
use storage::Error;
use store_failure::chain;

use crate::{ConsumeError, Halt};

impl From<Error> for ConsumeError {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Full | Error::Unavailable { .. } | Error::InUse { .. } | Error::CannotCreate { .. } => {
                return Self::Retry(error.into());
            }
            Error::Corrupt { .. } => {
                return Halt::caused_by("the consumer's own store is corrupt; see the runbook of its service", error)
                    .into();
            }
            Error::SchemaTooNew { .. } | Error::SchemaDiverged { .. } | Error::Statement { .. } => {
                return Halt::caused_by("the consumer's own store refuses the program; compare their versions", error)
                    .into();
            }
            Error::DiskFailed { .. } => ExitCode::DiskFailed,
            Error::WriterPanicked { .. } => ExitCode::Refused,
        };
        Self::End(Exit::new(code, chain(&error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_or_busy_store_is_tried_again() {
        for error in [Error::Full, Error::unavailable("busy")] {
            assert!(matches!(ConsumeError::from(error), ConsumeError::Retry(_)));
        }
    }

    #[test]
    fn damage_halts() {
        assert!(matches!(ConsumeError::from(Error::corrupt("a row")), ConsumeError::Halt(_)));
    }

    #[test]
    fn the_documented_patience_with_a_store_is_the_real_one() {
        assert_eq!(service_kit::client::dependencies::STORE.call_timeout, storage::BUSY_TIMEOUT);
    }

    #[test]
    fn the_documented_events_are_those_that_are_logged() {
        use service_kit::client::dependencies::{EVENT_FEED, STORE};
        use service_kit::client::policy::{Logged, Severity};

        let by_its_user = |event, severity| Logged::ByItsUser { event, severity };
        assert_eq!(EVENT_FEED.logged, by_its_user(crate::names::FEED_DISCONNECTED, Severity::Warn));
        assert_eq!(STORE.logged, by_its_user(store_failure::names::STORE_FAILED, Severity::Error));
    }

    #[test]
    fn a_failed_disk_ends_the_process() {
        let error = Error::DiskFailed { reason: "a sync failed".to_owned(), source: None };
        assert!(matches!(ConsumeError::from(error), ConsumeError::End(exit) if exit.code == ExitCode::DiskFailed));
    }
}
