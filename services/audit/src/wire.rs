//! From stored records to what clients see.

use case_api::event_pb::Content;
use case_api::pb::{AuditChange, AuditEvent, Outcome};
use case_api::timestamp_to_pb;
use case_domain::Timestamp;
use prost::Message as _;

use crate::content::{self, Mismatch, Shown};
use crate::leaf::{Leaf, NotALeaf};
use crate::store::StoredRecord;

/// A stored record that is not what was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the record at index {index} does not verify")]
pub(crate) struct Corrupt {
    /// The place in the log.
    pub(crate) index: u64,
    /// What is wrong with it; never its text.
    pub(crate) source: Damage,
}

/// What is wrong with a stored record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damage {
    /// The leaf cannot be read.
    #[error(transparent)]
    Leaf(#[from] NotALeaf),
    /// The leaf has a value that no leaf has.
    #[error("the leaf has an impossible {0}")]
    Value(&'static str),
    /// The text cannot be read.
    #[error("the stored text cannot be decoded")]
    Content,
    /// Leaf and text do not belong together.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
}

/// To the wire.
pub(crate) fn audit_event(record: StoredRecord) -> Result<AuditEvent, Corrupt> {
    let index = record.index;
    of_record(record).map_err(|source| Corrupt { index, source })
}

fn of_record(record: StoredRecord) -> Result<AuditEvent, Damage> {
    let leaf = Leaf::parse(&record.leaf)?;
    let content = Content::decode(&*record.content).map_err(|_| Damage::Content)?;
    let Shown { changes, reason } = content::shown(&leaf, content)?;
    let text = |text: &str| text.to_owned();
    let event = AuditEvent {
        audit_event_id: text(&leaf.id),
        index: Some(record.index),
        case_id: text(&leaf.data.case_id),
        case_version: leaf.data.case_version,
        actor_id: text(&leaf.data.actor_id),
        action: text(&leaf.data.action),
        outcome: outcome(&leaf.data.outcome)?.into(),
        changes: changes.into_iter().map(|c| AuditChange { field: c.field, from: c.from, to: c.to }).collect(),
        reason,
        time: Some(timestamp_to_pb(time(&leaf.time)?)),
        request_id: text(&leaf.data.request_id),
        trace_id: text(&leaf.data.trace_id),
        lifecycle_version: leaf.data.lifecycle_version,
        leaf: Vec::new(),
    };
    Ok(AuditEvent { leaf: record.leaf, ..event })
}

fn outcome(name: &str) -> Result<Outcome, Damage> {
    match name {
        "ACCEPTED" => Ok(Outcome::Accepted),
        _ => Err(Damage::Value("outcome")),
    }
}

fn time(text: &str) -> Result<Timestamp, Damage> {
    let time: jiff::Timestamp = text.parse().map_err(|_| Damage::Value("time"))?;
    Timestamp::from_unix_us(time.as_microsecond()).ok_or(Damage::Value("time"))
}
