//! Who asks, and what a decision may know.

use crate::{CaseIdPrefix, Lifecycle, Person, Timestamp};

/// The W3C trace context of the span that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: [u8; 16],
    /// The span within it.
    pub span_id: [u8; 8],
    /// Whether the trace is recorded.
    pub sampled: bool,
}

/// Who asks: travels with a command as an argument and stands in its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// The correlation id, 1 to 128 visible ASCII characters.
    pub request_id: Box<str>,
    /// Who asks, as authentication says.
    pub actor: Person,
    /// The trace of the request, if it has one.
    pub trace: Option<TraceContext>,
}

/// Everything that a decision may depend on besides the state and the command.
#[derive(Debug, Clone, Copy)]
pub struct DecisionContext<'a> {
    /// The time of the decision: never before that of an earlier one.
    pub now: Timestamp,
    /// Who asks.
    pub request: &'a RequestContext,
    /// The lifecycle in force.
    pub lifecycle: &'a Lifecycle,
    /// Its version.
    pub lifecycle_version: u32,
    /// How ids of new cases begin.
    pub case_id_prefix: &'a CaseIdPrefix,
    /// The number of the next new case.
    pub next_case_number: u64,
    /// Whether the case of [`crate::Command::linked_case_id`] exists; of no meaning where the command names none.
    pub linked_case_exists: bool,
}
