//! From messages to what is asked for; every mistake in a message at once.

use case_api::Violations;
use case_api::pb::{AuditEventFilter, GetAuditEventRequest, ListAuditEventsRequest};
use rpc_error::{Failure, Reason};
use uuid::Uuid;

use crate::entry::canonical_uuid;
use crate::failures::event_not_found;
use crate::filter::Filter;
use crate::page_token::FilterDigest;
use crate::problems::Problems;

/// Events on a page where the caller names no number.
const PAGE_SIZE_DEFAULT: usize = 50;
/// The most events on a page.
const PAGE_SIZE_MAX: usize = 1_000;
/// The longest text that is looked up as the id of an audit event, in characters.
const EVENT_ID_CHARS_MAX: usize = 128;

/// A page that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListQuery {
    /// Which events; `None`: what no event can be.
    pub(crate) filter: Option<Filter>,
    /// How many events at most.
    pub(crate) page_size: usize,
    /// The first place in the log that may be on the page.
    pub(crate) from_index: u64,
    /// What page tokens are bound to.
    list: FilterDigest,
}

impl ListQuery {
    /// Reads a message.
    pub(crate) fn parse(request: &ListAuditEventsRequest) -> Result<Self, Failure> {
        let everything = AuditEventFilter::default();
        let mut problems = Problems::default();
        let parsed = Filter::parse(&mut problems, request.filter.as_ref().unwrap_or(&everything));
        let list = FilterDigest::new(&parsed.canonical);
        let page_size = page_size(&mut problems, request.page_size);
        let from_index = from_index(&mut problems, list, &request.page_token);
        problems.into_result()?;
        Ok(Self { filter: parsed.filter, page_size, from_index, list })
    }

    /// Asks for what comes after an event, with the same filter.
    pub(crate) fn next_page_token(&self, last_index: u64) -> String {
        self.list.encode(last_index)
    }
}

/// Reads the id that is asked for. What cannot be an id names no event.
pub(crate) fn event_id(request: &GetAuditEventRequest) -> Result<Uuid, Failure> {
    let text = &request.audit_event_id;
    let mut violations = Violations::default();
    if text.is_empty() {
        violations.add("audit_event_id", "is required", "REQUIRED");
    } else if text.chars().count() > EVENT_ID_CHARS_MAX {
        let description = format_args!("has more than {EVENT_ID_CHARS_MAX} characters");
        violations.add("audit_event_id", description, "INVALID");
    }
    violations.into_result()?;
    canonical_uuid(text).ok_or_else(|| event_not_found(text))
}

fn page_size(problems: &mut Problems, page_size: i32) -> usize {
    match usize::try_from(page_size) {
        Ok(0) => PAGE_SIZE_DEFAULT,
        Ok(size) => size.min(PAGE_SIZE_MAX),
        Err(_) => {
            problems.note(Reason::InvalidPageSize, "page_size", "is negative; 0 means the default", "OUT_OF_RANGE");
            0
        }
    }
}

fn from_index(problems: &mut Problems, list: FilterDigest, token: &str) -> u64 {
    if token.is_empty() {
        return 0;
    }
    match list.decode(token) {
        Ok(after_index) => after_index.saturating_add(1),
        Err(error) => {
            problems.note(Reason::InvalidPageToken, "page_token", error, "INVALID");
            0
        }
    }
}
