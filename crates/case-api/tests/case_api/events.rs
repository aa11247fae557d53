//! casetracker.event.v1: the stored form of events, one golden file for each action.

use case_api::event_pb::RecordedEvent;
use case_api::{SALT_BYTES, Stamp, event_from_record, record_event};
use case_domain::{Action, Event};
use prost::Message as _;

use crate::{given, golden};

const EVENT_ID: &str = "01938f5c-4b3a-7000-8000-000000000001";
const POSITION: u64 = 258;

/// What the writer of today makes of an event.
pub(crate) fn record(event: &Event) -> RecordedEvent {
    let salt = std::array::from_fn::<u8, SALT_BYTES, _>(|index| u8::try_from(index).unwrap());
    record_event(event, Stamp { position: POSITION, event_id: EVENT_ID, salt })
}

fn file(action: Action) -> String {
    format!("event.{}.v1.hex", action.as_str())
}

/// Each event with the bytes that it was once stored as.
pub(crate) fn stored() -> impl Iterator<Item = (Event, Vec<u8>)> {
    given::events().into_iter().map(|event| {
        let bytes = golden::bytes(&file(event.action), &record(&event).encode_to_vec());
        (event, bytes)
    })
}

#[test]
fn events_are_written_as_they_were() {
    for (event, bytes) in stored() {
        assert!(record(&event).encode_to_vec() == bytes, "{}: today's writer makes other bytes", file(event.action));
    }
}

#[test]
fn events_that_were_stored_once_read_as_what_they_were() {
    for (event, bytes) in stored() {
        let record = RecordedEvent::decode(&*bytes).unwrap();
        let recorded = event_from_record(&record).unwrap();
        assert_eq!((recorded.position, recorded.event_id.as_str()), (POSITION, EVENT_ID));
        assert_eq!(recorded.event, event);
        assert_eq!(texts(&recorded.event), texts(&event), "{:?}", event.action);
    }
}

/// Texts print as their lengths only, so that a failed comparison above would not tell them apart.
fn texts(event: &Event) -> Vec<(String, String, String)> {
    let shown = case_api::shown_changes(&record(event)).unwrap();
    shown.into_iter().map(|change| (change.field, change.from, change.to)).collect()
}

/// The control: one bit of a file is another event, or none.
#[test]
fn a_changed_byte_does_not_go_unnoticed() {
    for (event, bytes) in stored() {
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let read = RecordedEvent::decode(&*changed).ok();
            assert_ne!(read, Some(record(&event)), "byte {index} of {}", file(event.action));
        }
    }
}
