//! From messages to what is asked for; every mistake in a message at once.

use case_api::pb::{GetAuditEventRequest, ListAuditEventsRequest};
use case_api::{CASE_ID_CHARS_MAX, Violations};
use case_domain::CaseId;
use rpc_error::{Failure, Reason};
use uuid::Uuid;

use crate::entry::canonical_uuid;
use crate::failures::event_not_found;
use crate::page_token::PageToken;

/// Events on a page where the caller names no number.
const PAGE_SIZE_DEFAULT: usize = 50;
/// The most events on a page.
const PAGE_SIZE_MAX: usize = 1_000;
/// The longest text that is looked up as the id of an audit event, in characters.
const EVENT_ID_CHARS_MAX: usize = 128;

/// Whose events to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CaseFilter {
    /// Everybody's.
    All,
    /// Those of one case.
    Case(CaseId),
    /// Those of a name that no case can have.
    Nobody,
}

/// A page that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListQuery {
    /// Whose events.
    pub(crate) cases: CaseFilter,
    /// How many events at most.
    pub(crate) page_size: usize,
    /// The first place in the log that may be on the page.
    pub(crate) from_index: u64,
    /// The filter as it was given: page tokens are bound to it.
    case_id: String,
}

impl ListQuery {
    /// Reads a message.
    pub(crate) fn parse(request: ListAuditEventsRequest) -> Result<Self, Failure> {
        let case_id = request.filter.unwrap_or_default().case_id;
        let mut problems = Problems::default();
        if case_id.chars().count() > CASE_ID_CHARS_MAX {
            let description = format!("has more than {CASE_ID_CHARS_MAX} characters");
            problems.note(Reason::ValidationFailed, "filter.case_id", &description, "INVALID");
        }
        let page_size = usize::try_from(request.page_size).unwrap_or_else(|_| {
            let description = "is negative; 0 means the default";
            problems.note(Reason::InvalidPageSize, "page_size", description, "OUT_OF_RANGE");
            0
        });
        let from_index = from_index(&request.page_token, &case_id).unwrap_or_else(|error| {
            problems.note(Reason::InvalidPageToken, "page_token", &error.to_string(), "INVALID");
            0
        });
        problems.into_result()?;
        let cases = match case_id.as_str() {
            "" => CaseFilter::All,
            id => CaseId::parse(id).map_or(CaseFilter::Nobody, CaseFilter::Case),
        };
        let page_size = if page_size == 0 { PAGE_SIZE_DEFAULT } else { page_size.min(PAGE_SIZE_MAX) };
        Ok(Self { cases, page_size, from_index, case_id })
    }

    /// Asks for what comes after an event, with the same filter.
    pub(crate) fn next_page_token(&self, last_index: u64) -> String {
        PageToken::new(&self.case_id, last_index).encode()
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

fn from_index(page_token: &str, case_id: &str) -> Result<u64, crate::page_token::InvalidPageToken> {
    if page_token.is_empty() {
        return Ok(0);
    }
    Ok(PageToken::decode(page_token, case_id)?.after_index.saturating_add(1))
}

/// Invalid fields whose failures have different reasons: the first one's counts, all are listed.
#[derive(Debug, Default)]
struct Problems {
    violations: Violations,
    first: Option<Reason>,
}

impl Problems {
    fn note(&mut self, reason: Reason, field: &str, description: &str, word: &'static str) {
        self.first.get_or_insert(reason);
        self.violations.add(field, description, word);
    }

    fn into_result(self) -> Result<(), Failure> {
        self.first.map_or(Ok(()), |reason| self.violations.into_result_as(reason))
    }
}
