//! Doors for the fuzzer: what is private reads bytes from outside, too. Not part of the crate's interface.

use case_api::pb::{
    BatchGetCasesRequest, CaseFilter, GetCaseRequest, GetCaseTimelineRequest, GetLifecycleRequest, ListCasesRequest,
    ListCommentsRequest,
};
use prost::Message as _;

use crate::order::Order;
use crate::page_token::ListDigest;
use crate::{request, stored, stored_entry};

/// Reads one request of any method; whether it is accepted, if it can be decoded.
pub fn read_request(method: u8, bytes: &[u8]) -> Option<bool> {
    Some(match method % 6 {
        0 => request::get_case(&GetCaseRequest::decode(bytes).ok()?).is_ok(),
        1 => request::batch_get_cases(BatchGetCasesRequest::decode(bytes).ok()?).is_ok(),
        2 => request::list_comments(&ListCommentsRequest::decode(bytes).ok()?).is_ok(),
        3 => request::get_case_timeline(&GetCaseTimelineRequest::decode(bytes).ok()?).is_ok(),
        4 => request::get_lifecycle(&GetLifecycleRequest::decode(bytes).ok()?).is_ok(),
        _ => {
            let Ok(query) = request::list_cases(&ListCasesRequest::decode(bytes).ok()?) else {
                return Some(false);
            };
            assert!((1..=1_000).contains(&query.page_size), "a page of {}", query.page_size);
            true
        }
    })
}

/// Reads a page token of a list by time or by title; one that is accepted is what is written for its place.
pub fn read_page_token(by_title: bool, text: &str) -> bool {
    let Ok(order) = Order::parse(if by_title { "title" } else { "" }) else {
        return false;
    };
    let list = ListDigest::new(&CaseFilter::default(), order);
    let Ok(cursor) = list.decode(text) else {
        return false;
    };
    assert!(list.encode(&cursor) == text, "a token that nobody has given is accepted: {text}");
    true
}

/// Reads a stored case; what can be read is written so that it reads the same.
pub fn read_stored_case(bytes: &[u8]) -> bool {
    let Ok(projected) = stored::decode_case(bytes) else {
        return false;
    };
    let total: i64 = projected.status_times.at(i64::MAX).map(|(_, us)| us).fold(0, i64::saturating_add);
    assert!(total >= 0, "a case was less than no time in its statuses");
    let again = stored::decode_case(&stored::encode_case(&projected));
    assert!(again.is_ok_and(|again| again == projected), "a case does not read back");
    true
}

/// Reads a stored entry of a timeline, as an entry and as a comment.
pub fn read_stored_entry(bytes: &[u8]) -> bool {
    let Ok(entry) = stored_entry::decode_entry(bytes) else {
        return false;
    };
    let _ = entry.clone().into_comment("CASE-001", u64::MAX);
    entry.into_entry(u64::MAX).is_ok()
}
