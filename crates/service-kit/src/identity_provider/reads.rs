//! What an operator can see of the reading of keys: metrics, log lines, diagnostics.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::client::dependencies::IDENTITY_PROVIDER;
use crate::diagnostics::{DependencyReport, Diagnostics, Report};
use crate::identity::Identity;
use crate::telemetry::{meter, names};

/// In log lines and diagnostics.
const DEPENDENCY: &str = IDENTITY_PROVIDER.name;

/// The record of one server's reads.
#[derive(Debug)]
pub(super) struct Reads {
    address: String,
    counter: Counter<u64>,
    latest: Arc<Mutex<Latest>>,
}

#[derive(Debug, Default)]
struct Latest {
    success: Option<Instant>,
    /// Empty after a success.
    failure: String,
}

impl Reads {
    /// `address` is shown: a path, or a URL without what may be secret in it.
    pub(super) fn new(identity: Identity, address: String, diagnostics: &Diagnostics) -> Self {
        let latest = Arc::new(Mutex::new(Latest::default()));
        let (meter, observed) = (meter(identity), Arc::clone(&latest));
        let _registered = meter
            .f64_observable_gauge(names::IDENTITY_KEYS_AGE)
            .with_unit("s")
            .with_description("How long ago the keys of the identity provider were read.")
            .with_callback(move |observer| {
                if let Some(success) = lock(&observed).success {
                    observer.observe(success.elapsed().as_secs_f64(), &[]);
                }
            })
            .build();
        let counter = meter
            .u64_counter(names::IDENTITY_KEYS_READS)
            .with_unit("{read}")
            .with_description("Attempts to read the keys of the identity provider.")
            .build();
        let (reported, shown) = (Arc::clone(&latest), address.clone());
        diagnostics.add(move || {
            Report::Dependency(DependencyReport {
                name: DEPENDENCY.to_owned(),
                address: shown.clone(),
                // There is none: each attempt is made, and they are far apart.
                breaker: "closed",
                last_failure: lock(&reported).failure.clone(),
            })
        });
        Self { address, counter, latest }
    }

    pub(super) fn succeeded(&self) {
        *lock(&self.latest) = Latest { success: Some(Instant::now()), failure: String::new() };
        self.counter.add(1, &[KeyValue::new(names::OUTCOME, "ok")]);
    }

    pub(super) fn failed(&self, error: &str) {
        error.clone_into(&mut lock(&self.latest).failure);
        self.counter.add(1, &[KeyValue::new(names::OUTCOME, "failed")]);
    }

    pub(super) fn log_change(&self, keys: usize) {
        let address = self.address.as_str();
        info!(name: names::IDENTITY_KEYS_CHANGED, dependency = DEPENDENCY, address, keys,
            "{keys} keys of the identity provider are in force, from {address}");
    }

    pub(super) fn log_failure(&self, reason: &str, timeout: Option<Duration>, has_keys: bool) {
        let (dependency, operation, address) = (DEPENDENCY, "read_keys", self.address.as_str());
        let timeout_ms = timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
        let consequence = if has_keys { "going on with those that are there" } else { "nobody can be verified" };
        warn!(name: names::IDENTITY_KEYS_FAILED, dependency, operation, timeout_ms, address, reason, has_keys,
            "the keys of the identity provider cannot be read from {address}: {reason}; {consequence}");
    }
}

fn lock(latest: &Mutex<Latest>) -> MutexGuard<'_, Latest> {
    latest.lock().unwrap_or_else(PoisonError::into_inner)
}
