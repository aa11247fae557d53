//! A lifecycle as it is stored and carried.

use case_domain::{
    Lifecycle, LifecycleDraft, LifecycleProblem, RequiredField, Status, StatusCategory, StatusDefinition, Transition,
};

use crate::case::status_category_to_pb;
use crate::{event_pb, pb};

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
                required_fields: edge.required_fields.iter().map(|field| field.as_str().to_owned()).collect(),
                requires_other_actor_than: edge.other_actor_than.as_ref().map(name).unwrap_or_default(),
            })
            .collect(),
    }
}

/// As clients see it.
pub fn lifecycle_to_client(version: u32, lifecycle: &Lifecycle) -> pb::Lifecycle {
    let name = |status: &Status| status.as_str().to_owned();
    let status = |definition: &StatusDefinition| pb::LifecycleStatus {
        name: name(&definition.name),
        category: status_category_to_pb(definition.category).into(),
    };
    let transition = |edge: &Transition| pb::LifecycleTransition {
        from_status: name(&edge.from),
        to_status: name(&edge.to),
        requires_reason: edge.requires_reason,
        required_fields: edge.required_fields.iter().map(|field| field.as_str().to_owned()).collect(),
        requires_other_actor_than: edge.other_actor_than.as_ref().map(name).unwrap_or_default(),
    };
    pb::Lifecycle {
        version,
        statuses: lifecycle.statuses().iter().map(status).collect(),
        initial_statuses: lifecycle.initial().iter().map(name).collect(),
        transitions: lifecycle.transitions().iter().map(transition).collect(),
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
        let field = |name: &String| {
            RequiredField::parse(name).ok_or_else(|| InvalidDefinition::Entry(format!("required field {name:?}")))
        };
        let other_actor_than = Some(edge.requires_other_actor_than.as_str()).filter(|name| !name.is_empty());
        draft.transitions.push(Transition {
            from: status(&edge.from_status)?,
            to: status(&edge.to_status)?,
            requires_reason: edge.requires_reason,
            required_fields: edge.required_fields.iter().map(field).collect::<Result<_, _>>()?,
            other_actor_than: other_actor_than.map(status).transpose()?,
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
