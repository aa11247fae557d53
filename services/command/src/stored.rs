//! The stored form of a case's state: a versioned protobuf message of this service alone.
//!
//! Tags are never reused and never change their meaning: rows outlive programs.

use std::collections::BTreeMap;

use case_domain::{
    Case, CaseId, CustomFields, Line, Link, LinkType, Person, Priority, Prose, Severity, Status, StatusCategory, Tag,
    Tags, Timestamp,
};
use storage::Error;

/// One row of `cases`, and the answer in a row of `answers`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CaseState {
    #[prost(string, tag = "1")]
    case_id: String,
    #[prost(uint64, tag = "2")]
    version: u64,
    #[prost(string, tag = "3")]
    status: String,
    #[prost(string, tag = "4")]
    status_category: String,
    #[prost(string, tag = "5")]
    title: String,
    #[prost(string, tag = "6")]
    description: String,
    #[prost(string, tag = "7")]
    priority: String,
    #[prost(string, tag = "8")]
    severity: String,
    #[prost(string, tag = "9")]
    assignee: String,
    #[prost(string, tag = "10")]
    team: String,
    #[prost(string, tag = "11")]
    reporter: String,
    #[prost(string, repeated, tag = "12")]
    tags: Vec<String>,
    #[prost(string, tag = "13")]
    custom_fields: String,
    #[prost(int64, optional, tag = "14")]
    due_time_us: Option<i64>,
    #[prost(int64, tag = "15")]
    create_time_us: i64,
    #[prost(int64, tag = "16")]
    update_time_us: i64,
    #[prost(int64, optional, tag = "17")]
    close_time_us: Option<i64>,
    #[prost(message, repeated, tag = "18")]
    links: Vec<StoredLink>,
    #[prost(uint64, tag = "19")]
    comment_count: u64,
    /// Status to actor.
    #[prost(btree_map = "string, string", tag = "20")]
    entered_by: BTreeMap<String, String>,
}

/// One link of a case.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StoredLink {
    #[prost(string, tag = "1")]
    case_id: String,
    #[prost(string, tag = "2")]
    link_type: String,
}

impl From<&Case> for CaseState {
    fn from(case: &Case) -> Self {
        let line = |line: Option<&str>| line.unwrap_or_default().to_owned();
        Self {
            case_id: case.id.as_str().to_owned(),
            version: case.version,
            status: case.status.as_str().to_owned(),
            status_category: case.status_category.as_str().to_owned(),
            title: case.title.as_str().to_owned(),
            description: line(case.description.as_ref().map(Prose::as_str)),
            priority: line(case.priority.map(Priority::as_str)),
            severity: line(case.severity.map(Severity::as_str)),
            assignee: line(case.assignee.as_ref().map(Line::as_str)),
            team: line(case.team.as_ref().map(Line::as_str)),
            reporter: line(case.reporter.as_ref().map(Line::as_str)),
            tags: case.tags.as_slice().iter().map(|tag| tag.as_str().to_owned()).collect(),
            custom_fields: line(case.custom_fields.as_ref().map(CustomFields::as_str)),
            due_time_us: case.due_time.map(Timestamp::unix_us),
            create_time_us: case.create_time.unix_us(),
            update_time_us: case.update_time.unix_us(),
            close_time_us: case.close_time.map(Timestamp::unix_us),
            links: case.links.iter().map(StoredLink::from).collect(),
            comment_count: case.comment_count,
            entered_by: case.entered_by.iter().map(|(to, by)| (to.to_string(), by.as_str().to_owned())).collect(),
        }
    }
}

impl From<&Link> for StoredLink {
    fn from(link: &Link) -> Self {
        Self { case_id: link.case_id.as_str().to_owned(), link_type: link.link_type.as_str().to_owned() }
    }
}

impl TryFrom<StoredLink> for Link {
    type Error = Error;

    fn try_from(link: StoredLink) -> Result<Self, Error> {
        Ok(Self {
            case_id: valid("link", CaseId::parse(&link.case_id).ok())?,
            link_type: valid("link", LinkType::parse(&link.link_type))?,
        })
    }
}

impl TryFrom<CaseState> for Case {
    type Error = Error;

    fn try_from(state: CaseState) -> Result<Self, Error> {
        let tags: Option<Vec<Tag>> = state.tags.iter().map(|tag| Tag::new(tag).ok()).collect();
        Ok(Self {
            id: valid("case_id", CaseId::parse(&state.case_id).ok())?,
            version: state.version,
            status: valid("status", Status::new(&state.status).ok())?,
            status_category: valid("status_category", StatusCategory::parse(&state.status_category))?,
            title: valid("title", Line::new(&state.title).ok())?,
            description: optional("description", &state.description, |text| Prose::new(text).ok())?,
            priority: optional("priority", &state.priority, Priority::parse)?,
            severity: optional("severity", &state.severity, Severity::parse)?,
            assignee: optional("assignee", &state.assignee, |text| Line::new(text).ok())?,
            team: optional("team", &state.team, |text| Line::new(text).ok())?,
            reporter: optional("reporter", &state.reporter, |text| Line::new(text).ok())?,
            tags: valid("tags", tags.and_then(|tags| Tags::new(tags).ok()))?,
            custom_fields: optional("custom_fields", &state.custom_fields, |text| CustomFields::new(text).ok())?,
            due_time: state.due_time_us.map(|us| time("due_time", us)).transpose()?,
            create_time: time("create_time", state.create_time_us)?,
            update_time: time("update_time", state.update_time_us)?,
            close_time: state.close_time_us.map(|us| time("close_time", us)).transpose()?,
            links: state.links.into_iter().map(Link::try_from).collect::<Result<_, _>>()?,
            comment_count: state.comment_count,
            entered_by: state.entered_by.into_iter().map(entry).collect::<Result<_, _>>()?,
        })
    }
}

fn entry((status, actor): (String, String)) -> Result<(Status, Person), Error> {
    Ok((valid("entered_by", Status::new(&status).ok())?, valid("entered_by", Person::new(&actor).ok())?))
}

fn valid<T>(field: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::corrupt(format!("a stored case has an invalid {field}")))
}

fn optional<T>(field: &str, text: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
    if text.is_empty() { Ok(None) } else { valid(field, read(text)).map(Some) }
}

fn time(field: &str, unix_us: i64) -> Result<Timestamp, Error> {
    valid(field, Timestamp::from_unix_us(unix_us))
}
