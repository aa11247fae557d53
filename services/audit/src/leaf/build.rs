//! From evidence to its leaf.

use std::borrow::Cow;

use case_api::event_pb::{Category, Evidence, EvidenceChange};
use case_api::{action_name, parse_traceparent};
use case_domain::{StatusCategory, Timestamp};

use super::{CONTENT_TYPE, Leaf, LeafChange, LeafData, LeafError, OUTCOME_ACCEPTED, SOURCE, SPEC_VERSION};
use crate::digest::{DIGEST_BYTES, hex};

impl<'a> Leaf<'a> {
    /// The leaf of an event: a pure function of its evidence.
    pub fn of(evidence: &'a Evidence) -> Result<Self, LeafError> {
        let action = action_name(evidence.action).map_err(LeafError::Action)?;
        Ok(Self {
            data: LeafData {
                action: action.into(),
                actor_id: (&evidence.actor_id).into(),
                case_id: (&evidence.case_id).into(),
                case_version: evidence.case_version,
                changes: evidence.changes.iter().map(change).collect::<Result<_, _>>()?,
                lifecycle_version: evidence.lifecycle_version,
                outcome: OUTCOME_ACCEPTED.into(),
                position: evidence.position,
                reason_digest: digest("reason", &evidence.reason_digest)?,
                request_id: (&evidence.request_id).into(),
                status_category: category(evidence.status_category)?.into(),
                trace_id: trace_id(&evidence.traceparent),
            },
            datacontenttype: CONTENT_TYPE.into(),
            id: (&evidence.event_id).into(),
            source: SOURCE.into(),
            specversion: SPEC_VERSION.into(),
            subject: (&evidence.case_id).into(),
            time: time(evidence.time_unix_us)?.into(),
            kind: format!("casetracker.{action}.v1").into(),
        })
    }
}

fn change(change: &EvidenceChange) -> Result<LeafChange<'_>, LeafError> {
    Ok(LeafChange {
        field: (&change.field).into(),
        from: (&change.from).into(),
        from_digest: digest(&change.field, &change.from_digest)?,
        to: (&change.to).into(),
        to_digest: digest(&change.field, &change.to_digest)?,
    })
}

fn digest(field: &str, bytes: &[u8]) -> Result<Cow<'static, str>, LeafError> {
    match bytes.len() {
        0 | DIGEST_BYTES => Ok(hex(bytes).into()),
        bytes => Err(LeafError::Digest { field: field.to_owned(), bytes }),
    }
}

fn category(number: i32) -> Result<&'static str, LeafError> {
    let category = match Category::try_from(number) {
        Ok(Category::Open) => StatusCategory::Open,
        Ok(Category::Paused) => StatusCategory::Paused,
        Ok(Category::Closed) => StatusCategory::Closed,
        Ok(Category::Unspecified) | Err(_) => return Err(LeafError::UnknownCategory(number)),
    };
    Ok(category.as_str())
}

fn time(unix_us: i64) -> Result<String, LeafError> {
    Timestamp::from_unix_us(unix_us).map(time_text).ok_or(LeafError::TimeOutOfRange)
}

/// A time as leaves write it: always six digits of the second.
pub(crate) fn time_text(time: Timestamp) -> String {
    // Every domain time lies within jiff's range (years -9999 to 9999).
    format!("{:.6}", jiff::Timestamp::from_microsecond(time.unix_us()).unwrap_or_default())
}

fn trace_id(traceparent: &str) -> Cow<'static, str> {
    parse_traceparent(traceparent).map(|trace| hex(&trace.trace_id)).unwrap_or_default().into()
}
