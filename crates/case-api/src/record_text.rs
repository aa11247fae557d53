//! The text form of changes in events: enum values without prefix, lists and structs as compact JSON, unset as "".

use case_domain::{
    Action, CaseId, Change, CommentBody, CustomFields, Line, Link, LinkType, Moved, Priority, Prose, Severity, Status,
    Tag, Tags, Title,
};

use crate::event_pb;
use crate::record::ERASED;
use crate::time::{from_rfc3339, rfc3339};

/// A stored event that this version cannot read: a newer service wrote it, or it is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A part is missing.
    #[error("the event has no {0}")]
    Missing(&'static str),
    /// An action that this version does not know.
    #[error("the event has the unknown action {0}")]
    UnknownAction(i32),
    /// A field that this version does not know.
    #[error("the event changes the unknown field {0:?}")]
    UnknownField(String),
    /// A value that does not fit its field.
    #[error("the event has an invalid {field}")]
    Invalid {
        /// The field; the value may be confidential.
        field: String,
    },
}

/// The fields that events can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Status,
    Title,
    Description,
    Priority,
    Severity,
    Assignee,
    Team,
    Reporter,
    Tags,
    CustomFields,
    DueTime,
    Comment,
    Link,
}

impl Field {
    pub(crate) fn parse(name: &str) -> Result<Self, RecordError> {
        Ok(match name {
            "status" => Self::Status,
            "title" => Self::Title,
            "description" => Self::Description,
            "priority" => Self::Priority,
            "severity" => Self::Severity,
            "assignee" => Self::Assignee,
            "team" => Self::Team,
            "reporter" => Self::Reporter,
            "tags" => Self::Tags,
            "custom_fields" => Self::CustomFields,
            "due_time" => Self::DueTime,
            "comment" => Self::Comment,
            "link" => Self::Link,
            _ => return Err(RecordError::UnknownField(name.to_owned())),
        })
    }

    pub(crate) const fn of(change: &Change) -> Self {
        match change {
            Change::Status { .. } => Self::Status,
            Change::Title { .. } => Self::Title,
            Change::Description(_) => Self::Description,
            Change::Priority(_) => Self::Priority,
            Change::Severity(_) => Self::Severity,
            Change::Assignee(_) => Self::Assignee,
            Change::Team(_) => Self::Team,
            Change::Reporter(_) => Self::Reporter,
            Change::Tags(_) => Self::Tags,
            Change::CustomFields(_) => Self::CustomFields,
            Change::DueTime(_) => Self::DueTime,
            Change::Comment(_) => Self::Comment,
            Change::Link(_) => Self::Link,
        }
    }

    /// Whether its values may have to be forgotten one day: they stand in the content, not in the evidence.
    pub(crate) const fn is_free_text(self) -> bool {
        match self {
            Self::Title | Self::Description | Self::CustomFields | Self::Comment => true,
            Self::Status
            | Self::Priority
            | Self::Severity
            | Self::Assignee
            | Self::Team
            | Self::Reporter
            | Self::Tags
            | Self::DueTime
            | Self::Link => false,
        }
    }

    /// What stands for an erased value: text of the field's own form.
    pub(crate) const fn erased(self) -> &'static str {
        if matches!(self, Self::CustomFields) { r#"{"erased":true}"# } else { ERASED }
    }
}

/// The values of a change before and after.
pub(crate) fn texts(change: &Change) -> (String, String) {
    match change {
        Change::Status { from, to } => (from.as_ref().map(Status::to_string).unwrap_or_default(), to.to_string()),
        Change::Title { from, to } => {
            (from.as_ref().map(|t| t.as_str().to_owned()).unwrap_or_default(), to.as_str().to_owned())
        }
        Change::Description(moved) => both(moved, |text| text.as_str().to_owned()),
        Change::Priority(moved) => both(moved, |priority| priority.as_str().to_owned()),
        Change::Severity(moved) => both(moved, |severity| severity.as_str().to_owned()),
        Change::Assignee(moved) | Change::Reporter(moved) => both(moved, |person| person.as_str().to_owned()),
        Change::Team(moved) => both(moved, |team| team.as_str().to_owned()),
        Change::Tags(moved) => both(moved, tags_json),
        Change::CustomFields(moved) => both(moved, |fields| fields.as_str().to_owned()),
        Change::DueTime(moved) => both(moved, |time| rfc3339(*time)),
        Change::Comment(body) => (String::new(), body.as_str().to_owned()),
        Change::Link(moved) => both(moved, link_json),
    }
}

/// Reads the form of [`texts`].
pub(crate) fn change_from_text(name: &str, from: &str, to: &str) -> Result<Change, RecordError> {
    let read = Reading { name, from, to };
    Ok(match Field::parse(name)? {
        Field::Status => {
            let moved = read.moved(|text| Status::new(text).ok())?;
            Change::Status { from: moved.from, to: moved.to.ok_or_else(|| read.invalid())? }
        }
        Field::Title => {
            let moved = read.moved(|text| Title::new(text).ok())?;
            Change::Title { from: moved.from, to: moved.to.ok_or_else(|| read.invalid())? }
        }
        Field::Description => Change::Description(read.moved(|text| Prose::new(text).ok())?),
        Field::Priority => Change::Priority(read.moved(Priority::parse)?),
        Field::Severity => Change::Severity(read.moved(Severity::parse)?),
        Field::Assignee => Change::Assignee(read.moved(|text| Line::new(text).ok())?),
        Field::Team => Change::Team(read.moved(|text| Line::new(text).ok())?),
        Field::Reporter => Change::Reporter(read.moved(|text| Line::new(text).ok())?),
        Field::Tags => Change::Tags(read.moved(tags_from_json)?),
        Field::CustomFields => Change::CustomFields(read.moved(|text| CustomFields::new(text).ok())?),
        Field::DueTime => Change::DueTime(read.moved(from_rfc3339)?),
        Field::Comment => {
            let moved = read.moved(|text| CommentBody::new(text).ok())?;
            Change::Comment(moved.to.ok_or_else(|| read.invalid())?)
        }
        Field::Link => Change::Link(read.moved(link_from_json)?),
    })
}

struct Reading<'a> {
    name: &'a str,
    from: &'a str,
    to: &'a str,
}

impl Reading<'_> {
    fn moved<T>(&self, read: impl Fn(&str) -> Option<T>) -> Result<Moved<T>, RecordError> {
        let value = |text: &str| match text {
            "" => Ok(None),
            text => read(text).map(Some).ok_or_else(|| self.invalid()),
        };
        Ok(Moved { from: value(self.from)?, to: value(self.to)? })
    }

    fn invalid(&self) -> RecordError {
        RecordError::Invalid { field: self.name.to_owned() }
    }
}

fn both<T>(moved: &Moved<T>, text: impl Fn(&T) -> String) -> (String, String) {
    let text = |value: &Option<T>| value.as_ref().map(&text).unwrap_or_default();
    (text(&moved.from), text(&moved.to))
}

fn tags_json(tags: &Tags) -> String {
    tags.as_slice().iter().map(Tag::as_str).collect::<serde_json::Value>().to_string()
}

fn tags_from_json(text: &str) -> Option<Tags> {
    let names: Vec<String> = serde_json::from_str(text).ok()?;
    let tags: Option<Vec<Tag>> = names.iter().map(|name| Tag::new(name).ok()).collect();
    Tags::new(tags?).ok()
}

fn link_json(link: &Link) -> String {
    serde_json::json!({ "case_id": link.case_id.as_str(), "link_type": link.link_type.as_str() }).to_string()
}

fn link_from_json(text: &str) -> Option<Link> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    let case_id = CaseId::parse(json.get("case_id")?.as_str()?).ok()?;
    Some(Link { case_id, link_type: LinkType::parse(json.get("link_type")?.as_str()?)? })
}

pub(crate) fn action_to_pb(action: Action) -> event_pb::Action {
    match action {
        Action::CaseCreated => event_pb::Action::CaseCreated,
        Action::CaseTransitioned => event_pb::Action::CaseTransitioned,
        Action::CaseUpdated => event_pb::Action::CaseUpdated,
        Action::CaseAssigned => event_pb::Action::CaseAssigned,
        Action::CaseCommented => event_pb::Action::CaseCommented,
        Action::CaseLinked => event_pb::Action::CaseLinked,
        Action::CaseUnlinked => event_pb::Action::CaseUnlinked,
    }
}

pub(crate) fn action_from_pb(number: i32) -> Result<Action, RecordError> {
    match event_pb::Action::try_from(number) {
        Ok(event_pb::Action::CaseCreated) => Ok(Action::CaseCreated),
        Ok(event_pb::Action::CaseTransitioned) => Ok(Action::CaseTransitioned),
        Ok(event_pb::Action::CaseUpdated) => Ok(Action::CaseUpdated),
        Ok(event_pb::Action::CaseAssigned) => Ok(Action::CaseAssigned),
        Ok(event_pb::Action::CaseCommented) => Ok(Action::CaseCommented),
        Ok(event_pb::Action::CaseLinked) => Ok(Action::CaseLinked),
        Ok(event_pb::Action::CaseUnlinked) => Ok(Action::CaseUnlinked),
        Ok(event_pb::Action::Unspecified) | Err(_) => Err(RecordError::UnknownAction(number)),
    }
}

/// The name of a stored action, such as `case_transitioned`.
pub fn action_name(number: i32) -> Result<&'static str, RecordError> {
    action_from_pb(number).map(Action::as_str)
}
