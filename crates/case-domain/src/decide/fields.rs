//! Changes of fields, and hand-overs.

use std::mem::discriminant;

use super::{Outcome, moved};
use crate::event::{Action, Change};
use crate::{AssignCase, Case, DecisionContext, Edit, Rejection, StatusCategory, Tags};

/// A closed case keeps its fields, even where nothing would change.
pub(super) fn update(case: &Case, edits: &[Edit], context: &DecisionContext<'_>) -> Result<Option<Outcome>, Rejection> {
    if case.status_category == StatusCategory::Closed {
        return Err(Rejection::CaseClosed {
            case_id: case.id.clone(),
            status: case.status.clone(),
            allowed: context.lifecycle.transitions_from(&case.status).map(|edge| edge.to.clone()).collect(),
        });
    }
    let changes = last_of_each(edits).filter_map(|edit| edited(case, edit)).collect();
    Ok(Outcome::staying(case, Action::CaseUpdated, changes))
}

pub(super) fn assign(case: &Case, to: &AssignCase) -> Option<Outcome> {
    let mut changes = Vec::new();
    changes.extend(moved(case.assignee.as_ref(), to.assignee.as_ref()).map(Change::Assignee));
    if let Some(team) = &to.team {
        changes.extend(moved(case.team.as_ref(), team.as_ref()).map(Change::Team));
    }
    Outcome::staying(case, Action::CaseAssigned, changes)
}

/// An event tells each field at most once: of several edits of one field the last holds, as if made one after another.
fn last_of_each(edits: &[Edit]) -> impl Iterator<Item = &Edit> {
    edits.iter().enumerate().filter_map(|(index, edit)| {
        let mut later = edits.iter().skip(index + 1).map(discriminant);
        (!later.any(|field| field == discriminant(edit))).then_some(edit)
    })
}

fn edited(case: &Case, edit: &Edit) -> Option<Change> {
    let set = |tags: &Tags| Some(tags.clone()).filter(|tags| !tags.is_empty());
    match edit {
        Edit::Title(to) if *to == case.title => None,
        Edit::Title(to) => Some(Change::Title { from: Some(case.title.clone()), to: to.clone() }),
        Edit::Description(to) => moved(case.description.as_ref(), to.as_ref()).map(Change::Description),
        Edit::Priority(to) => moved(case.priority.as_ref(), to.as_ref()).map(Change::Priority),
        Edit::Severity(to) => moved(case.severity.as_ref(), to.as_ref()).map(Change::Severity),
        Edit::Assignee(to) => moved(case.assignee.as_ref(), to.as_ref()).map(Change::Assignee),
        Edit::Team(to) => moved(case.team.as_ref(), to.as_ref()).map(Change::Team),
        Edit::Reporter(to) => moved(case.reporter.as_ref(), to.as_ref()).map(Change::Reporter),
        Edit::Tags(to) => moved(set(&case.tags).as_ref(), set(to).as_ref()).map(Change::Tags),
        Edit::CustomFields(to) => moved(case.custom_fields.as_ref(), to.as_ref()).map(Change::CustomFields),
        Edit::DueTime(to) => moved(case.due_time.as_ref(), to.as_ref()).map(Change::DueTime),
    }
}
