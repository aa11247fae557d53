//! The rules: which command becomes which event.

use crate::event::{Action, Change, Event, Moved};
use crate::{
    Case, CaseDraft, CaseId, Command, CreateCase, DecisionContext, Reason, Status, StatusCategory, Transition,
    TransitionCase,
};

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
    /// The edge needs a reason and the command gives none.
    #[error("{case_id} needs a reason to go from {from} to {to}")]
    ReasonRequired {
        /// The case.
        case_id: CaseId,
        /// Where it stands.
        from: Status,
        /// Where it was to go.
        to: Status,
    },
}

/// Decides a command on the present state of its case (`None`: there is no such case).
///
/// `Ok(None)` means accepted without anything to change.
pub fn decide(
    state: Option<&Case>,
    command: &Command,
    context: &DecisionContext<'_>,
) -> Result<Option<Event>, Rejection> {
    match command {
        Command::CreateCase(command) => create(command, context).map(Some),
        Command::TransitionCase(command) => {
            let case = existing(state, &command.case_id)?;
            expect_version(case, command.expected_version)?;
            transition(case, command, context).map(Some)
        }
    }
}

fn existing<'a>(state: Option<&'a Case>, case_id: &CaseId) -> Result<&'a Case, Rejection> {
    state.filter(|case| case.id == *case_id).ok_or_else(|| Rejection::CaseNotFound { case_id: case_id.clone() })
}

fn expect_version(case: &Case, expected: Option<u64>) -> Result<(), Rejection> {
    match expected {
        Some(expected) if expected != case.version => {
            Err(Rejection::VersionMismatch { case_id: case.id.clone(), expected, current: case.version })
        }
        Some(_) | None => Ok(()),
    }
}

fn create(command: &CreateCase, context: &DecisionContext<'_>) -> Result<Event, Rejection> {
    let lifecycle = context.lifecycle;
    let status = match &command.initial_status {
        None => lifecycle.default_initial(),
        Some(wanted) => lifecycle.initial().iter().find(|status| *status == wanted).ok_or_else(|| {
            Rejection::NotAnInitialStatus { status: wanted.clone(), allowed: lifecycle.initial().to_vec() }
        })?,
    };
    Ok(Event {
        case_id: context.case_id_prefix.id(context.next_case_number),
        case_version: 1,
        time: context.now,
        action: Action::CaseCreated,
        request: context.request.clone(),
        lifecycle_version: context.lifecycle_version,
        // A status of the lifecycle has a category; Open is never reached.
        status_category: lifecycle.category(status).unwrap_or(StatusCategory::Open),
        reason: command.reason.clone(),
        changes: initial_changes(status, &command.draft),
    })
}

fn initial_changes(status: &Status, draft: &CaseDraft) -> Vec<Change> {
    let mut changes =
        vec![Change::Status { from: None, to: status.clone() }, Change::Title { from: None, to: draft.title.clone() }];
    let mut set = |change: Option<Change>| changes.extend(change);
    set(first(draft.description.as_ref()).map(Change::Description));
    set(first(draft.priority.as_ref()).map(Change::Priority));
    set(first(draft.severity.as_ref()).map(Change::Severity));
    set(first(draft.assignee.as_ref()).map(Change::Assignee));
    set(first(draft.team.as_ref()).map(Change::Team));
    set(first(draft.reporter.as_ref()).map(Change::Reporter));
    set(first(Some(&draft.tags).filter(|tags| !tags.is_empty())).map(Change::Tags));
    set(first(draft.custom_fields.as_ref()).map(Change::CustomFields));
    set(first(draft.due_time.as_ref()).map(Change::DueTime));
    changes
}

fn transition(case: &Case, command: &TransitionCase, context: &DecisionContext<'_>) -> Result<Event, Rejection> {
    let edge = context.lifecycle.transition(&case.status, &command.to_status).ok_or_else(|| {
        Rejection::TransitionNotAllowed {
            case_id: case.id.clone(),
            from: case.status.clone(),
            to: command.to_status.clone(),
            allowed: context.lifecycle.transitions_from(&case.status).map(|edge| edge.to.clone()).collect(),
        }
    })?;
    meet_requirements(case, edge, command.reason.as_ref())?;
    let mut changes = vec![Change::Status { from: Some(case.status.clone()), to: edge.to.clone() }];
    if let Some(assignee) = &command.assignee {
        changes.extend(moved(case.assignee.as_ref(), assignee.as_ref()).map(Change::Assignee));
    }
    if let Some(team) = &command.team {
        changes.extend(moved(case.team.as_ref(), team.as_ref()).map(Change::Team));
    }
    Ok(Event {
        case_id: case.id.clone(),
        case_version: case.version + 1,
        time: context.now,
        action: Action::CaseTransitioned,
        request: context.request.clone(),
        lifecycle_version: context.lifecycle_version,
        // The edge's end is a status of the lifecycle; the fallback is never reached.
        status_category: context.lifecycle.category(&edge.to).unwrap_or(case.status_category),
        reason: command.reason.clone(),
        changes,
    })
}

fn meet_requirements(case: &Case, edge: &Transition, reason: Option<&Reason>) -> Result<(), Rejection> {
    if edge.requires_reason && reason.is_none() {
        return Err(Rejection::ReasonRequired {
            case_id: case.id.clone(),
            from: edge.from.clone(),
            to: edge.to.clone(),
        });
    }
    Ok(())
}

fn first<T: Clone>(to: Option<&T>) -> Option<Moved<T>> {
    to.map(|to| Moved { from: None, to: Some(to.clone()) })
}

fn moved<T: Clone + PartialEq>(from: Option<&T>, to: Option<&T>) -> Option<Moved<T>> {
    (from != to).then(|| Moved { from: from.cloned(), to: to.cloned() })
}
