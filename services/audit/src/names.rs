//! Names of this service's log events, spans and metrics: dashboards, alerts and runbooks are written against them.

use service_kit::telemetry::policy::{Logged, Moment};

/// DEBUG: an event is in the log, durably.
pub(crate) const AUDIT_EVENT_RECORDED: &str = "audit_event_recorded";
/// ERROR: what the log holds does not fit together.
pub(crate) const AUDIT_LOG_CORRUPTED: &str = "audit_log_corrupted";
/// INFO: the log has been opened.
pub(crate) const AUDIT_LOG_OPENED: &str = "audit_log_opened";
/// INFO: an empty log has found the store that it records.
pub(crate) const AUDIT_EPOCH_ADOPTED: &str = "audit_epoch_adopted";

/// Span: one event, in the trace of the request that caused it.
pub(crate) const SPAN_RECORD: &str = "audit.record";
/// Span: a batch, with its commit: a trace of its own.
pub(crate) const SPAN_RECORD_BATCH: &str = "audit.record_batch";

/// Counter, `{event}`, no labels: events in the log, durably.
pub(crate) const METRIC_RECORDED: &str = "audit_events_recorded_total";

/// Which of the events belong to which moment of the logging policy.
pub const LOGGED: [Logged; 2] = [
    Logged { event: AUDIT_EVENT_RECORDED, moment: Moment::Internals },
    Logged { event: AUDIT_LOG_CORRUPTED, moment: Moment::DependencyFailure },
];
