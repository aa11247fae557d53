//! What the calls to a dependency leave in metrics and log.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use tracing::{debug, error, warn};

use super::failure::{CallError, Cause};
use super::policy::{Logged, Policy, Severity};
use crate::identity::Identity;
use crate::telemetry::{code_name, meter, names};

/// What is counted about a dependency, beside the breaker's state and the duration of every attempt.
#[derive(Debug)]
pub(super) struct DependencyMetrics {
    timeouts: Counter<u64>,
    retries: Counter<u64>,
    label: [KeyValue; 1],
}

impl DependencyMetrics {
    pub(super) fn new(identity: Identity, policy: &Policy) -> Self {
        let meter = meter(identity);
        let timeouts = meter
            .u64_counter(names::CLIENT_TIMEOUTS)
            .with_unit("{call}")
            .with_description("Calls that a dependency did not answer in time.")
            .build();
        let retries = meter
            .u64_counter(names::CLIENT_RETRIES)
            .with_unit("{attempt}")
            .with_description("Attempts after the first.")
            .build();
        Self { timeouts, retries, label: [KeyValue::new(names::DEPENDENCY, policy.name)] }
    }

    /// A call was not answered in time.
    pub(super) fn timed_out(&self) {
        self.timeouts.add(1, &self.label);
    }

    /// A call is tried again.
    pub(super) fn retried(&self) {
        self.retries.add(1, &self.label);
    }
}

/// Writes a failed call to the log, where its policy wants that.
pub(super) fn log(policy: &Policy, error: &CallError) {
    // The change of a circuit has its own line; a deadline that had passed before is nobody's failure.
    let was_asked = error.attempts > 0;
    let severity = match policy.logged {
        Logged::Here(_) if was_asked && error.cause == Cause::Denied => Severity::Error,
        Logged::Here(severity) if was_asked => severity,
        Logged::Here(_) | Logged::ByItsUser { .. } | Logged::Told(_) => {
            let (dependency, operation, reason) = (error.dependency, &*error.operation, &error.reason);
            debug!(name: names::DEPENDENCY_FAILED, dependency, operation, reason, "{error}: {reason}");
            return;
        }
    };
    let CallError { dependency, operation, reason, attempts, .. } = error;
    let (operation, code) = (&**operation, code_name(error.code));
    let (timeout_ms, duration_ms) = (millis(policy.call_timeout), millis(error.spent));
    match severity {
        Severity::Warn => warn!(
            name: names::DEPENDENCY_FAILED, dependency, operation, error.type = code, reason, timeout_ms, duration_ms, attempts,
            "{error}: {reason}"
        ),
        Severity::Error => error!(
            name: names::DEPENDENCY_FAILED, dependency, operation, error.type = code, reason, timeout_ms, duration_ms, attempts,
            "{error}: {reason}"
        ),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
