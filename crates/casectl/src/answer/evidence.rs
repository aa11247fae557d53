//! Audit events.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use case_api::pb;
use serde::Serialize;

use super::history::ChangeJson;
use super::{is_default, named, number, time};

/// `casetracker.v1.AuditEvent`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditEventJson<'a> {
    audit_event_id: &'a str,
    // A field with presence: the first one is 0, and shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<String>,
    case_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_version: Option<String>,
    actor_id: &'a str,
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<ChangeJson<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    trace_id: &'a str,
    #[serde(skip_serializing_if = "is_default")]
    lifecycle_version: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    leaf: String,
}

impl<'a> From<&'a pb::AuditEvent> for AuditEventJson<'a> {
    fn from(event: &'a pb::AuditEvent) -> Self {
        let change =
            |change: &'a pb::AuditChange| ChangeJson { field: &change.field, from: &change.from, to: &change.to };
        Self {
            audit_event_id: &event.audit_event_id,
            index: event.index.map(|index| index.to_string()),
            case_id: &event.case_id,
            case_version: number(event.case_version),
            actor_id: &event.actor_id,
            action: &event.action,
            outcome: named(event.outcome().as_str_name(), event.outcome),
            changes: event.changes.iter().map(change).collect(),
            reason: &event.reason,
            time: time(event.time.as_ref()),
            request_id: &event.request_id,
            trace_id: &event.trace_id,
            lifecycle_version: event.lifecycle_version,
            leaf: STANDARD.encode(&event.leaf),
        }
    }
}
