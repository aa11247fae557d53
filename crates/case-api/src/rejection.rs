//! What the caller reads when the domain refuses.

use case_domain::{Rejection, Status};
use rpc_error::{Failure, Reason};

/// The resource type of a case in `google.rpc.ResourceInfo`.
pub const CASE_RESOURCE: &str = "casetracker.v1.Case";

/// No case has this id.
pub fn case_not_found(case_id: &str) -> Failure {
    Failure::new(Reason::CaseNotFound, format!("there is no case {case_id:?}; check the id"))
        .with_metadata("case_id", case_id)
        .with_resource(CASE_RESOURCE, case_id, "no case has this id")
}

/// A domain rejection as the failure that the caller reads.
pub fn failure(rejection: &Rejection) -> Failure {
    match rejection {
        Rejection::CaseNotFound { case_id } => case_not_found(case_id.as_str()),
        Rejection::VersionMismatch { case_id, expected, current } => Failure::new(
            Reason::CaseVersionMismatch,
            format!("{case_id} is at version {current}, not {expected}; read it again and decide anew"),
        )
        .with_metadata("case_id", case_id.as_str())
        .with_metadata("expected", expected.to_string())
        .with_metadata("current", current.to_string())
        .with_resource(CASE_RESOURCE, case_id.as_str(), "the case has changed since it was read"),
        Rejection::NotAnInitialStatus { status, allowed } => not_an_initial_status(status.as_str(), allowed),
        Rejection::TransitionNotAllowed { case_id, from, to, allowed } => Failure::new(
            Reason::TransitionNotAllowed,
            format!("{case_id} cannot go from {from} to {to}; {}", next_steps(allowed)),
        )
        .with_metadata("case_id", case_id.as_str())
        .with_metadata("from", from.as_str())
        .with_metadata("to", to.as_str())
        .with_metadata("allowed", joined(allowed))
        .with_precondition("LIFECYCLE", case_id.as_str(), &format!("from {from}: {}", next_steps(allowed))),
        Rejection::ReasonRequired { case_id, from, to } => Failure::new(
            Reason::TransitionRequirementNotMet,
            format!("{case_id} needs a reason to go from {from} to {to}; set `reason`"),
        )
        .with_metadata("case_id", case_id.as_str())
        .with_metadata("from", from.as_str())
        .with_metadata("to", to.as_str())
        .with_metadata("requirement", "reason")
        .with_precondition("REASON_REQUIRED", case_id.as_str(), "this transition needs a reason"),
    }
}

/// The status to begin in is unknown, or no case may begin there.
pub(crate) fn not_an_initial_status(status: &str, allowed: &[Status]) -> Failure {
    let description = format!("no case begins in {status:?}; it may begin in {}", joined(allowed));
    Failure::new(Reason::ValidationFailed, format!("1 field is invalid: initial_status: {description}"))
        .with_metadata("fields", "initial_status")
        .with_metadata("allowed", joined(allowed))
        .with_violation("initial_status", &description, "UNKNOWN_STATUS")
}

fn next_steps(allowed: &[Status]) -> String {
    if allowed.is_empty() { "nothing is allowed next".to_owned() } else { format!("allowed: {}", joined(allowed)) }
}

/// Names joined by commas, as they stand in metadata.
pub(crate) fn joined(statuses: &[Status]) -> String {
    statuses.iter().map(Status::as_str).collect::<Vec<_>>().join(", ")
}
