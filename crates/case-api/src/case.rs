//! A case on the wire.

use case_domain::{Case, CaseId, Lifecycle, Link, LinkType, Priority, Severity, StatusCategory, Transition};

use crate::{custom_fields_to_pb, pb, timestamp_to_pb};

/// A case as clients see it; the lifecycle in force says what is allowed next.
pub fn case_to_pb(case: &Case, lifecycle: &Lifecycle) -> pb::Case {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    pb::Case {
        case_id: case.id.as_str().to_owned(),
        version: case.version,
        title: case.title.as_str().to_owned(),
        description: text(case.description.as_ref().map(case_domain::Prose::as_str)),
        status: case.status.as_str().to_owned(),
        status_category: status_category_to_pb(case.status_category).into(),
        priority: case.priority.map_or(pb::Priority::Unspecified, priority_to_pb).into(),
        severity: case.severity.map_or(pb::Severity::Unspecified, severity_to_pb).into(),
        assignee: text(case.assignee.as_ref().map(case_domain::Line::as_str)),
        team: text(case.team.as_ref().map(case_domain::Line::as_str)),
        reporter: text(case.reporter.as_ref().map(case_domain::Line::as_str)),
        tags: case.tags.as_slice().iter().map(|tag| tag.as_str().to_owned()).collect(),
        custom_fields: case.custom_fields.as_ref().and_then(custom_fields_to_pb),
        due_time: case.due_time.map(timestamp_to_pb),
        create_time: Some(timestamp_to_pb(case.create_time)),
        update_time: Some(timestamp_to_pb(case.update_time)),
        close_time: case.close_time.map(timestamp_to_pb),
        allowed_transitions: lifecycle.transitions_from(&case.status).map(allowed_transition).collect(),
        links: case.links.iter().map(link_to_pb).collect(),
        comment_count: case.comment_count,
    }
}

/// The id of a comment: the case's id, a hash sign and the comment's number within the case, from 1.
pub fn comment_id(case_id: &str, number: u64) -> String {
    format!("{case_id}#{number}")
}

fn allowed_transition(edge: &Transition) -> pb::AllowedTransition {
    pb::AllowedTransition {
        to_status: edge.to.as_str().to_owned(),
        requires_reason: edge.requires_reason,
        required_fields: edge.required_fields.iter().map(|field| field.as_str().to_owned()).collect(),
        requires_other_actor_than: edge.other_actor_than.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn link_to_pb(link: &Link) -> pb::CaseLink {
    pb::CaseLink { case_id: link.case_id.as_str().to_owned(), link_type: link_type_to_pb(link.link_type).into() }
}

/// A link that another case has made to this one, as this one sees it.
pub fn inverse_link_to_pb(from: &CaseId, link_type: LinkType) -> pb::CaseLink {
    let inverse = match link_type {
        LinkType::RelatesTo => pb::LinkType::RelatesTo,
        LinkType::Duplicates => pb::LinkType::DuplicatedBy,
        LinkType::Blocks => pb::LinkType::BlockedBy,
        LinkType::ChildOf => pb::LinkType::ParentOf,
    };
    pb::CaseLink { case_id: from.as_str().to_owned(), link_type: inverse.into() }
}

fn link_type_to_pb(link_type: LinkType) -> pb::LinkType {
    match link_type {
        LinkType::RelatesTo => pb::LinkType::RelatesTo,
        LinkType::Duplicates => pb::LinkType::Duplicates,
        LinkType::Blocks => pb::LinkType::Blocks,
        LinkType::ChildOf => pb::LinkType::ChildOf,
    }
}

/// Reads the type that a link is made with. The error says what is allowed.
pub(crate) fn link_type_from_pb(number: i32) -> Result<LinkType, &'static str> {
    match pb::LinkType::try_from(number) {
        Ok(pb::LinkType::RelatesTo) => Ok(LinkType::RelatesTo),
        Ok(pb::LinkType::Duplicates) => Ok(LinkType::Duplicates),
        Ok(pb::LinkType::Blocks) => Ok(LinkType::Blocks),
        Ok(pb::LinkType::ChildOf) => Ok(LinkType::ChildOf),
        Ok(pb::LinkType::DuplicatedBy | pb::LinkType::BlockedBy | pb::LinkType::ParentOf) => {
            Err("is an inverse, which is only shown; make the link from the other case")
        }
        Ok(pb::LinkType::Unspecified) => Err("is required"),
        Err(_) => Err("is not a value of this enum"),
    }
}

/// The case that a `validate_only` creation would make: it has no number, so it has no id.
pub fn case_without_id(case: &Case, lifecycle: &Lifecycle) -> pb::Case {
    pb::Case { case_id: String::new(), ..case_to_pb(case, lifecycle) }
}

pub(crate) fn status_category_to_pb(category: StatusCategory) -> pb::StatusCategory {
    match category {
        StatusCategory::Open => pb::StatusCategory::Open,
        StatusCategory::Paused => pb::StatusCategory::Paused,
        StatusCategory::Closed => pb::StatusCategory::Closed,
    }
}

/// Reads a category; `Err` where the number has no name, `Ok(None)` where it is not said.
pub fn status_category_from_pb(number: i32) -> Result<Option<StatusCategory>, UnknownEnumValue> {
    match pb::StatusCategory::try_from(number).map_err(|_| UnknownEnumValue { number })? {
        pb::StatusCategory::Unspecified => Ok(None),
        pb::StatusCategory::Open => Ok(Some(StatusCategory::Open)),
        pb::StatusCategory::Paused => Ok(Some(StatusCategory::Paused)),
        pb::StatusCategory::Closed => Ok(Some(StatusCategory::Closed)),
    }
}

fn priority_to_pb(priority: Priority) -> pb::Priority {
    match priority {
        Priority::Low => pb::Priority::Low,
        Priority::Medium => pb::Priority::Medium,
        Priority::High => pb::Priority::High,
        Priority::Urgent => pb::Priority::Urgent,
    }
}

/// Reads a priority; `Err` where the number has no name, `Ok(None)` where it is not said.
pub fn priority_from_pb(number: i32) -> Result<Option<Priority>, UnknownEnumValue> {
    match pb::Priority::try_from(number).map_err(|_| UnknownEnumValue { number })? {
        pb::Priority::Unspecified => Ok(None),
        pb::Priority::Low => Ok(Some(Priority::Low)),
        pb::Priority::Medium => Ok(Some(Priority::Medium)),
        pb::Priority::High => Ok(Some(Priority::High)),
        pb::Priority::Urgent => Ok(Some(Priority::Urgent)),
    }
}

fn severity_to_pb(severity: Severity) -> pb::Severity {
    match severity {
        Severity::Low => pb::Severity::Low,
        Severity::Medium => pb::Severity::Medium,
        Severity::High => pb::Severity::High,
        Severity::Urgent => pb::Severity::Urgent,
    }
}

/// Reads a severity; `Err` where the number has no name, `Ok(None)` where it is not said.
pub fn severity_from_pb(number: i32) -> Result<Option<Severity>, UnknownEnumValue> {
    match pb::Severity::try_from(number).map_err(|_| UnknownEnumValue { number })? {
        pb::Severity::Unspecified => Ok(None),
        pb::Severity::Low => Ok(Some(Severity::Low)),
        pb::Severity::Medium => Ok(Some(Severity::Medium)),
        pb::Severity::High => Ok(Some(Severity::High)),
        pb::Severity::Urgent => Ok(Some(Severity::Urgent)),
    }
}

/// A number that names no value of its enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{number} is not a value of this enum")]
pub struct UnknownEnumValue {
    /// The number.
    pub number: i32,
}
