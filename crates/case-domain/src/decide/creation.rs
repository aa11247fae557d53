//! New cases.

use super::first;
use crate::event::{Action, Change, Event};
use crate::{CaseDraft, CreateCase, DecisionContext, Rejection, Status, StatusCategory};

pub(super) fn create(command: &CreateCase, context: &DecisionContext<'_>) -> Result<Event, Rejection> {
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
        changes: changes(status, &command.draft),
    })
}

fn changes(status: &Status, draft: &CaseDraft) -> Vec<Change> {
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
