//! Names of this service's log events, spans' attributes and metrics.

/// A case was opened.
pub(crate) const CASE_CREATED: &str = "case_created";
/// A case was moved to another status.
pub(crate) const CASE_TRANSITIONED: &str = "case_transitioned";
/// Fields of a case were changed.
pub(crate) const CASE_UPDATED: &str = "case_updated";
/// A case was handed over.
pub(crate) const CASE_ASSIGNED: &str = "case_assigned";
/// A remark was made on a case.
pub(crate) const CASE_COMMENTED: &str = "case_commented";
/// A case was connected to another one.
pub(crate) const CASE_LINKED: &str = "case_linked";
/// A connection was taken away.
pub(crate) const CASE_UNLINKED: &str = "case_unlinked";
/// An accepted command changed nothing.
pub(crate) const COMMAND_UNCHANGED: &str = "command_unchanged";
/// An accepted command was sent again and answered as the first time.
pub(crate) const COMMAND_REPLAYED: &str = "command_replayed";
/// A command was refused by the rules.
pub(crate) const COMMAND_REJECTED: &str = "command_rejected";
/// Another lifecycle has come into force.
pub(crate) const LIFECYCLE_CHANGED: &str = "lifecycle_changed";
/// A consumer follows the feed.
pub(crate) const FEED_CONSUMER_CONNECTED: &str = "feed_consumer_connected";
/// A consumer no longer follows the feed.
pub(crate) const FEED_CONSUMER_DISCONNECTED: &str = "feed_consumer_disconnected";
/// A required consumer has events that the store has lost.
pub(crate) const FEED_HISTORY_LOST: &str = "feed_history_lost";
/// A consumer's acknowledgements are not kept: there are too many names.
pub(crate) const FEED_CONSUMER_IGNORED: &str = "feed_consumer_ignored";
/// ERROR: the store has fewer commits than were acknowledged.
pub(crate) const STORE_HISTORY_LOST: &str = "store_history_lost";
/// WARN: the head of the history cannot be kept outside of the store.
pub(crate) const HEAD_FILE_FAILED: &str = "head_file_failed";
/// The store is open.
pub(crate) const STORE_OPENED: &str = "store_opened";

/// Cases opened.
pub(crate) const METRIC_CREATED: &str = "case_created_total";
/// Cases moved, by the status they entered.
pub(crate) const METRIC_TRANSITION: &str = "case_transition_total";
/// Changes of cases, by action.
pub(crate) const METRIC_CHANGES: &str = "case_changes_total";
/// Commands refused, by reason.
pub(crate) const METRIC_REJECTED: &str = "case_command_rejected_total";
/// How long a command's transaction took.
pub(crate) const METRIC_STORE_DURATION: &str = "db.client.operation.duration";
/// Commands in one transaction.
pub(crate) const METRIC_BATCH_SIZE: &str = "case_store_batch_size";
/// Commands that wait for the writer.
pub(crate) const METRIC_QUEUE_DEPTH: &str = "case_store_queue_depth";
/// Events that a consumer has not acknowledged.
pub(crate) const METRIC_FEED_UNACKNOWLEDGED: &str = "case_feed_unacknowledged_events";

/// The label of [`METRIC_TRANSITION`]: a name of the lifecycle.
pub(crate) const LABEL_TO_STATUS: &str = "to_status";
/// The label of [`METRIC_CHANGES`]: an action, such as `case_assigned`.
pub(crate) const LABEL_ACTION: &str = "action";
/// The label of [`METRIC_REJECTED`]: a reason of the API.
pub(crate) const LABEL_REASON: &str = "reason";
/// The label of [`METRIC_FEED_UNACKNOWLEDGED`]: a consumer's name, at most 64 of them.
pub(crate) const LABEL_CONSUMER: &str = "consumer";
