//! Why commands are refused.

use crate::{CaseId, Link, Person, RequiredField, Status};

/// What a transition requires and the command does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// A reason.
    Reason,
    /// This field must be set.
    Field(RequiredField),
    /// Another actor than the one who last moved the case into a status.
    OtherActor {
        /// The status.
        entered: Status,
        /// Who moved the case there.
        actor: Person,
    },
}

/// Why a command was refused. The variants stand in the order in which the checks are made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such case.
    #[error("there is no case {case_id}")]
    CaseNotFound {
        /// The id that names no case.
        case_id: CaseId,
    },
    /// The case has moved on since the caller saw it.
    #[error("{case_id} is at version {current}, not {expected}")]
    VersionMismatch {
        /// The case.
        case_id: CaseId,
        /// What the caller expected.
        expected: u64,
        /// What it is.
        current: u64,
    },
    /// No case may begin in this status.
    #[error("no case begins in {status}")]
    NotAnInitialStatus {
        /// The refused status.
        status: Status,
        /// Where a case may begin.
        allowed: Vec<Status>,
    },
    /// The lifecycle has no such edge.
    #[error("{case_id} cannot go from {from} to {to}")]
    TransitionNotAllowed {
        /// The case.
        case_id: CaseId,
        /// Where it stands.
        from: Status,
        /// Where it was to go.
        to: Status,
        /// Where it may go.
        allowed: Vec<Status>,
    },
    /// The edge requires what the command does not give.
    #[error("{case_id} does not meet what going from {from} to {to} requires")]
    RequirementsNotMet {
        /// The case.
        case_id: CaseId,
        /// Where it stands.
        from: Status,
        /// Where it was to go.
        to: Status,
        /// Everything that is missing, at least one thing.
        missing: Vec<Requirement>,
    },
    /// Fields of a closed case do not change.
    #[error("{case_id} is closed")]
    CaseClosed {
        /// The case.
        case_id: CaseId,
        /// Where it stands.
        status: Status,
        /// Where it may be moved, such as to reopen it.
        allowed: Vec<Status>,
    },
    /// The case has this link already.
    #[error("{case_id} has this link already")]
    LinkExists {
        /// The case.
        case_id: CaseId,
        /// The link.
        link: Link,
    },
    /// The case has no such link.
    #[error("{case_id} has no such link")]
    LinkNotFound {
        /// The case.
        case_id: CaseId,
        /// The link.
        link: Link,
    },
    /// The case has as many links as it may have.
    #[error("{case_id} has {max} links")]
    TooManyLinks {
        /// The case.
        case_id: CaseId,
        /// The bound.
        max: usize,
    },
}
