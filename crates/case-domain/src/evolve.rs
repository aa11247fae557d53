//! The next state after an event.

use std::collections::BTreeMap;

use crate::event::{Action, Change, Event};
use crate::{Case, CaseId, Person, StatusCategory, Tags, Timestamp};

/// The event does not follow from the state: one of them is not what was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvolveError {
    /// The first event of a case must create it, with a status and a title.
    #[error("the first event of {case_id} does not create it")]
    NotCreated {
        /// The case.
        case_id: CaseId,
    },
    /// The event is one of another case.
    #[error("the event of {event} does not belong to {case_id}")]
    OtherCase {
        /// The case of the state.
        case_id: CaseId,
        /// The case of the event.
        event: CaseId,
    },
    /// The event is not the next one of its case.
    #[error("{case_id} is at version {current} and the event makes it {event}")]
    VersionGap {
        /// The case.
        case_id: CaseId,
        /// The version of the state; 0 if there is none.
        current: u64,
        /// The version that the event makes.
        event: u64,
    },
}

/// Applies an event to the state before it (`None`: no such case yet).
pub fn evolve(state: Option<Case>, event: &Event) -> Result<Case, EvolveError> {
    if let Some(case) = state.as_ref().filter(|case| case.id != event.case_id) {
        return Err(EvolveError::OtherCase { case_id: case.id.clone(), event: event.case_id.clone() });
    }
    let current = state.as_ref().map_or(0, |case| case.version);
    if current.checked_add(1) != Some(event.case_version) {
        let case_id = event.case_id.clone();
        return Err(EvolveError::VersionGap { case_id, current, event: event.case_version });
    }
    let mut case = match (state, event.action == Action::CaseCreated) {
        (None, true) => created(event)?,
        (Some(case), false) => case,
        (None, false) | (Some(_), true) => return Err(EvolveError::NotCreated { case_id: event.case_id.clone() }),
    };
    for change in &event.changes {
        apply(&mut case, change, &event.request.actor);
    }
    case.version = event.case_version;
    case.update_time = event.time;
    case.close_time = close_time(&case, event);
    case.status_category = event.status_category;
    Ok(case)
}

/// A case that closes takes the event's time, one that stays closed keeps its own, one that reopens has none.
fn close_time(before: &Case, event: &Event) -> Option<Timestamp> {
    match (before.close_time, event.status_category) {
        (_, StatusCategory::Open | StatusCategory::Paused) => None,
        (Some(earlier), StatusCategory::Closed) => Some(earlier),
        (None, StatusCategory::Closed) => Some(event.time),
    }
}

fn created(event: &Event) -> Result<Case, EvolveError> {
    let missing = || EvolveError::NotCreated { case_id: event.case_id.clone() };
    let status =
        event.changes.iter().find_map(|change| if let Change::Status { to, .. } = change { Some(to) } else { None });
    let title =
        event.changes.iter().find_map(|change| if let Change::Title { to, .. } = change { Some(to) } else { None });
    Ok(Case {
        id: event.case_id.clone(),
        version: 0,
        status: status.ok_or_else(missing)?.clone(),
        status_category: event.status_category,
        title: title.ok_or_else(missing)?.clone(),
        description: None,
        priority: None,
        severity: None,
        assignee: None,
        team: None,
        reporter: None,
        tags: Tags::default(),
        custom_fields: None,
        due_time: None,
        create_time: event.time,
        update_time: event.time,
        close_time: None,
        links: Vec::new(),
        comment_count: 0,
        entered_by: BTreeMap::new(),
    })
}

fn apply(case: &mut Case, change: &Change, actor: &Person) {
    match change {
        Change::Status { to, .. } => {
            case.status = to.clone();
            case.entered_by.insert(to.clone(), actor.clone());
        }
        Change::Title { to, .. } => case.title = to.clone(),
        Change::Description(moved) => case.description.clone_from(&moved.to),
        Change::Priority(moved) => case.priority = moved.to,
        Change::Severity(moved) => case.severity = moved.to,
        Change::Assignee(moved) => case.assignee.clone_from(&moved.to),
        Change::Team(moved) => case.team.clone_from(&moved.to),
        Change::Reporter(moved) => case.reporter.clone_from(&moved.to),
        Change::Tags(moved) => case.tags = moved.to.clone().unwrap_or_default(),
        Change::CustomFields(moved) => case.custom_fields.clone_from(&moved.to),
        Change::DueTime(moved) => case.due_time = moved.to,
        Change::Comment(_) => case.comment_count += 1,
        Change::Link(moved) => {
            if let Some(gone) = &moved.from {
                case.links.retain(|link| link != gone);
            }
            case.links.extend(moved.to.clone());
        }
    }
}
