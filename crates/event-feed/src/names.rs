//! The names of our log events, metrics and attributes: dashboards, alerts and runbooks are written against them.

use service_kit::telemetry::policy::{Logged, Moment};

/// INFO: the feed is open and in step.
pub const FEED_CONNECTED: &str = "feed_connected";
/// WARN: the link broke, or could not be made; it is tried again.
pub const FEED_DISCONNECTED: &str = "feed_disconnected";
/// WARN: a batch could not be applied now; it is tried again.
pub const FEED_APPLY_POSTPONED: &str = "feed_apply_postponed";
/// ERROR: following has stopped for good; somebody has to look.
pub const FEED_HALTED: &str = "feed_halted";

/// Gauge, `{event}`, by `consumer` (one for each process): events committed on the feed and not yet applied here, as far as is known.
pub const FEED_LAG: &str = "feed.consumer.lag";
/// Gauge, `s`, by `consumer` (one for each process): how old the state is that the consumer has; it grows while the feed is away.
pub const FEED_LAG_DURATION: &str = "feed.consumer.lag.duration";
/// Counter, `{event}`, by `consumer` (one for each process): events applied and durable.
pub const FEED_EVENTS: &str = "feed.consumer.events";
/// Attribute of the metrics: which consumer.
pub const CONSUMER: &str = "consumer";

/// Which of the events belong to which moment of the logging policy.
pub const LOGGED: [Logged; 3] = [
    Logged { event: FEED_DISCONNECTED, moment: Moment::DependencyFailure },
    Logged { event: FEED_APPLY_POSTPONED, moment: Moment::DependencyFailure },
    Logged { event: FEED_HALTED, moment: Moment::DependencyFailure },
];
