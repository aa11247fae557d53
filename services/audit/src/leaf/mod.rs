//! The audit leaf: one event as canonical bytes.
//!
//! A leaf is JSON in the canonical form of RFC 8785 (JCS), shaped like a CloudEvents 1.0 event. It is a pure function of
//! the event's evidence, so that anybody who has the feed can recompute it, and it is serialised once: what is stored
//! are the bytes.
//!
//! Canonical without a canonicalising library: the members of every object are struct fields in sorted order, and there
//! is no map, no number, no boolean and no null. The rules:
//! * Every member is always there. What is absent is an empty string.
//! * Every number is a string of decimal digits.
//! * Times have exactly six digits of the second, so that they sort as text.
//! * Free text never stands in a leaf, only `SHA-256(salt || text)` in lower-case hexadecimal digits. The members `from`
//!   and `to` of a free-text change are empty.
//! * The trace id is that of the event's `traceparent`, empty if there is none or none that can be read.
//!
//! A change to any of this is a new `type` (`….v2`): leaves are never rewritten.

mod build;
mod decimal;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use case_api::RecordError;
use serde::{Deserialize, Serialize};

pub(crate) use build::time_text;

/// The largest leaf, in bytes. The tiles of a transparency log hold entries of up to 65,535 bytes; half of that leaves
/// room for what may be put around it.
pub const LEAF_BYTES_MAX: usize = 32 * 1024;

/// What the event came from.
const SOURCE: &str = "casetracker/case-command";
/// The version of `CloudEvents`.
const SPEC_VERSION: &str = "1.0";
const CONTENT_TYPE: &str = "application/json";
/// Only accepted commands make events.
pub(crate) const OUTCOME_ACCEPTED: &str = "ACCEPTED";

/// One audit leaf. The fields stand in the order of their names by UTF-16 code units, as JCS wants members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf<'a> {
    /// What happened.
    #[serde(borrow)]
    pub data: LeafData<'a>,
    /// Always `application/json`.
    #[serde(borrow)]
    pub datacontenttype: Cow<'a, str>,
    /// The event's id, a UUIDv7.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// Always `casetracker/case-command`.
    #[serde(borrow)]
    pub source: Cow<'a, str>,
    /// Always `1.0`.
    #[serde(borrow)]
    pub specversion: Cow<'a, str>,
    /// The case's id.
    #[serde(borrow)]
    pub subject: Cow<'a, str>,
    /// When it was decided: RFC 3339, UTC, microseconds.
    #[serde(borrow)]
    pub time: Cow<'a, str>,
    /// Such as `casetracker.case_transitioned.v1`.
    #[serde(borrow, rename = "type")]
    pub kind: Cow<'a, str>,
}

/// What happened: the payload of a leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeafData<'a> {
    /// What was done, such as `case_transitioned`.
    #[serde(borrow)]
    pub action: Cow<'a, str>,
    /// Who did it.
    #[serde(borrow)]
    pub actor_id: Cow<'a, str>,
    /// The case it was done to.
    #[serde(borrow)]
    pub case_id: Cow<'a, str>,
    /// The version of the case after it.
    #[serde(with = "decimal")]
    pub case_version: u64,
    /// Every field that changed, in the order of the event.
    #[serde(borrow)]
    pub changes: Vec<LeafChange<'a>>,
    /// The version of the lifecycle that it was decided under.
    #[serde(with = "decimal")]
    pub lifecycle_version: u32,
    /// Always `ACCEPTED`.
    #[serde(borrow)]
    pub outcome: Cow<'a, str>,
    /// The place in the feed, from 1.
    #[serde(with = "decimal")]
    pub position: u64,
    /// The digest of the reason.
    #[serde(borrow)]
    pub reason_digest: Cow<'a, str>,
    /// The correlation id of the request.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// `OPEN`, `PAUSED` or `CLOSED`: the category of the case's status after it.
    #[serde(borrow)]
    pub status_category: Cow<'a, str>,
    /// The trace of the request, 32 hexadecimal digits.
    #[serde(borrow)]
    pub trace_id: Cow<'a, str>,
}

/// One field of the case, from one value to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeafChange<'a> {
    /// The field's name.
    #[serde(borrow)]
    pub field: Cow<'a, str>,
    /// The value before; empty for free text.
    #[serde(borrow)]
    pub from: Cow<'a, str>,
    /// Free text only: the digest of the value before.
    #[serde(borrow)]
    pub from_digest: Cow<'a, str>,
    /// The value after; empty for free text.
    #[serde(borrow)]
    pub to: Cow<'a, str>,
    /// Free text only: the digest of the value after.
    #[serde(borrow)]
    pub to_digest: Cow<'a, str>,
}

/// Evidence that no leaf can be made of: a newer service wrote it, or it is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// An action that this version does not know.
    #[error(transparent)]
    Action(RecordError),
    /// A category of a status that this version does not know.
    #[error("the event has the unknown status category {0}")]
    UnknownCategory(i32),
    /// A time that no calendar shows.
    #[error("the event's time lies outside the years 1 to 9999")]
    TimeOutOfRange,
    /// A digest that is not one of SHA-256.
    #[error("the event's digest of {field} has {bytes} bytes, not 32")]
    Digest {
        /// What it is the digest of.
        field: String,
        /// How long it is.
        bytes: usize,
    },
    /// More than [`LEAF_BYTES_MAX`].
    #[error("the event's leaf would have {0} bytes, at most {LEAF_BYTES_MAX} are allowed")]
    TooLarge(usize),
    /// The serialiser failed: a bug.
    #[error("the event's leaf cannot be written as JSON")]
    Unwritable,
}

/// The bytes are no leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored bytes are no leaf")]
pub struct NotALeaf;

impl<'a> Leaf<'a> {
    /// Reads stored bytes.
    ///
    /// What is wrong with them is not said: a message of the parser could repeat them.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NotALeaf> {
        serde_json::from_slice(bytes).map_err(|_| NotALeaf)
    }

    /// The canonical bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, LeafError> {
        let bytes = serde_json::to_vec(self).map_err(|_| LeafError::Unwritable)?;
        if bytes.len() > LEAF_BYTES_MAX {
            return Err(LeafError::TooLarge(bytes.len()));
        }
        Ok(bytes)
    }
}
