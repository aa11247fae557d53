//! Cases and comments.

use case_api::pb;
use serde::Serialize;

use super::{fields, is_default, named, number, time};

/// The answer of every command.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WriteAnswer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<CommentJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) case: Option<CaseJson<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) replayed: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) consistency_token: &'a str,
}

/// The answer of `show`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CaseAnswer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) case: Option<CaseJson<'a>>,
    /// Only with `--comments`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comments: Option<Vec<CommentJson<'a>>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) as_of: &'a str,
}

/// The answer of `show` for several cases.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CasesAnswer<'a> {
    pub(crate) cases: Vec<CaseJson<'a>>,
    pub(crate) as_of: &'a str,
}

/// `casetracker.v1.Case`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CaseJson<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    case_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_category: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    assignee: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    team: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reporter: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_fields: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_time: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_transitions: Vec<AllowedJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<LinkJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment_count: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AllowedJson<'a> {
    to_status: &'a str,
    #[serde(skip_serializing_if = "is_default")]
    requires_reason: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    required_fields: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    requires_other_actor_than: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkJson<'a> {
    case_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    link_type: Option<&'static str>,
}

/// `casetracker.v1.Comment`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommentJson<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    comment_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    case_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    actor_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_time: Option<String>,
}

impl<'a> From<&'a pb::Case> for CaseJson<'a> {
    fn from(case: &'a pb::Case) -> Self {
        Self {
            case_id: &case.case_id,
            version: number(case.version),
            title: &case.title,
            description: &case.description,
            status: &case.status,
            status_category: named(case.status_category().as_str_name(), case.status_category),
            priority: named(case.priority().as_str_name(), case.priority),
            severity: named(case.severity().as_str_name(), case.severity),
            assignee: &case.assignee,
            team: &case.team,
            reporter: &case.reporter,
            tags: &case.tags,
            custom_fields: case.custom_fields.as_ref().map(fields::json),
            due_time: time(case.due_time.as_ref()),
            create_time: time(case.create_time.as_ref()),
            update_time: time(case.update_time.as_ref()),
            close_time: time(case.close_time.as_ref()),
            allowed_transitions: case.allowed_transitions.iter().map(allowed).collect(),
            links: case.links.iter().map(link).collect(),
            comment_count: number(case.comment_count),
        }
    }
}

fn allowed(next: &pb::AllowedTransition) -> AllowedJson<'_> {
    AllowedJson {
        to_status: &next.to_status,
        requires_reason: next.requires_reason,
        required_fields: &next.required_fields,
        requires_other_actor_than: &next.requires_other_actor_than,
    }
}

fn link(link: &pb::CaseLink) -> LinkJson<'_> {
    LinkJson { case_id: &link.case_id, link_type: named(link.link_type().as_str_name(), link.link_type) }
}

impl<'a> From<&'a pb::Comment> for CommentJson<'a> {
    fn from(comment: &'a pb::Comment) -> Self {
        Self {
            comment_id: &comment.comment_id,
            case_id: &comment.case_id,
            actor_id: &comment.actor_id,
            body: &comment.body,
            create_time: time(comment.create_time.as_ref()),
        }
    }
}
