//! Doors for the fuzzer: what is private reads bytes from outside, too. Not part of the crate's interface.

use case_api::event_pb::RecordedEvent;
use case_api::pb::{GetAuditEventRequest, ListAuditEventsRequest};
use prost::Message as _;

use crate::entry::Entry;
use crate::leaf::{LEAF_BYTES_MAX, Leaf};
use crate::page_token::FilterDigest;
use crate::request::{self, ListQuery};

/// Reads one request of any method; whether it is accepted, if it can be decoded.
pub fn read_request(method: u8, bytes: &[u8]) -> Option<bool> {
    if method.is_multiple_of(2) {
        return Some(request::event_id(&GetAuditEventRequest::decode(bytes).ok()?).is_ok());
    }
    let Ok(query) = ListQuery::parse(&ListAuditEventsRequest::decode(bytes).ok()?) else {
        return Some(false);
    };
    assert!((1..=1_000).contains(&query.page_size), "a page of {}", query.page_size);
    Some(true)
}

/// Reads a page token; one that is accepted is what is written for its place.
pub fn read_page_token(text: &str) -> bool {
    let list = FilterDigest::new("case_id=");
    let Ok(index) = list.decode(text) else {
        return false;
    };
    assert!(list.encode(index) == text, "a token that nobody has given is accepted: {text}");
    true
}

/// Reads a stored leaf; what can be read is written so that it reads the same.
pub fn read_leaf(bytes: &[u8]) -> bool {
    let Ok(leaf) = Leaf::parse(bytes) else {
        return false;
    };
    if let Ok(canonical) = leaf.to_bytes() {
        assert!(Leaf::parse(&canonical).is_ok_and(|again| again == leaf), "a leaf does not read back");
    }
    true
}

/// Makes an entry of the log of an event of the feed. What is recorded is a leaf within its limit, in canonical bytes.
pub fn record(bytes: &[u8]) -> bool {
    let Some(entry) = RecordedEvent::decode(bytes).ok().and_then(|record| Entry::of(&record).ok()) else {
        return false;
    };
    assert!(entry.leaf.len() <= LEAF_BYTES_MAX, "a leaf of {} bytes", entry.leaf.len());
    let canonical = Leaf::parse(&entry.leaf).ok().and_then(|leaf| leaf.to_bytes().ok());
    assert!(canonical.is_some_and(|canonical| canonical == entry.leaf), "a leaf that is not canonical");
    true
}
