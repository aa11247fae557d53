//! What this service measures, besides what its host and the feed do.

use std::sync::Arc;
use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use service_kit::telemetry::{PoolUsage, meter, names as kit_names, observe_pool};
use storage::Readers;

use crate::answers::Answers;
use crate::{IDENTITY, names};

/// Measures a pool of readers from now on.
pub(crate) fn observe_readers(name: &'static str, readers: Readers) {
    observe_pool(IDENTITY, name, move || {
        let usage = readers.usage();
        PoolUsage { used: usage.used, idle: usage.idle, waiting: usage.waiting, max: usage.max }
    });
}

/// Counts from now on how often an answer was kept already.
pub(crate) fn observe_answers(answers: &Arc<Answers>) {
    let observed = Arc::clone(answers);
    let by = |result: &'static str| [KeyValue::new(names::RESULT, result)];
    let (found, missing) = (by(names::RESULT_FOUND), by(names::RESULT_MISSING));
    let _counter = meter(IDENTITY)
        .u64_observable_counter(names::ANSWERS)
        .with_unit("{answer}")
        .with_description("Cases that were asked for, and whether the answer was kept in memory.")
        .with_callback(move |observer| {
            let looks = observed.looks();
            observer.observe(looks.found, &found);
            observer.observe(looks.missing, &missing);
        })
        .build();
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
