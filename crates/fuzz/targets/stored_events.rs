//! Recorded events, as they are stored and as they come over the feed: what is understood is recorded in the same words.
#![no_main]

use std::collections::BTreeSet;

use case_api::event_pb::RecordedEvent;
use case_api::{SALT_BYTES, Stamp, event_from_record, record_event};
use case_domain::Change;
use libfuzzer_sys::fuzz_target;
use prost::Message as _;

fuzz_target!(|bytes: &[u8]| {
    let Some(read) = RecordedEvent::decode(bytes).ok().and_then(|record| event_from_record(&record).ok()) else {
        return;
    };
    // No decision changes a field twice in one event, and texts are found by the names of their fields.
    let fields: BTreeSet<&str> = read.event.changes.iter().map(Change::field).collect();
    if fields.len() < read.event.changes.len() {
        return;
    }
    let stamp = Stamp { position: read.position, event_id: &read.event_id, salt: [7; SALT_BYTES] };
    let again = event_from_record(&record_event(&read.event, stamp));
    assert!(again.is_ok_and(|again| again == read), "an event does not read back");
});
