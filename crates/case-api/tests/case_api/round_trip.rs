//! Event → record → bytes → record → event, for events that nobody thought of.

use case_api::event_pb::{EvidenceChange, RecordedEvent};
use case_api::{ERASED, event_from_record, shown_changes};
use case_domain::{Event, Reason};
use proptest::prelude::*;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::any::any_event;
use crate::erased::{erase, erased_form};
use crate::events::record;

fn through_bytes(event: &Event) -> RecordedEvent {
    RecordedEvent::decode(&*record(event).encode_to_vec()).unwrap()
}

/// As the proto says it: SHA-256(salt || text), nothing where there is no text.
fn digest(salt: &[u8], text: &str) -> Vec<u8> {
    if text.is_empty() { Vec::new() } else { Sha256::digest([salt, text.as_bytes()].concat()).to_vec() }
}

proptest! {
    #[test]
    fn every_event_reads_back(event in any_event()) {
        let recorded = event_from_record(&through_bytes(&event)).unwrap();
        prop_assert_eq!(recorded.event, event);
    }

    /// A change has its values, or the digests of its texts, never both; and the digests are those of the texts.
    #[test]
    fn every_digest_is_that_of_salt_and_text(event in any_event()) {
        let record = through_bytes(&event);
        let (evidence, content) = (record.evidence.clone().unwrap(), record.content.clone().unwrap());
        let shown = shown_changes(&record).unwrap();
        prop_assert_eq!(evidence.changes.len(), shown.len());
        for (change, shown) in evidence.changes.iter().zip(&shown) {
            let expected = if erased_form(&change.field).is_some() {
                let (from_digest, to_digest) = (digest(&content.salt, &shown.from), digest(&content.salt, &shown.to));
                EvidenceChange { field: shown.field.clone(), from_digest, to_digest, ..EvidenceChange::default() }
            } else {
                let shown = shown.clone();
                EvidenceChange { field: shown.field, from: shown.from, to: shown.to, ..EvidenceChange::default() }
            };
            prop_assert_eq!(change, &expected);
        }
        let reason = event.reason.as_ref().map(Reason::as_str).unwrap_or_default();
        prop_assert_eq!((&content.reason[..], evidence.reason_digest), (reason, digest(&content.salt, reason)));
    }

    #[test]
    fn erased_events_read_as_erased_and_keep_their_evidence(event in any_event()) {
        let record = through_bytes(&event);
        let erased = erase(&record);
        prop_assert_eq!(&erased.evidence, &record.evidence);
        let read = event_from_record(&erased).unwrap().event;
        prop_assert_eq!(read.reason.as_ref().map(Reason::as_str), event.reason.as_ref().map(|_| ERASED));
        for (before, after) in shown_changes(&record).unwrap().into_iter().zip(shown_changes(&erased).unwrap()) {
            let form = |text: String| match erased_form(&before.field) {
                Some(form) if !text.is_empty() => form.to_owned(),
                Some(_) | None => text,
            };
            prop_assert_eq!((after.from, after.to), (form(before.from.clone()), form(before.to.clone())));
        }
        let unchanged = Event { reason: event.reason.clone(), changes: event.changes.clone(), ..read };
        prop_assert_eq!(unchanged, event, "nothing else is forgotten");
    }
}
