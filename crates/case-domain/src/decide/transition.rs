//! Moves along the lifecycle.

use super::{Outcome, moved};
use crate::event::{Action, Change};
use crate::{
    Case, DecisionContext, Person, Reason, Rejection, RequiredField, Requirement, Team, Transition, TransitionCase,
};

pub(super) fn transition(
    case: &Case,
    command: &TransitionCase,
    reason: Option<&Reason>,
    context: &DecisionContext<'_>,
) -> Result<Outcome, Rejection> {
    let edge = context.lifecycle.transition(&case.status, &command.to_status).ok_or_else(|| {
        Rejection::TransitionNotAllowed {
            case_id: case.id.clone(),
            from: case.status.clone(),
            to: command.to_status.clone(),
            allowed: context.lifecycle.transitions_from(&case.status).map(|edge| edge.to.clone()).collect(),
        }
    })?;
    let after = HandOver::of(case, command);
    let missing = missing(case, edge, reason, (&after, &context.request.actor));
    if !missing.is_empty() {
        let (from, to) = (edge.from.clone(), edge.to.clone());
        return Err(Rejection::RequirementsNotMet { case_id: case.id.clone(), from, to, missing });
    }
    let mut changes = vec![Change::Status { from: Some(case.status.clone()), to: edge.to.clone() }];
    changes.extend(moved(case.assignee.as_ref(), after.assignee).map(Change::Assignee));
    changes.extend(moved(case.team.as_ref(), after.team).map(Change::Team));
    // The edge's end is a status of the lifecycle; the fallback is never reached.
    let status_category = context.lifecycle.category(&edge.to).unwrap_or(case.status_category);
    Ok(Outcome { action: Action::CaseTransitioned, changes, status_category })
}

/// Who has the case after the command.
struct HandOver<'a> {
    assignee: Option<&'a Person>,
    team: Option<&'a Team>,
}

impl<'a> HandOver<'a> {
    fn of(case: &'a Case, command: &'a TransitionCase) -> Self {
        let assignee = command.assignee.as_ref().map_or(case.assignee.as_ref(), Option::as_ref);
        let team = command.team.as_ref().map_or(case.team.as_ref(), Option::as_ref);
        Self { assignee, team }
    }
}

fn missing(
    case: &Case,
    edge: &Transition,
    reason: Option<&Reason>,
    (after, actor): (&HandOver<'_>, &Person),
) -> Vec<Requirement> {
    let mut missing = Vec::new();
    if edge.requires_reason && reason.is_none() {
        missing.push(Requirement::Reason);
    }
    let unset = edge.required_fields.iter().filter(|field| !is_set(case, after, **field));
    missing.extend(unset.map(|field| Requirement::Field(*field)));
    if let Some(entered) = &edge.other_actor_than {
        // A case that was never there has nobody to differ from.
        if case.entered_by.get(entered) == Some(actor) {
            missing.push(Requirement::OtherActor { entered: entered.clone(), actor: actor.clone() });
        }
    }
    missing
}

fn is_set(case: &Case, after: &HandOver<'_>, field: RequiredField) -> bool {
    match field {
        RequiredField::Description => case.description.is_some(),
        RequiredField::Priority => case.priority.is_some(),
        RequiredField::Severity => case.severity.is_some(),
        RequiredField::Assignee => after.assignee.is_some(),
        RequiredField::Team => after.team.is_some(),
        RequiredField::Reporter => case.reporter.is_some(),
        RequiredField::Tags => !case.tags.is_empty(),
        RequiredField::CustomFields => case.custom_fields.is_some(),
        RequiredField::DueTime => case.due_time.is_some(),
    }
}
