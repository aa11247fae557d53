//! What this service measures, besides what its host does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram};
use service_kit::telemetry::{PoolUsage, meter, names as kit_names, observe_pool, shed_requests};
use storage::{BatchObserver, BatchOutcome, BatchReport, Queue, Readers};
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
    shed: Counter<u64>,
}

impl CommandMetrics {
    pub(crate) fn new() -> Self {
        let meter = meter(IDENTITY);
        Self {
            created: meter
                .u64_counter(names::METRIC_CREATED)
                .with_unit("{case}")
                .with_description("Cases opened.")
                .build(),
            transitions: meter
                .u64_counter(names::METRIC_TRANSITION)
                .with_unit("{transition}")
                .with_description("Cases moved, by the status they entered.")
                .build(),
            changes: meter
                .u64_counter(names::METRIC_CHANGES)
                .with_unit("{change}")
                .with_description("Changes of cases, by action.")
                .build(),
            rejected: meter
                .u64_counter(names::METRIC_REJECTED)
                .with_unit("{command}")
                .with_description("Commands refused, by reason.")
                .build(),
            shed: shed_requests(IDENTITY),
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

    /// A command found the queue before the store full.
    pub(crate) fn shed(&self) {
        self.shed.add(1, &[KeyValue::new(kit_names::SHED_CAUSE, names::SHED_BY_QUEUE)]);
    }
}

/// Measures transactions, from the writer's thread.
pub(crate) struct StoreMetrics {
    duration: Histogram<f64>,
    batch_size: Histogram<u64>,
}

impl StoreMetrics {
    pub(crate) fn new() -> Self {
        let meter = meter(IDENTITY);
        Self {
            duration: meter
                .f64_histogram(kit_names::DB_OPERATION_DURATION)
                .with_unit("s")
                .with_boundaries(kit_names::DURATION_BOUNDS_S.to_vec())
                .with_description("How long transactions of the case store took.")
                .build(),
            batch_size: meter
                .u64_histogram(names::METRIC_BATCH_SIZE)
                .with_unit("{command}")
                .with_boundaries(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
                .with_description("Commands in one transaction.")
                .build(),
        }
    }
}

impl BatchObserver for StoreMetrics {
    fn ended(&mut self, report: &BatchReport) {
        let outcome = match report.outcome {
            BatchOutcome::Committed => "COMMIT",
            BatchOutcome::RolledBack => "ROLLBACK",
        };
        let attributes = [
            KeyValue::new(kit_names::DB_SYSTEM_NAME, kit_names::DB_SYSTEM_SQLITE),
            KeyValue::new(kit_names::DB_OPERATION_NAME, outcome),
        ];
        self.duration.record(report.in_transaction.as_secs_f64(), &attributes);
        self.batch_size.record(u64::try_from(report.size).unwrap_or(u64::MAX), &[]);
    }
}

/// Measures what the store has in memory: the queue before its writer, the keys that it remembers, its readers.
pub(crate) fn observe_store(queue: Queue, keys: Arc<AtomicUsize>, readers: Readers) {
    let meter = meter(IDENTITY);
    let observed = queue.clone();
    let _depth = meter
        .u64_observable_gauge(names::METRIC_QUEUE_DEPTH)
        .with_unit("{command}")
        .with_description("Commands that wait for the writer.")
        .with_callback(move |observer| observer.observe(count(observed.depth()), &[]))
        .build();
    let _capacity = meter
        .u64_observable_gauge(names::METRIC_QUEUE_CAPACITY)
        .with_unit("{command}")
        .with_description("Commands that can wait for the writer.")
        .with_callback(move |observer| observer.observe(count(queue.capacity()), &[]))
        .build();
    let _keys = meter
        .u64_observable_gauge(names::METRIC_IDEMPOTENCY_KEYS)
        .with_unit("{key}")
        .with_description("Idempotency keys that are remembered.")
        .with_callback(move |observer| observer.observe(count(keys.load(Ordering::Relaxed)), &[]))
        .build();
    observe_pool(IDENTITY, "command", move || {
        let usage = readers.usage();
        PoolUsage { used: usage.used, idle: usage.idle, waiting: usage.waiting, max: usage.max }
    });
}

/// Measures how far each consumer is behind, in events and in time.
pub(crate) fn observe_feed(consumers: Arc<Consumers>, head: watch::Receiver<u64>) {
    let meter = meter(IDENTITY);
    let (observed, observed_head) = (Arc::clone(&consumers), head.clone());
    let _events = meter
        .u64_observable_gauge(names::METRIC_FEED_UNACKNOWLEDGED)
        .with_unit("{event}")
        .with_description("Events that a consumer has not acknowledged.")
        .with_callback(move |observer| {
            let head = *observed_head.borrow();
            for (consumer, position) in observed.all() {
                observer.observe(head.saturating_sub(position), &[KeyValue::new(names::LABEL_CONSUMER, consumer)]);
            }
        })
        .build();
    let _age = meter
        .f64_observable_gauge(names::METRIC_FEED_UNACKNOWLEDGED_AGE)
        .with_unit("s")
        .with_description("How long the oldest event has waited that a consumer has not acknowledged.")
        .with_callback(move |observer| {
            for report in consumers.reports(*head.borrow()) {
                let age = Duration::from_millis(report.lag_ms);
                observer.observe(age.as_secs_f64(), &[KeyValue::new(names::LABEL_CONSUMER, report.consumer)]);
            }
        })
        .build();
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
