//! Timelines and the lifecycle.

use case_api::pb;
use serde::Serialize;

use super::{duration, is_default, named, number, time};

/// The answer of `timeline`: every page in one document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TimelineAnswer<'a> {
    entries: Vec<EntryJson<'a>>,
    time_in_status: Vec<StayJson<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    as_of: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EntryJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    actor_id: &'a str,
    action: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<ChangeJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_version: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_id: &'a str,
}

/// One changed field.
#[derive(Serialize)]
pub(super) struct ChangeJson<'a> {
    pub(super) field: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) from: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) to: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StayJson<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<String>,
}

impl<'a> TimelineAnswer<'a> {
    pub(crate) fn new(entries: &'a [pb::TimelineEntry], stays: &'a [pb::TimeInStatus], as_of: &'a str) -> Self {
        let stay = |stay: &'a pb::TimeInStatus| StayJson {
            status: &stay.status,
            duration: stay.duration.as_ref().map(duration),
        };
        Self { entries: entries.iter().map(entry).collect(), time_in_status: stays.iter().map(stay).collect(), as_of }
    }
}

fn entry(entry: &pb::TimelineEntry) -> EntryJson<'_> {
    EntryJson {
        time: time(entry.time.as_ref()),
        actor_id: &entry.actor_id,
        action: &entry.action,
        reason: &entry.reason,
        changes: entry.changes.iter().map(change).collect(),
        case_version: number(entry.case_version),
        request_id: &entry.request_id,
    }
}

fn change(change: &pb::FieldChange) -> ChangeJson<'_> {
    ChangeJson { field: &change.field, from: &change.from, to: &change.to }
}

/// The answer of `lifecycle show`.
#[derive(Serialize)]
pub(crate) struct LifecycleAnswer<'a> {
    lifecycle: LifecycleJson<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LifecycleJson<'a> {
    version: u32,
    statuses: Vec<StatusJson<'a>>,
    initial_statuses: &'a [String],
    transitions: Vec<TransitionJson<'a>>,
}

#[derive(Serialize)]
struct StatusJson<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TransitionJson<'a> {
    from_status: &'a str,
    to_status: &'a str,
    #[serde(skip_serializing_if = "is_default")]
    requires_reason: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    required_fields: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    requires_other_actor_than: &'a str,
}

impl<'a> From<&'a pb::Lifecycle> for LifecycleAnswer<'a> {
    fn from(lifecycle: &'a pb::Lifecycle) -> Self {
        let status = |status: &'a pb::LifecycleStatus| StatusJson {
            name: &status.name,
            category: named(status.category().as_str_name(), status.category),
        };
        let transition = |edge: &'a pb::LifecycleTransition| TransitionJson {
            from_status: &edge.from_status,
            to_status: &edge.to_status,
            requires_reason: edge.requires_reason,
            required_fields: &edge.required_fields,
            requires_other_actor_than: &edge.requires_other_actor_than,
        };
        let lifecycle = LifecycleJson {
            version: lifecycle.version,
            statuses: lifecycle.statuses.iter().map(status).collect(),
            initial_statuses: &lifecycle.initial_statuses,
            transitions: lifecycle.transitions.iter().map(transition).collect(),
        };
        Self { lifecycle }
    }
}
