//! Events as they are stored and carried: what can be proved apart from what may be forgotten.
//!
//! Free text (titles, descriptions, reasons, custom fields) stands in the content. The evidence has only
//! SHA-256(salt || text) of it, so that emptying the content forgets the text and leaves every proof valid.

use case_domain::{Action, CaseId, Event, Person, Reason, RequestContext, Timestamp};
use sha2::{Digest, Sha256};

use crate::event_pb::{Content, ContentChange, Evidence, EvidenceChange, RecordedEvent};
use crate::lifecycle::{category_from_pb, category_to_pb};
use crate::record_text::{Field, RecordError, action_from_pb, action_to_pb, change_from_text, texts};
use crate::{parse_traceparent, traceparent};

/// How many random bytes salt the digests of one event.
pub const SALT_BYTES: usize = 16;

/// What stands where free text has been erased.
pub const ERASED: &str = "[erased]";

/// What an event is given when it is stored.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// Its place in the feed, from 1.
    pub position: u64,
    /// Its id: a UUIDv7 in text form.
    pub event_id: &'a str,
    /// Salts the digests of its free text.
    pub salt: [u8; SALT_BYTES],
}

/// An event that was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the feed.
    pub position: u64,
    /// Its id.
    pub event_id: String,
    /// What happened.
    pub event: Event,
}

/// To the stored form.
pub fn record_event(event: &Event, stamp: Stamp<'_>) -> RecordedEvent {
    let digest = |text: &str| digest(&stamp.salt, text);
    let mut content = Content { salt: stamp.salt.to_vec(), ..Content::default() };
    let mut changes = Vec::with_capacity(event.changes.len());
    for change in &event.changes {
        let (from, to) = texts(change);
        let field = change.field().to_owned();
        if Field::of(change).is_free_text() {
            changes.push(EvidenceChange {
                field: field.clone(),
                from_digest: digest(&from),
                to_digest: digest(&to),
                ..EvidenceChange::default()
            });
            content.changes.push(ContentChange { field, from, to });
        } else {
            changes.push(EvidenceChange { field, from, to, ..EvidenceChange::default() });
        }
    }
    let reason = event.reason.as_ref().map(Reason::as_str).unwrap_or_default();
    reason.clone_into(&mut content.reason);
    let evidence = Evidence {
        event_id: stamp.event_id.to_owned(),
        position: stamp.position,
        time_unix_us: event.time.unix_us(),
        action: action_to_pb(event.action).into(),
        case_id: event.case_id.as_str().to_owned(),
        case_version: event.case_version,
        actor_id: event.request.actor.as_str().to_owned(),
        lifecycle_version: event.lifecycle_version,
        status_category: category_to_pb(event.status_category).into(),
        request_id: event.request.request_id.to_string(),
        traceparent: event.request.trace.as_ref().map(traceparent).unwrap_or_default(),
        changes,
        reason_digest: digest(reason),
    };
    RecordedEvent { evidence: Some(evidence), content: Some(content) }
}

/// From the stored form. Erased free text reads as [`ERASED`].
pub fn event_from_record(record: &RecordedEvent) -> Result<Recorded, RecordError> {
    let evidence = record.evidence.as_ref().ok_or(RecordError::Missing("evidence"))?;
    let invalid = |field: &'static str| move || RecordError::Invalid { field: field.to_owned() };
    let action: Action = action_from_pb(evidence.action)?;
    let changes = shown_changes(record)?
        .iter()
        .map(|change| change_from_text(&change.field, &change.from, &change.to))
        .collect::<Result<Vec<_>, _>>()?;
    let reason = shown_reason(record)?;
    let event = Event {
        case_id: CaseId::parse(&evidence.case_id).map_err(|_| invalid("case_id")())?,
        case_version: evidence.case_version,
        time: Timestamp::from_unix_us(evidence.time_unix_us).ok_or_else(invalid("time_unix_us"))?,
        action,
        request: RequestContext {
            request_id: evidence.request_id.as_str().into(),
            actor: Person::new(&evidence.actor_id).map_err(|_| invalid("actor_id")())?,
            trace: parse_traceparent(&evidence.traceparent),
        },
        lifecycle_version: evidence.lifecycle_version,
        status_category: category_from_pb(evidence.status_category).ok_or_else(invalid("status_category"))?,
        reason: if reason.is_empty() { None } else { Some(Reason::new(&reason).map_err(|_| invalid("reason")())?) },
        changes,
    };
    Ok(Recorded { position: evidence.position, event_id: evidence.event_id.clone(), event })
}

/// Every change with its texts as they are shown: free text from the content, [`ERASED`] where it has been emptied.
pub fn shown_changes(record: &RecordedEvent) -> Result<Vec<ContentChange>, RecordError> {
    let evidence = record.evidence.as_ref().ok_or(RecordError::Missing("evidence"))?;
    let content = record.content.as_ref();
    let show = |change: &EvidenceChange| {
        let field = Field::parse(&change.field)?;
        if !field.is_free_text() {
            let EvidenceChange { field, from, to, .. } = change.clone();
            return Ok(ContentChange { field, from, to });
        }
        let kept = content.and_then(|content| content.changes.iter().find(|kept| kept.field == change.field));
        Ok(kept.cloned().unwrap_or_else(|| {
            let erased = |digest: &[u8]| {
                if digest.is_empty() { String::new() } else { field.erased().to_owned() }
            };
            let (from, to) = (erased(&change.from_digest), erased(&change.to_digest));
            ContentChange { field: change.field.clone(), from, to }
        }))
    };
    evidence.changes.iter().map(show).collect()
}

fn shown_reason(record: &RecordedEvent) -> Result<String, RecordError> {
    let evidence = record.evidence.as_ref().ok_or(RecordError::Missing("evidence"))?;
    let kept = record.content.as_ref().map(|content| content.reason.clone()).unwrap_or_default();
    Ok(if kept.is_empty() && !evidence.reason_digest.is_empty() { ERASED.to_owned() } else { kept })
}

/// SHA-256(salt || text); nothing where there is no text.
fn digest(salt: &[u8], text: &str) -> Vec<u8> {
    if text.is_empty() {
        return Vec::new();
    }
    Sha256::new().chain_update(salt).chain_update(text).finalize().to_vec()
}
