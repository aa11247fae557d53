//! What this service measures, besides what its host does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram};
use service_kit::telemetry::{meter, names as kit_names};
use storage::{BatchObserver, BatchOutcome, BatchReport};
use tokio::sync::watch;

use crate::consumers::Consumers;
use crate::{IDENTITY, names};

/// Counts what became of commands.
#[derive(Debug, Clone)]
pub(crate) struct CommandMetrics {
    created: Counter<u64>,
    transitions: Counter<u64>,
    changes: Counter<u64>,
    rejected: Counter<u64>,
}

impl CommandMetrics {
    pub(crate) fn new() -> Self {
        let meter = meter(IDENTITY);
        Self {
            created: meter.u64_counter(names::METRIC_CREATED).with_description("Cases opened.").build(),
            transitions: meter
                .u64_counter(names::METRIC_TRANSITION)
                .with_description("Cases moved, by the status they entered.")
                .build(),
            changes: meter.u64_counter(names::METRIC_CHANGES).with_description("Changes of cases, by action.").build(),
            rejected: meter
                .u64_counter(names::METRIC_REJECTED)
                .with_description("Commands refused, by reason.")
                .build(),
        }
    }

    pub(crate) fn changed(&self, action: &'static str) {
        self.changes.add(1, &[KeyValue::new(names::LABEL_ACTION, action)]);
    }

    pub(crate) fn created(&self) {
        self.created.add(1, &[]);
    }

    /// `to_status` is a name of the lifecycle: there are at most 200.
    pub(crate) fn transitioned(&self, to_status: &str) {
        self.transitions.add(1, &[KeyValue::new(names::LABEL_TO_STATUS, to_status.to_owned())]);
    }

    pub(crate) fn rejected(&self, reason: &'static str) {
        self.rejected.add(1, &[KeyValue::new(names::LABEL_REASON, reason)]);
    }
}

/// Measures transactions, from the writer's thread.
pub(crate) struct StoreMetrics {
    duration: Histogram<f64>,
    batch_size: Histogram<u64>,
    queued: Arc<AtomicU64>,
}

impl StoreMetrics {
    pub(crate) fn new() -> Self {
        let meter = meter(IDENTITY);
        let queued = Arc::new(AtomicU64::new(0));
        let observed = Arc::clone(&queued);
        let _registered = meter
            .u64_observable_gauge(names::METRIC_QUEUE_DEPTH)
            .with_description("Commands that wait for the writer.")
            .with_callback(move |observer| observer.observe(observed.load(Ordering::Relaxed), &[]))
            .build();
        Self {
            duration: meter
                .f64_histogram(names::METRIC_STORE_DURATION)
                .with_unit("s")
                .with_boundaries(kit_names::DURATION_BOUNDS_S.to_vec())
                .with_description("How long transactions of the case store took.")
                .build(),
            batch_size: meter
                .u64_histogram(names::METRIC_BATCH_SIZE)
                .with_boundaries(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
                .with_description("Commands in one transaction.")
                .build(),
            queued,
        }
    }
}

impl BatchObserver for StoreMetrics {
    fn ended(&mut self, report: &BatchReport) {
        let outcome = match report.outcome {
            BatchOutcome::Committed => "COMMIT",
            BatchOutcome::RolledBack => "ROLLBACK",
        };
        let attributes = [KeyValue::new("db.system.name", "sqlite"), KeyValue::new("db.operation.name", outcome)];
        self.duration.record(report.in_transaction.as_secs_f64(), &attributes);
        self.batch_size.record(u64::try_from(report.size).unwrap_or(u64::MAX), &[]);
        self.queued.store(u64::try_from(report.queued).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Reports how far each consumer is behind.
pub(crate) fn observe_feed(consumers: Arc<Consumers>, head: watch::Receiver<u64>) {
    let _registered = meter(IDENTITY)
        .u64_observable_gauge(names::METRIC_FEED_UNACKNOWLEDGED)
        .with_description("Events that a consumer has not acknowledged.")
        .with_callback(move |observer| {
            let head = *head.borrow();
            for (consumer, position) in consumers.all() {
                let attributes = [KeyValue::new(names::LABEL_CONSUMER, consumer)];
                observer.observe(head.saturating_sub(position), &attributes);
            }
        })
        .build();
}
