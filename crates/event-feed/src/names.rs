//! The names of our log events, metrics and attributes: dashboards, alerts and runbooks are written against them.

/// INFO: the feed is open and in step.
pub const FEED_CONNECTED: &str = "feed_connected";
/// WARN: the link broke, or could not be made; it is tried again.
pub const FEED_DISCONNECTED: &str = "feed_disconnected";
/// WARN: a batch could not be applied now; it is tried again.
pub const FEED_APPLY_POSTPONED: &str = "feed_apply_postponed";
/// ERROR: following has stopped for good; somebody has to look.
pub const FEED_HALTED: &str = "feed_halted";

/// Gauge, events: committed on the feed and not yet applied here, as far as is known.
pub const FEED_LAG: &str = "feed.consumer.lag";
/// Gauge, seconds: how long ago the consumer last had everything.
pub const FEED_LAG_DURATION: &str = "feed.consumer.lag.duration";
/// Counter, events: applied and durable.
pub const FEED_EVENTS: &str = "feed.consumer.events";
/// Attribute of the metrics: which consumer.
pub const CONSUMER: &str = "consumer";
