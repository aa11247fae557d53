//! What may be expected of a dependency, and what is done when it does not do it.

use std::time::Duration;

/// The written policy of one dependency: the code acts on it, and `docs/dependencies.md` is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The dependency, as metrics, log lines and diagnostics name it.
    pub name: &'static str,
    /// What it is needed for.
    pub purpose: &'static str,
    /// How long connecting may take, TLS included; none where nothing is connected to.
    pub connect_timeout: Option<Duration>,
    /// How long one attempt may take: a unary call until its last byte, a stream until its first.
    pub call_timeout: Duration,
    /// How a quiet connection is watched; none where none is kept.
    pub keep_alive: Option<KeepAlive>,
    /// The methods that are called, and what may be done with them. One that is not here counts as [`Shape::Stream`].
    pub methods: &'static [Method],
    /// Who tries again, and when.
    pub repetition: Repetition,
    /// When calls are no longer even tried.
    pub breaking: Breaking,
    /// What the caller of ours sees when the dependency fails.
    pub caller_sees: &'static str,
    /// Where a failure is logged.
    pub logged: Logged,
    /// The metrics that show it.
    pub metrics: &'static [&'static str],
}

/// How a quiet connection is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepAlive {
    /// How often the peer of a quiet connection is asked whether it is alive.
    pub interval: Duration,
    /// How long it may take to answer that.
    pub timeout: Duration,
}

/// A method of a dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// `package.Service/Method`.
    pub name: &'static str,
    /// What may be done with it.
    pub shape: Shape,
}

/// What may be done with a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Unary, and may be sent again: doing it twice is doing it once.
    Repeatable,
    /// Unary, and never sent again: the first attempt may have been carried out.
    Once,
    /// A stream, on either side.
    Stream,
}

/// Who tries again, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repetition {
    /// The channel itself, for methods that are [`Shape::Repeatable`].
    Calls(Retry),
    /// Whoever uses the dependency, in this way.
    ByItsUser(&'static str),
    /// Nobody, for this reason.
    Never(&'static str),
}

/// How a channel tries again: after `UNAVAILABLE`, and after a `RESOURCE_EXHAUSTED` that says when; never past the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts at one call, the first included.
    pub attempts_max: u32,
    /// The upper bound of the first wait; it doubles from attempt to attempt, and each wait is random below it.
    pub wait_first: Duration,
    /// The upper bound of every later wait.
    pub wait_max: Duration,
    /// What all calls of a channel together may spend on further attempts.
    pub budget: Budget,
}

/// A bound on further attempts, so that retries cannot finish off a dependency that is in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Further attempts that are always allowed, in one second on average.
    pub per_second: u32,
    /// Those that are allowed beyond, in percent of the calls of the last 10 seconds.
    pub percent_of_calls: u16,
}

/// When calls are no longer even tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaking {
    /// By a circuit breaker.
    After(Thresholds),
    /// Never, for this reason.
    Never(&'static str),
}

/// When a circuit opens and closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// It opens after so many failures without a success between them.
    pub failures_in_a_row: u32,
    /// So long calls fail at once; then one is let through as a trial, and closes the circuit or keeps it open.
    pub open_for: Duration,
    /// A call that its own caller gave up earlier than this says nothing about the dependency.
    pub expiry_counts_after: Duration,
}

/// Where a failure is logged: once, by whoever handles it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logged {
    /// By the channel, as `dependency_failed`.
    Here(Severity),
    /// By whoever uses the dependency, as this event.
    ByItsUser {
        /// The name of the event.
        event: &'static str,
        /// Its level.
        severity: Severity,
    },
    /// Nowhere: whoever asked is told, in this way.
    Told(&'static str),
}

/// The level of a log line about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The service goes on, with less.
    Warn,
    /// Somebody has to look.
    Error,
}

impl Policy {
    /// What may be done with the method of this path (`/package.Service/Method`).
    pub fn shape(&self, path: &str) -> Shape {
        let name = path.strip_prefix('/').unwrap_or(path);
        self.methods.iter().find(|method| method.name == name).map_or(Shape::Stream, |method| method.shape)
    }

    /// Whether a call that its caller gave up after `spent` says something about the dependency.
    pub(super) fn counts(&self, spent: Duration) -> bool {
        match self.breaking {
            Breaking::After(thresholds) => spent >= thresholds.expiry_counts_after,
            Breaking::Never(_) => false,
        }
    }
}
