//! The free text beside a leaf: shown while it exists, and only if it is the text whose digest the leaf has.

use case_api::event_pb::{Content, ContentChange, Evidence, EvidenceChange, RecordedEvent};
use case_api::{ERASED, RecordError, shown_changes};

use crate::digest::salted;
use crate::leaf::{Leaf, LeafChange};

/// A leaf and its content do not belong together, or the leaf cannot be shown. The text itself is not repeated: it may
/// be confidential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Mismatch {
    /// The text has another digest than the leaf says, or the leaf knows of no such text.
    #[error("the text of {0} is not the one whose digest the leaf has")]
    Digest(String),
    /// The leaf names a field that this version does not know.
    #[error("the changes in the leaf cannot be shown")]
    Unshowable(#[source] RecordError),
}

/// What an audit event shows of its texts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    /// Every change; erased text shows as such.
    pub(crate) changes: Vec<ContentChange>,
    /// Why; empty if no reason was given.
    pub(crate) reason: String,
}

/// Checks that every text that is still there is the one that the leaf has the digest of.
pub(crate) fn verify(leaf: &Leaf<'_>, content: &Content) -> Result<(), Mismatch> {
    let genuine = |text: &str, digest: &str| text.is_empty() || salted(&content.salt, text) == digest;
    if !genuine(&content.reason, &leaf.data.reason_digest) {
        return Err(Mismatch::Digest("reason".to_owned()));
    }
    for text in &content.changes {
        let known = leaf.data.changes.iter().find(|change| change.field == text.field);
        if !known.is_some_and(|c| genuine(&text.from, &c.from_digest) && genuine(&text.to, &c.to_digest)) {
            return Err(Mismatch::Digest(text.field.clone()));
        }
    }
    Ok(())
}

/// The changes and the reason as they are shown: text where it is still there, else [`ERASED`] where there was one.
pub(crate) fn shown(leaf: &Leaf<'_>, content: Content) -> Result<Shown, Mismatch> {
    verify(leaf, &content)?;
    let reason = if content.reason.is_empty() && !leaf.data.reason_digest.is_empty() {
        ERASED.to_owned()
    } else {
        content.reason.clone()
    };
    let evidence = Evidence { changes: leaf.data.changes.iter().map(evidence_change).collect(), ..Evidence::default() };
    let record = RecordedEvent { evidence: Some(evidence), content: Some(content) };
    // Evidence is there, so that an unknown field is the only thing that can be wrong.
    let changes = shown_changes(&record).map_err(Mismatch::Unshowable)?;
    Ok(Shown { changes, reason })
}

/// As much of the evidence as tells which texts there were: of a digest, whether there is one.
fn evidence_change(change: &LeafChange<'_>) -> EvidenceChange {
    EvidenceChange {
        field: change.field.clone().into_owned(),
        from: change.from.clone().into_owned(),
        to: change.to.clone().into_owned(),
        from_digest: change.from_digest.as_bytes().to_vec(),
        to_digest: change.to_digest.as_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use case_api::{SALT_BYTES, Stamp, record_event};
    use case_domain::{
        Action, CaseIdPrefix, Change, Event, Moved, Person, Reason, RequestContext, Status, StatusCategory, Timestamp,
        Title,
    };

    use super::*;

    fn record() -> RecordedEvent {
        let status = Change::Status { from: None, to: Status::new("DRAFT").unwrap() };
        let title = Change::Title { from: None, to: Title::new("Water damage").unwrap() };
        let team = Change::Team(Moved { from: None, to: Some(Person::new("claims").unwrap()) });
        let event = Event {
            case_id: CaseIdPrefix::new("CASE").unwrap().id(1),
            case_version: 1,
            time: Timestamp::from_unix_us(0).unwrap(),
            action: Action::CaseCreated,
            request: RequestContext { request_id: "req-1".into(), actor: Person::new("amira").unwrap(), trace: None },
            lifecycle_version: 1,
            status_category: StatusCategory::Open,
            reason: Some(Reason::new("a flood").unwrap()),
            changes: vec![status, title, team],
        };
        let stamp = Stamp { position: 1, event_id: "01938f5c-4b3a-7000-8000-000000000001", salt: [7; SALT_BYTES] };
        record_event(&event, stamp)
    }

    fn parts(record: &RecordedEvent) -> (Leaf<'_>, Content) {
        (Leaf::of(record.evidence.as_ref().unwrap()).unwrap(), record.content.clone().unwrap())
    }

    fn texts(shown: &Shown) -> Vec<(&str, &str)> {
        shown.changes.iter().map(|change| (change.field.as_str(), change.to.as_str())).collect()
    }

    #[test]
    fn text_is_shown_while_it_is_there() {
        let record = record();
        let (leaf, content) = parts(&record);
        let shown = shown(&leaf, content).unwrap();
        assert_eq!(texts(&shown), [("status", "DRAFT"), ("title", "Water damage"), ("team", "claims")]);
        assert_eq!(shown.reason, "a flood");
    }

    #[test]
    fn erased_text_shows_that_there_was_one() {
        let record = record();
        let (leaf, _) = parts(&record);
        let shown = shown(&leaf, Content::default()).unwrap();
        assert_eq!(texts(&shown), [("status", "DRAFT"), ("title", ERASED), ("team", "claims")]);
        assert_eq!(shown.reason, ERASED);
        assert_eq!(shown.changes[1].from, "", "there was no title before");
    }

    #[test]
    fn text_that_is_not_the_recorded_one_is_not_shown() {
        let record = record();
        let (leaf, genuine) = parts(&record);
        let mut title = genuine.clone();
        title.changes[0].to.push('!');
        assert_eq!(shown(&leaf, title), Err(Mismatch::Digest("title".to_owned())));
        let reason = Content { reason: "none".to_owned(), ..genuine.clone() };
        assert_eq!(shown(&leaf, reason), Err(Mismatch::Digest("reason".to_owned())));
        let salt = Content { salt: vec![8; SALT_BYTES], ..genuine.clone() };
        assert_eq!(shown(&leaf, salt), Err(Mismatch::Digest("reason".to_owned())));
        let mut smuggled = genuine.clone();
        smuggled.changes.push(ContentChange {
            field: "description".to_owned(),
            to: "x".to_owned(),
            ..ContentChange::default()
        });
        assert_eq!(shown(&leaf, smuggled), Err(Mismatch::Digest("description".to_owned())));
        assert_eq!(verify(&leaf, &genuine), Ok(()));
    }
}
