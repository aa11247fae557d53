//! Pages of what has happened to a case.

use case_api::ConsistencyToken;
use case_api::pb::{Consistency, GetCaseTimelineRequest, ListCommentsRequest};
use case_domain::CaseId;
use rpc_error::Failure;

use super::{after, page_size, tokens};
use crate::page_token::ListDigest;
use crate::problems::Problems;

/// A page of comments or of a timeline.
#[derive(Debug)]
pub(crate) struct HistoryQuery {
    /// Of which case.
    pub(crate) case_id: CaseId,
    /// How many at most.
    pub(crate) page_size: usize,
    /// Behind which number; 0: from the beginning.
    pub(crate) after: u64,
    /// What page tokens are bound to.
    pub(crate) list: ListDigest,
    /// How fresh.
    pub(crate) tokens: Vec<ConsistencyToken>,
}

/// Reads a `ListCommentsRequest`.
pub(crate) fn list_comments(request: &ListCommentsRequest) -> Result<HistoryQuery, Failure> {
    let ListCommentsRequest { case_id, page_size, page_token, consistency } = request;
    history("comments", case_id, (*page_size, page_token), consistency.as_ref())
}

/// Reads a `GetCaseTimelineRequest`.
pub(crate) fn get_case_timeline(request: &GetCaseTimelineRequest) -> Result<HistoryQuery, Failure> {
    let GetCaseTimelineRequest { case_id, page_size, page_token, consistency } = request;
    history("timeline", case_id, (*page_size, page_token), consistency.as_ref())
}

fn history(
    part: &'static str,
    case_id: &str,
    (size, page_token): (i32, &str),
    consistency: Option<&Consistency>,
) -> Result<HistoryQuery, Failure> {
    let mut problems = Problems::default();
    let list = ListDigest::of_case(part, case_id);
    let case_id = problems.case_id("case_id", case_id);
    let page_size = page_size(&mut problems, size);
    let after = after(&mut problems, list, page_token);
    let tokens = tokens(&mut problems, consistency);
    problems.into_result()?;
    let after = after.map_or(0, |cursor| cursor.number.cast_unsigned());
    Ok(HistoryQuery { case_id: case_id?, page_size, after, list, tokens })
}

#[cfg(test)]
mod tests {
    use rpc_error::Reason;

    use super::*;

    #[test]
    fn every_mistake_is_named_at_once_and_a_case_that_cannot_be_is_told_last() {
        let request = ListCommentsRequest {
            case_id: "nonsense".to_owned(),
            page_size: -1,
            page_token: "x".to_owned(),
            consistency: Some(Consistency { at_least_as_fresh: vec!["x".to_owned()] }),
        };
        let failure = list_comments(&request).unwrap_err();
        assert_eq!(failure.reason(), Reason::InvalidPageSize);
        assert!(failure.message().contains("3 fields"), "{}", failure.message());
        let request = GetCaseTimelineRequest { case_id: "nonsense".to_owned(), ..Default::default() };
        assert_eq!(get_case_timeline(&request).unwrap_err().reason(), Reason::CaseNotFound);
        let request = GetCaseTimelineRequest::default();
        assert_eq!(get_case_timeline(&request).unwrap_err().reason(), Reason::ValidationFailed);
    }
}
