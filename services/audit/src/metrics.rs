//! What this service measures, besides what its host and the feed do.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram};
use service_kit::telemetry::{PoolUsage, meter, names as kit_names, observe_pool};
use storage::Readers;

use crate::{IDENTITY, names};

/// Measures the pool of readers from now on.
pub(crate) fn observe_readers(readers: Readers) {
    observe_pool(IDENTITY, "audit", move || {
        let usage = readers.usage();
        PoolUsage { used: usage.used, idle: usage.idle, waiting: usage.waiting, max: usage.max }
    });
}

/// Measures the recording.
pub(crate) struct RecorderMetrics {
    recorded: Counter<u64>,
    duration: Histogram<f64>,
}

impl RecorderMetrics {
    pub(crate) fn new() -> Self {
        let meter = meter(IDENTITY);
        Self {
            recorded: meter
                .u64_counter(names::METRIC_RECORDED)
                .with_unit("{event}")
                .with_description("Events that are in the audit log, durably.")
                .build(),
            duration: meter
                .f64_histogram(kit_names::DB_OPERATION_DURATION)
                .with_unit("s")
                .with_boundaries(kit_names::DURATION_BOUNDS_S.to_vec())
                .with_description("How long transactions of the audit store took.")
                .build(),
        }
    }

    /// So many more events are durable.
    pub(crate) fn recorded(&self, events: usize) {
        self.recorded.add(u64::try_from(events).unwrap_or(u64::MAX), &[]);
    }

    /// A transaction is over.
    pub(crate) fn transaction(&self, took: Duration, is_committed: bool) {
        let outcome = if is_committed { "COMMIT" } else { "ROLLBACK" };
        let attributes = [
            KeyValue::new(kit_names::DB_SYSTEM_NAME, kit_names::DB_SYSTEM_SQLITE),
            KeyValue::new(kit_names::DB_OPERATION_NAME, outcome),
        ];
        self.duration.record(took.as_secs_f64(), &attributes);
    }
}
