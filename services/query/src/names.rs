//! Names of this service's log events, spans and metrics: dashboards, alerts and runbooks are written against them.

use service_kit::telemetry::policy::{Logged, Moment};

/// INFO: the store is open.
pub(crate) const STORE_OPENED: &str = "store_opened";
/// INFO: a caller asked for a case that there is not.
pub(crate) const CASE_NOT_FOUND: &str = "case_not_found";
/// WARN: a read could not be as fresh as it had to be.
pub(crate) const PROJECTION_LAGGING: &str = "projection_lagging";
/// INFO or WARN: the projection is built for the first time; or thrown away, and built anew.
pub(crate) const PROJECTION_REBUILD_STARTED: &str = "projection_rebuild_started";
/// INFO: the projection is whole and answers again.
pub(crate) const PROJECTION_REBUILT: &str = "projection_rebuilt";
/// INFO: another lifecycle has arrived.
pub(crate) const LIFECYCLE_RECEIVED: &str = "lifecycle_received";

/// Span: one event, in the trace of the request that caused it.
pub(crate) const SPAN_PROJECT: &str = "query.project";
/// Span: a batch: a trace of its own, with its commit.
pub(crate) const SPAN_APPLY_BATCH: &str = "query.apply_batch";

/// Counter, `{answer}`, by `result` (two): cases that were asked for by `GetCase`, and whether the answer was kept in memory.
pub(crate) const ANSWERS: &str = "casetracker.query.answers";
/// Whether it was: [`RESULT_FOUND`] or [`RESULT_MISSING`].
pub(crate) const RESULT: &str = "result";
/// The answer was kept.
pub(crate) const RESULT_FOUND: &str = "found";
/// The answer had to be read from the store.
pub(crate) const RESULT_MISSING: &str = "missing";

/// Which of the events belong to which moment of the logging policy.
pub const LOGGED: [Logged; 2] = [
    Logged { event: CASE_NOT_FOUND, moment: Moment::DomainRejection },
    Logged { event: PROJECTION_LAGGING, moment: Moment::DependencyFailure },
];
