//! From an event of the feed to what the log keeps of it.

use case_api::event_pb::RecordedEvent;
use case_api::{RecordError, event_from_record};
use case_domain::CaseId;
use prost::Message as _;
use uuid::Uuid;

use crate::content::{self, Mismatch};
use crate::leaf::{Leaf, LeafError};

/// What the log keeps of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its place in the feed.
    pub(crate) position: u64,
    /// Its id.
    pub(crate) event_id: Uuid,
    /// Its case.
    pub(crate) case_id: CaseId,
    /// The canonical bytes.
    pub(crate) leaf: Vec<u8>,
    /// The encoded free text; empty if it has been erased.
    pub(crate) content: Vec<u8>,
}

/// An event that cannot be recorded: a newer service wrote it, or it is damaged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// Some part is unknown or invalid.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Its evidence makes no leaf.
    #[error(transparent)]
    Leaf(#[from] LeafError),
    /// Its text is not the one that the evidence has the digest of.
    #[error(transparent)]
    Content(#[from] Mismatch),
    /// Its id is not one.
    #[error("the event's id is no UUID in canonical form")]
    EventId,
}

impl Entry {
    /// What the log keeps of an event, all of which this version understands.
    pub(crate) fn of(record: &RecordedEvent) -> Result<Self, Unreadable> {
        let recorded = event_from_record(record)?;
        let evidence = record.evidence.as_ref().ok_or(RecordError::Missing("evidence"))?;
        let content = record.content.clone().unwrap_or_default();
        let leaf = Leaf::of(evidence)?;
        content::verify(&leaf, &content)?;
        Ok(Self {
            position: recorded.position,
            event_id: canonical_uuid(&recorded.event_id).ok_or(Unreadable::EventId)?,
            case_id: recorded.event.case_id,
            leaf: leaf.to_bytes()?,
            content: content.encode_to_vec(),
        })
    }
}

/// Reads a UUID in its one canonical form: 32 lower-case hexadecimal digits with four hyphens.
pub(crate) fn canonical_uuid(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    let mut canonical = Uuid::encode_buffer();
    (id.hyphenated().encode_lower(&mut canonical) == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_is_an_id() {
        let id = "01938f5c-4b3a-7000-8000-00000000000a";
        assert_eq!(canonical_uuid(id).map(|id| id.to_string()).as_deref(), Some(id));
        for other in ["", "x", &id.to_uppercase(), &id.replace('-', ""), &format!("{{{id}}}")] {
            assert_eq!(canonical_uuid(other), None, "{other}");
        }
    }
}
