//! A lifecycle as it is stored and carried.

use case_domain::{Lifecycle, LifecycleDraft, LifecycleProblem, Status, StatusCategory, StatusDefinition, Transition};

use crate::event_pb;

/// A carried lifecycle does not hold together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDefinition {
    /// A name or a category that this version does not know.
    #[error("the lifecycle has an invalid entry: {0}")]
    Entry(String),
    /// The parts do not fit together.
    #[error("the lifecycle is inconsistent: {0:?}")]
    Inconsistent(Vec<LifecycleProblem>),
}

/// To the stored form.
pub fn lifecycle_to_pb(version: u32, lifecycle: &Lifecycle) -> event_pb::LifecycleDefinition {
    let name = |status: &Status| status.as_str().to_owned();
    event_pb::LifecycleDefinition {
        version,
        statuses: lifecycle
            .statuses()
            .iter()
            .map(|definition| event_pb::StatusDefinition {
                name: name(&definition.name),
                category: category_to_pb(definition.category).into(),
            })
            .collect(),
        initial_statuses: lifecycle.initial().iter().map(name).collect(),
        transitions: lifecycle
            .transitions()
            .iter()
            .map(|edge| event_pb::TransitionDefinition {
                from_status: name(&edge.from),
                to_status: name(&edge.to),
                requires_reason: edge.requires_reason,
            })
            .collect(),
    }
}

/// From the stored form.
pub fn lifecycle_from_pb(definition: &event_pb::LifecycleDefinition) -> Result<Lifecycle, InvalidDefinition> {
    let mut draft = LifecycleDraft::default();
    for entry in &definition.statuses {
        let category = category_from_pb(entry.category)
            .ok_or_else(|| InvalidDefinition::Entry(format!("category {}", entry.category)))?;
        draft.statuses.push(StatusDefinition { name: status(&entry.name)?, category });
    }
    for name in &definition.initial_statuses {
        draft.initial.push(status(name)?);
    }
    for edge in &definition.transitions {
        draft.transitions.push(Transition {
            from: status(&edge.from_status)?,
            to: status(&edge.to_status)?,
            requires_reason: edge.requires_reason,
        });
    }
    Lifecycle::new(draft).map_err(InvalidDefinition::Inconsistent)
}

fn status(name: &str) -> Result<Status, InvalidDefinition> {
    Status::new(name).map_err(|error| InvalidDefinition::Entry(format!("{name:?}: {error}")))
}

pub(crate) fn category_to_pb(category: StatusCategory) -> event_pb::Category {
    match category {
        StatusCategory::Open => event_pb::Category::Open,
        StatusCategory::Paused => event_pb::Category::Paused,
        StatusCategory::Closed => event_pb::Category::Closed,
    }
}

/// `None` where the number has no name or says nothing.
pub(crate) fn category_from_pb(number: i32) -> Option<StatusCategory> {
    match event_pb::Category::try_from(number).ok()? {
        event_pb::Category::Unspecified => None,
        event_pb::Category::Open => Some(StatusCategory::Open),
        event_pb::Category::Paused => Some(StatusCategory::Paused),
        event_pb::Category::Closed => Some(StatusCategory::Closed),
    }
}
