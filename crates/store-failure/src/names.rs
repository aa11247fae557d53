//! The names of our log events: alerts and runbooks are written against them.

use service_kit::telemetry::policy::{Logged, Moment};

/// WARN or ERROR: the store refused an operation, or failed in it.
pub const STORE_FAILED: &str = "store_failed";
/// ERROR: the store is damaged.
pub const STORE_CORRUPTED: &str = "case_store_corrupted";

/// Which of the events belong to which moment of the logging policy.
pub const LOGGED: [Logged; 2] = [
    Logged { event: STORE_FAILED, moment: Moment::DependencyFailure },
    Logged { event: STORE_CORRUPTED, moment: Moment::DependencyFailure },
];
