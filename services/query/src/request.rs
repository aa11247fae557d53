//! From messages to what is asked for; every mistake in a message at once.

mod filter;
mod history;

use case_api::ConsistencyToken;
use case_api::pb::{
    BatchGetCasesRequest, CaseFilter, Consistency, GetCaseRequest, GetLifecycleRequest, ListCasesRequest,
};
use case_domain::CaseId;
use rpc_error::{Failure, Reason};

use self::filter::filter;
pub(crate) use self::history::{HistoryQuery, get_case_timeline, list_comments};
use crate::filter::Filter;
use crate::order::{Cursor, Order};
use crate::page_token::ListDigest;
use crate::problems::Problems;

/// Cases on a page where the caller names no number.
const PAGE_SIZE_DEFAULT: usize = 50;
/// The most cases on a page.
const PAGE_SIZE_MAX: usize = 1_000;
/// The most cases that are read at once.
const BATCH_MAX: usize = 1_000;
/// The most tokens that a read can ask for.
const TOKENS_MAX: usize = 64;

/// A read of one case.
#[derive(Debug)]
pub(crate) struct GetQuery {
    /// Which one.
    pub(crate) case_id: CaseId,
    /// How fresh.
    pub(crate) tokens: Vec<ConsistencyToken>,
}

/// A read of several cases.
#[derive(Debug)]
pub(crate) struct BatchQuery {
    /// Which ones, in order.
    pub(crate) wanted: Vec<Wanted>,
    /// How fresh.
    pub(crate) tokens: Vec<ConsistencyToken>,
}

/// A case that is asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// As the caller calls it.
    pub(crate) text: String,
    /// `None`: it names no case.
    pub(crate) case_id: Option<CaseId>,
}

/// A page that is asked for.
#[derive(Debug)]
pub(crate) struct ListQuery {
    /// Which cases.
    pub(crate) filter: Filter,
    /// In which order.
    pub(crate) order: Order,
    /// How many at most.
    pub(crate) page_size: usize,
    /// Behind which one.
    pub(crate) after: Option<Cursor>,
    /// What page tokens are bound to.
    pub(crate) list: ListDigest,
    /// How fresh.
    pub(crate) tokens: Vec<ConsistencyToken>,
}

/// Reads a `GetCaseRequest`. What cannot be an id names no case.
pub(crate) fn get_case(request: &GetCaseRequest) -> Result<GetQuery, Failure> {
    let mut problems = Problems::default();
    let case_id = problems.case_id("case_id", &request.case_id);
    let tokens = tokens(&mut problems, request.consistency.as_ref());
    problems.into_result()?;
    Ok(GetQuery { case_id: case_id?, tokens })
}

/// Reads a `BatchGetCasesRequest`.
pub(crate) fn batch_get_cases(request: BatchGetCasesRequest) -> Result<BatchQuery, Failure> {
    let mut problems = Problems::default();
    let count = request.case_ids.len();
    if count == 0 {
        problems.note(Reason::ValidationFailed, "case_ids", "must name at least one case", "REQUIRED");
    }
    let given = if too_many(&mut problems, "case_ids", count, BATCH_MAX) { Vec::new() } else { request.case_ids };
    let wanted = given.into_iter().enumerate().map(|(index, text)| {
        let case_id = problems.case_id(&format!("case_ids[{index}]"), &text).ok();
        Wanted { text, case_id }
    });
    let wanted = wanted.collect();
    let tokens = tokens(&mut problems, request.consistency.as_ref());
    problems.into_result()?;
    Ok(BatchQuery { wanted, tokens })
}

/// Reads a `ListCasesRequest`.
pub(crate) fn list_cases(request: &ListCasesRequest) -> Result<ListQuery, Failure> {
    let mut problems = Problems::default();
    let unfiltered = CaseFilter::default();
    let given = request.filter.as_ref().unwrap_or(&unfiltered);
    let filter = filter(&mut problems, given);
    let order = Order::parse(&request.order_by).unwrap_or_else(|error| {
        problems.invalid("order_by", error);
        Order::DEFAULT
    });
    let page_size = page_size(&mut problems, request.page_size);
    let list = ListDigest::new(given, order);
    let after = after(&mut problems, list, &request.page_token);
    let tokens = tokens(&mut problems, request.consistency.as_ref());
    problems.into_result()?;
    Ok(ListQuery { filter, order, page_size, after, list, tokens })
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

fn after(problems: &mut Problems, list: ListDigest, token: &str) -> Option<Cursor> {
    if token.is_empty() {
        return None;
    }
    let decoded = list.decode(token);
    decoded.map_err(|error| problems.note(Reason::InvalidPageToken, "page_token", error, "INVALID")).ok()
}

/// Reads a `GetLifecycleRequest`: only how fresh the answer must be.
pub(crate) fn get_lifecycle(request: &GetLifecycleRequest) -> Result<Vec<ConsistencyToken>, Failure> {
    let mut problems = Problems::default();
    let tokens = tokens(&mut problems, request.consistency.as_ref());
    problems.into_result()?;
    Ok(tokens)
}

fn tokens(problems: &mut Problems, consistency: Option<&Consistency>) -> Vec<ConsistencyToken> {
    const FIELD: &str = "consistency.at_least_as_fresh";
    let texts = consistency.map(|consistency| consistency.at_least_as_fresh.as_slice()).unwrap_or_default();
    if too_many(problems, FIELD, texts.len(), TOKENS_MAX) {
        return Vec::new();
    }
    let decode = |(index, text): (usize, &String)| {
        let decoded = ConsistencyToken::decode(text);
        let field = || format!("{FIELD}[{index}]");
        decoded.map_err(|error| problems.note(Reason::InvalidConsistencyToken, &field(), error, "INVALID")).ok()
    };
    texts.iter().enumerate().filter_map(decode).collect()
}

fn too_many(problems: &mut Problems, field: &str, count: usize, count_max: usize) -> bool {
    let too_many = count > count_max;
    if too_many {
        problems.invalid(field, format_args!("has {count} entries, at most {count_max} are allowed"));
    }
    too_many
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(request: &ListCasesRequest) -> (Reason, String) {
        let failure = list_cases(request).unwrap_err();
        (failure.reason(), failure.message().to_owned())
    }

    #[test]
    fn nothing_said_is_the_newest_fifty() {
        let query = list_cases(&ListCasesRequest::default()).unwrap();
        assert_eq!((query.page_size, query.order.to_string().as_str()), (50, "create_time desc"));
        assert_eq!(query.filter, Filter::default());
    }

    #[test]
    fn page_sizes_are_brought_down_but_never_up() {
        let size = |page_size| {
            list_cases(&ListCasesRequest { page_size, ..Default::default() }).map(|query| query.page_size).ok()
        };
        assert_eq!(
            [size(1), size(1_000), size(1_001), size(i32::MAX)],
            [Some(1), Some(1_000), Some(1_000), Some(1_000)]
        );
        let negative = ListCasesRequest { page_size: -1, ..Default::default() };
        assert_eq!(refused(&negative).0, Reason::InvalidPageSize);
    }

    #[test]
    fn a_get_names_all_its_mistakes_too() {
        let consistency = Some(Consistency { at_least_as_fresh: vec!["x".to_owned()] });
        let failure = get_case(&GetCaseRequest { case_id: String::new(), consistency }).unwrap_err();
        assert_eq!(failure.reason(), Reason::ValidationFailed);
        assert!(failure.message().contains("2 fields"), "{}", failure.message());
        let no_id = GetCaseRequest { case_id: "CASE-1".to_owned(), consistency: None };
        assert_eq!(get_case(&no_id).unwrap_err().reason(), Reason::CaseNotFound);
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let filter = CaseFilter {
            statuses: vec!["in review".to_owned(), "UNHEARD_OF".to_owned()],
            status_categories: vec![0, 9],
            priorities: vec![0, 17],
            assignees: vec![String::new(), "a\nb".to_owned()],
            reporters: vec!["x".to_owned(); 101],
            tags_all: vec![String::new()],
            create_time_from: Some(prost_types::Timestamp { seconds: 0, nanos: -1 }),
            severities: vec![0, 17],
            teams: vec![String::new(), "a\nb".to_owned()],
            update_time_to: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
            due_time_from: Some(prost_types::Timestamp { seconds: 0, nanos: -1 }),
            ..CaseFilter::default()
        };
        let request = ListCasesRequest {
            filter: Some(filter),
            order_by: "reporter".to_owned(),
            page_size: -1,
            page_token: "x".to_owned(),
            consistency: Some(Consistency { at_least_as_fresh: vec!["x".to_owned()] }),
        };
        let (reason, message) = refused(&request);
        assert_eq!(reason, Reason::ValidationFailed);
        for field in [
            "16 fields",
            "filter.statuses[0]",
            "filter.status_categories[0]",
            "filter.status_categories[1]",
            "filter.priorities[1]",
            "filter.assignees[1]",
            "filter.reporters: has 101 entries",
            "filter.tags_all[0]",
            "filter.create_time_from",
            "filter.severities[1]",
            "filter.teams[1]",
            "filter.update_time_to",
            "filter.due_time_from",
            "order_by",
            "page_size",
            "page_token",
            "consistency.at_least_as_fresh[0]",
        ] {
            assert!(message.contains(field), "{field} in {message}");
        }
    }

    #[test]
    fn a_batch_names_one_to_a_thousand_cases() {
        let batch = |case_ids: Vec<&str>| {
            let case_ids = case_ids.into_iter().map(ToOwned::to_owned).collect();
            batch_get_cases(BatchGetCasesRequest { case_ids, consistency: None })
        };
        for (given, field) in [
            (vec![], "case_ids: must name at least one"),
            (vec!["CASE-001"; 1_001], "case_ids: has 1001 entries"),
            (vec!["CASE-001", ""], "case_ids[1]: is required"),
        ] {
            let failure = batch(given).unwrap_err();
            assert_eq!(failure.reason(), Reason::ValidationFailed);
            assert!(failure.message().contains(field), "{}", failure.message());
        }
        let wanted = batch(vec!["CASE-002", "nonsense", "CASE-002"]).unwrap().wanted;
        let known: Vec<bool> = wanted.iter().map(|wanted| wanted.case_id.is_some()).collect();
        assert_eq!(known, [true, false, true]);
        assert_eq!(batch(vec!["CASE-001"; 1_000]).unwrap().wanted.len(), 1_000);
    }
}
