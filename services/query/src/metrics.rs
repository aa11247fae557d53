//! What this service measures, besides what its host and the feed do.

use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use service_kit::telemetry::{meter, names as kit_names};

use crate::{IDENTITY, names};

/// How long operations of the store take.
#[derive(Debug, Clone)]
pub(crate) struct StoreMetrics {
    duration: Histogram<f64>,
}

impl StoreMetrics {
    pub(crate) fn new() -> Self {
        let duration = meter(IDENTITY)
            .f64_histogram(names::METRIC_STORE_DURATION)
            .with_unit("s")
            .with_boundaries(kit_names::DURATION_BOUNDS_S.to_vec())
            .with_description("How long operations of the read model's store took.")
            .build();
        Self { duration }
    }

    /// Does something with the store and measures it as `operation`, which is one of a few names.
    pub(crate) fn measured<T>(&self, operation: &'static str, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = work();
        let attributes = [KeyValue::new("db.system.name", "sqlite"), KeyValue::new("db.operation.name", operation)];
        self.duration.record(begun.elapsed().as_secs_f64(), &attributes);
        done
    }
}
