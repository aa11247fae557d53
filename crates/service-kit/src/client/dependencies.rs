//! Everything that our programs depend on, with its policy: `docs/dependencies.md` is made of this table.

use std::time::Duration;

use super::policy::{
    Breaking, Budget, KeepAlive, Logged, Method, Policy, Repetition, Retry, Severity, Shape, Thresholds,
};
use crate::telemetry::names;

const CLIENT_METRICS: &[&str] = &[
    names::RPC_CLIENT_CALL_DURATION,
    names::CLIENT_TIMEOUTS,
    names::CLIENT_RETRIES,
    names::CLIENT_BREAKER_STATE,
    names::CLIENT_BREAKER_TRANSITIONS,
];

/// The feed of events, that case-query and case-audit follow.
pub const EVENT_FEED: Policy = Policy {
    name: "event-feed",
    purpose: "case-query and case-audit follow the events of case-command: one stream without end",
    connect_timeout: Some(Duration::from_secs(2)),
    call_timeout: Duration::from_secs(10),
    // The server of the feed says something every few seconds; this notices a dead peer below it.
    keep_alive: Some(KeepAlive { interval: Duration::from_secs(10), timeout: Duration::from_secs(5) }),
    methods: &[Method { name: "casetracker.feed.v1.CaseEventFeedService/Follow", shape: Shape::Stream }],
    repetition: Repetition::ByItsUser(
        "the follower opens the stream again for ever, after a random wait of at most 100 ms that doubles up to 5 s",
    ),
    breaking: Breaking::After(Thresholds {
        failures_in_a_row: 5,
        // Short: the follower's own waits do the sparing, and whoever waits for fresh reads waits for this.
        open_for: Duration::from_secs(1),
        expiry_counts_after: Duration::from_secs(1),
    }),
    caller_sees: "reads and the audit log answer from what they have; a read that asks for more gets \
                  `PROJECTION_LAGGING`; readiness is off until the feed is back",
    logged: Logged::ByItsUser { event: "feed_disconnected", severity: Severity::Warn },
    metrics: CLIENT_METRICS,
};

/// The health of our own servers, asked from the command line.
pub const HEALTH: Policy = Policy {
    name: "health",
    purpose: "`healthcheck` asks the running program, over its own ports, whether it is ready",
    connect_timeout: None,
    // A container's health check is run every few seconds.
    call_timeout: Duration::from_secs(2),
    keep_alive: None,
    methods: &[
        Method { name: "grpc.health.v1.Health/Check", shape: Shape::Repeatable },
        Method { name: "grpc.health.v1.Health/List", shape: Shape::Repeatable },
        Method { name: "grpc.health.v1.Health/Watch", shape: Shape::Stream },
    ],
    repetition: Repetition::ByItsUser("the supervisor asks again at its next turn"),
    breaking: Breaking::Never("one call, in a process of its own"),
    caller_sees: "exit code 1 and one line for each address",
    logged: Logged::Told("the lines of `healthcheck`"),
    metrics: &[],
};

/// Another service of ours, asked in the course of a request: what a new dependency begins with.
pub const PEER: Policy = Policy {
    name: "peer",
    purpose: "Unary calls from service to service. None is made yet: this is what the first one will begin with",
    connect_timeout: Some(Duration::from_secs(2)),
    call_timeout: Duration::from_secs(5),
    keep_alive: Some(KeepAlive { interval: Duration::from_secs(10), timeout: Duration::from_secs(5) }),
    methods: &[],
    repetition: Repetition::Calls(Retry {
        attempts_max: 3,
        wait_first: Duration::from_millis(50),
        wait_max: Duration::from_secs(1),
        budget: Budget { per_second: 1, percent_of_calls: 10 },
    }),
    breaking: Breaking::After(Thresholds {
        failures_in_a_row: 5,
        open_for: Duration::from_secs(5),
        expiry_counts_after: Duration::from_secs(1),
    }),
    caller_sees: "`STORE_UNAVAILABLE` with a delay, or `DEADLINE_EXCEEDED`",
    logged: Logged::Here(Severity::Warn),
    metrics: CLIENT_METRICS,
};

/// The OpenTelemetry collector.
pub const COLLECTOR: Policy = Policy {
    name: "collector",
    purpose: "Traces and metrics are delivered to it, in the background",
    connect_timeout: Some(Duration::from_secs(3)),
    call_timeout: Duration::from_secs(5),
    keep_alive: None,
    methods: &[],
    repetition: Repetition::Never("what does not get through in time is dropped and counted; the next batch is tried"),
    breaking: Breaking::Never("one delivery at a time, on a thread of its own: no request waits for it"),
    caller_sees: "nothing",
    logged: Logged::ByItsUser { event: names::TELEMETRY_EXPORT_FAILED, severity: Severity::Warn },
    // Those that found the queue full, and those that were tried in vain.
    metrics: &[names::SDK_SPANS_PROCESSED, names::SDK_SPANS_EXPORTED],
};

/// The identity provider.
pub const IDENTITY_PROVIDER: Policy = Policy {
    name: "identity-provider",
    purpose: "The keys that tokens are verified with, where `auth.jwks` is a URL; fetched in the background",
    connect_timeout: None,
    call_timeout: Duration::from_secs(5),
    keep_alive: None,
    methods: &[],
    repetition: Repetition::ByItsUser(
        "fetched anew every `auth.jwks_refresh`, and sooner for a token with an unknown key; after a failure, again after a \
         random wait of 1 s to 2 s that doubles up to 30 s",
    ),
    breaking: Breaking::Never(
        "only requests whose token names an unknown key wait for it, all for one fetch, and fetches have a least distance",
    ),
    caller_sees: "nothing while the keys in hand verify its token; a token with an unknown key is refused; \
                  `IDENTITY_UNAVAILABLE` with a delay before there were any keys",
    logged: Logged::ByItsUser { event: names::IDENTITY_KEYS_FAILED, severity: Severity::Warn },
    metrics: &[names::IDENTITY_KEYS_READS, names::IDENTITY_KEYS_AGE],
};

/// The store of a service, on the same machine.
pub const STORE: Policy = Policy {
    name: "store",
    purpose: "The SQLite file of each service",
    connect_timeout: None,
    call_timeout: Duration::from_secs(5),
    keep_alive: None,
    methods: &[],
    repetition: Repetition::Never(
        "a write that cannot be made now is refused, and repeated by the caller with its key",
    ),
    breaking: Breaking::Never("it is local: readiness goes off instead, and the queue before it is bounded"),
    caller_sees: "`STORE_UNAVAILABLE` with a delay, or `QUEUE_FULL`; a failed disk ends the process (74)",
    logged: Logged::ByItsUser { event: "store_failed", severity: Severity::Error },
    metrics: &[names::DB_OPERATION_DURATION],
};

/// All of them.
pub const DEPENDENCIES: [&Policy; 6] = [&EVENT_FEED, &PEER, &HEALTH, &COLLECTOR, &IDENTITY_PROVIDER, &STORE];
