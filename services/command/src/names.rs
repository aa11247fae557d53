//! Names of this service's log events, spans' attributes and metrics.

use service_kit::telemetry::policy::{Logged, Moment};

/// INFO: a case was opened.
pub(crate) const CASE_CREATED: &str = "case_created";
/// INFO: a case was moved to another status.
pub(crate) const CASE_TRANSITIONED: &str = "case_transitioned";
/// INFO: fields of a case were changed; their names, not their values.
pub(crate) const CASE_UPDATED: &str = "case_updated";
/// INFO: a case was handed over.
pub(crate) const CASE_ASSIGNED: &str = "case_assigned";
/// INFO: a remark was made on a case.
pub(crate) const CASE_COMMENTED: &str = "case_commented";
/// INFO: a case was connected to another one.
pub(crate) const CASE_LINKED: &str = "case_linked";
/// INFO: a connection was taken away.
pub(crate) const CASE_UNLINKED: &str = "case_unlinked";
/// INFO: an accepted command changed nothing.
pub(crate) const COMMAND_UNCHANGED: &str = "command_unchanged";
/// INFO: an accepted command was sent again and answered as the first time.
pub(crate) const COMMAND_REPLAYED: &str = "command_replayed";
/// INFO: a command was refused by the rules.
pub(crate) const COMMAND_REJECTED: &str = "command_rejected";
/// WARN: a command was not decided: the store is in danger, or a required consumer is too far behind.
pub(crate) const COMMAND_OBSTRUCTED: &str = "command_obstructed";
/// INFO: another lifecycle has come into force.
pub(crate) const LIFECYCLE_CHANGED: &str = "lifecycle_changed";
/// INFO: a consumer follows the feed.
pub(crate) const FEED_CONSUMER_CONNECTED: &str = "feed_consumer_connected";
/// INFO: a consumer no longer follows the feed.
pub(crate) const FEED_CONSUMER_DISCONNECTED: &str = "feed_consumer_disconnected";
/// ERROR: a required consumer has events that the store has lost.
pub(crate) const FEED_HISTORY_LOST: &str = "feed_history_lost";
/// WARN: a consumer's acknowledgements are not kept: there are too many names.
pub(crate) const FEED_CONSUMER_IGNORED: &str = "feed_consumer_ignored";
/// ERROR: the store has fewer commits than were acknowledged.
pub(crate) const STORE_HISTORY_LOST: &str = "store_history_lost";
/// WARN: the head of the history that is kept outside of the store cannot be written, or not be read.
pub(crate) const HEAD_FILE_FAILED: &str = "head_file_failed";
/// INFO: the store is open.
pub(crate) const STORE_OPENED: &str = "store_opened";

/// Counter, `{case}`, no labels: cases opened.
pub(crate) const METRIC_CREATED: &str = "case_created_total";
/// Counter, `{transition}`, by `to_status` (the statuses of the lifecycle, at most 200): cases moved.
pub(crate) const METRIC_TRANSITION: &str = "case_transition_total";
/// Counter, `{change}`, by `action` (7): changes of cases.
pub(crate) const METRIC_CHANGES: &str = "case_changes_total";
/// Counter, `{command}`, by `reason` (those of docs/errors.md): commands refused, by the rules or by an obstacle.
pub(crate) const METRIC_REJECTED: &str = "case_command_rejected_total";
/// Histogram, `{command}`, no labels: commands in one transaction.
pub(crate) const METRIC_BATCH_SIZE: &str = "case_store_batch_size";
/// Gauge, `{command}`, no labels: commands that wait for the writer.
pub(crate) const METRIC_QUEUE_DEPTH: &str = "case_store_queue_depth";
/// Gauge, `{command}`, no labels: commands that can wait for the writer (`limits.commands_queued`).
pub(crate) const METRIC_QUEUE_CAPACITY: &str = "case_store_queue_capacity";
/// Gauge, `{key}`, no labels: idempotency keys that are remembered.
pub(crate) const METRIC_IDEMPOTENCY_KEYS: &str = "case_idempotency_keys";
/// Gauge, `{event}`, by `consumer` (the required ones, and at most 64 others while they follow): events that a consumer has not acknowledged.
pub(crate) const METRIC_FEED_UNACKNOWLEDGED: &str = "case_feed_unacknowledged_events";
/// Gauge, `s`, by `consumer` (the required ones, and at most 64 others while they follow): how long the oldest event has
/// waited that a consumer has not acknowledged; 0 if it has everything.
pub(crate) const METRIC_FEED_UNACKNOWLEDGED_AGE: &str = "case_feed_unacknowledged_seconds";

/// The label of [`METRIC_TRANSITION`]: a name of the lifecycle.
pub(crate) const LABEL_TO_STATUS: &str = "to_status";
/// The label of [`METRIC_CHANGES`]: an action, such as `case_assigned`.
pub(crate) const LABEL_ACTION: &str = "action";
/// The label of [`METRIC_REJECTED`]: a reason of the API.
pub(crate) const LABEL_REASON: &str = "reason";
/// The label of [`METRIC_FEED_UNACKNOWLEDGED`]: a consumer's name, at most 64 of them.
pub(crate) const LABEL_CONSUMER: &str = "consumer";

/// The cause of a refusal by the queue before the store, as its callers read it and as it is counted among the calls that are
/// shed.
pub(crate) const SHED_BY_QUEUE: &str = "queue";

/// Which of the events belong to which moment of the logging policy.
pub const LOGGED: [Logged; 11] = [
    Logged { event: CASE_CREATED, moment: Moment::DomainSuccess },
    Logged { event: CASE_TRANSITIONED, moment: Moment::DomainSuccess },
    Logged { event: CASE_UPDATED, moment: Moment::DomainSuccess },
    Logged { event: CASE_ASSIGNED, moment: Moment::DomainSuccess },
    Logged { event: CASE_COMMENTED, moment: Moment::DomainSuccess },
    Logged { event: CASE_LINKED, moment: Moment::DomainSuccess },
    Logged { event: CASE_UNLINKED, moment: Moment::DomainSuccess },
    Logged { event: COMMAND_UNCHANGED, moment: Moment::DomainSuccess },
    Logged { event: COMMAND_REPLAYED, moment: Moment::DomainSuccess },
    Logged { event: COMMAND_REJECTED, moment: Moment::DomainRejection },
    Logged { event: COMMAND_OBSTRUCTED, moment: Moment::DependencyFailure },
];
