//! What the caller reads when the domain refuses.

use case_domain::{CaseId, Link, Rejection, Requirement, Status};
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
        Rejection::RequirementsNotMet { case_id, from, to, missing } => unmet(case_id, (from, to), missing),
        Rejection::CaseClosed { case_id, status, allowed } => Failure::new(
            Reason::CaseClosed,
            format!("{case_id} is closed ({status}) and keeps its fields; {}", reopening(allowed)),
        )
        .with_metadata("case_id", case_id.as_str())
        .with_metadata("status", status.as_str())
        .with_metadata("allowed", joined(allowed))
        .with_precondition("CASE_CLOSED", case_id.as_str(), "fields of a closed case do not change"),
        Rejection::LinkExists { case_id, link } => {
            of_link(Reason::LinkExists, (case_id, link), "has this link already; nothing is to be done")
        }
        Rejection::LinkNotFound { case_id, link } => {
            of_link(Reason::LinkNotFound, (case_id, link), "has no such link; name the case that has it first")
        }
        Rejection::TooManyLinks { case_id, max } => {
            let description = format!("{case_id} has {max} links, the most that a case may have; unlink one first");
            Failure::new(Reason::ValidationFailed, format!("1 field is invalid: linked_case_id: {description}"))
                .with_metadata("fields", "linked_case_id")
                .with_metadata("limit", max.to_string())
                .with_violation("linked_case_id", &description, "TOO_MANY_LINKS")
        }
    }
}

/// Everything that a transition requires and does not get, at once.
fn unmet(case_id: &CaseId, (from, to): (&Status, &Status), missing: &[Requirement]) -> Failure {
    let told: Vec<_> = missing.iter().map(requirement).collect();
    let fixes: Vec<_> = told.iter().map(|told| told.fix.as_str()).collect();
    let message = format!("{case_id} cannot go from {from} to {to} like this: {}", fixes.join("; "));
    let words: Vec<_> = told.iter().map(|told| told.word.as_str()).collect();
    let failure = Failure::new(Reason::TransitionRequirementNotMet, message)
        .with_metadata("case_id", case_id.as_str())
        .with_metadata("from", from.as_str())
        .with_metadata("to", to.as_str())
        .with_metadata("requirements", words.join(", "));
    told.iter().fold(failure, |failure, told| failure.with_precondition(told.kind, case_id.as_str(), &told.fix))
}

struct Told {
    kind: &'static str,
    word: String,
    fix: String,
}

fn requirement(requirement: &Requirement) -> Told {
    match requirement {
        Requirement::Reason => Told {
            kind: "REASON_REQUIRED",
            word: "reason".to_owned(),
            fix: "it needs a reason; set `reason`".to_owned(),
        },
        Requirement::Field(field) => Told {
            kind: "FIELD_REQUIRED",
            word: field.as_str().to_owned(),
            fix: format!("the case needs `{}`; set it first", field.as_str()),
        },
        Requirement::OtherActor { entered, actor } => Told {
            kind: "OTHER_ACTOR_REQUIRED",
            word: "other_actor".to_owned(),
            fix: format!("{} moved it to {entered}, so somebody else must do this", actor.as_str()),
        },
    }
}

fn of_link(reason: Reason, (case_id, link): (&CaseId, &Link), what: &str) -> Failure {
    let (other, kind) = (&link.case_id, link.link_type.as_str());
    Failure::new(reason, format!("{case_id} {what}: {kind} {other}"))
        .with_metadata("case_id", case_id.as_str())
        .with_metadata("linked_case_id", other.as_str())
        .with_metadata("link_type", kind)
        .with_precondition(reason.as_str(), case_id.as_str(), &format!("{kind} {other}"))
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

fn reopening(allowed: &[Status]) -> String {
    if allowed.is_empty() {
        "it cannot be reopened".to_owned()
    } else {
        format!("reopen it first: {}", joined(allowed))
    }
}

/// Names joined by commas, as they stand in metadata.
pub(crate) fn joined(statuses: &[Status]) -> String {
    statuses.iter().map(Status::as_str).collect::<Vec<_>>().join(", ")
}
