//! What this service measures, besides what its host and the feed do.

use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use service_kit::telemetry::{PoolUsage, meter, names as kit_names, observe_pool};
use storage::Readers;

use crate::IDENTITY;

/// Measures a pool of readers from now on.
pub(crate) fn observe_readers(name: &'static str, readers: Readers) {
    observe_pool(IDENTITY, name, move || {
        let usage = readers.usage();
        PoolUsage { used: usage.used, idle: usage.idle, waiting: usage.waiting, max: usage.max }
    });
}

/// How long operations of the store take.
#[derive(Debug, Clone)]
pub(crate) struct StoreMetrics {
    duration: Histogram<f64>,
}

impl StoreMetrics {
    pub(crate) fn new() -> Self {
        let duration = meter(IDENTITY)
            .f64_histogram(kit_names::DB_OPERATION_DURATION)
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
        let attributes = [
            KeyValue::new(kit_names::DB_SYSTEM_NAME, kit_names::DB_SYSTEM_SQLITE),
            KeyValue::new(kit_names::DB_OPERATION_NAME, operation),
        ];
        self.duration.record(begun.elapsed().as_secs_f64(), &attributes);
        done
    }
}
