//! From messages to what is asked for; every mistake in a message at once.

use std::collections::BTreeSet;
use std::fmt::Display;

use case_api::pb::{CaseFilter, Consistency, GetCaseRequest, ListCasesRequest};
use case_api::{ConsistencyToken, priority_from_pb, status_category_from_pb, timestamp_from_pb};
use case_domain::{CaseId, Person, Priority, Status, StatusCategory, TAGS_MAX, Tag, Timestamp};
use rpc_error::{Failure, Reason};

use crate::filter::{Cursor, Direction, Filter, Order, SortKey};
use crate::page_token::ListDigest;
use crate::problems::Problems;

/// Cases on a page where the caller names no number.
const PAGE_SIZE_DEFAULT: usize = 50;
/// The most cases on a page.
const PAGE_SIZE_MAX: usize = 1_000;
/// The most statuses in a filter.
const STATUSES_MAX: usize = 200;
/// The most people in one field of a filter.
const PEOPLE_MAX: usize = 100;
/// The most values of an enum in a filter: each of them several times over.
const ENUM_VALUES_MAX: usize = 100;
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

/// Reads a `ListCasesRequest`.
pub(crate) fn list_cases(request: &ListCasesRequest) -> Result<ListQuery, Failure> {
    let mut problems = Problems::default();
    let unfiltered = CaseFilter::default();
    let given = request.filter.as_ref().unwrap_or(&unfiltered);
    let filter = filter(&mut problems, given);
    let order = Order::parse(&request.order_by).unwrap_or_else(|error| {
        problems.invalid("order_by", error);
        Order { key: SortKey::CreateTime, direction: Direction::Descending }
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

fn filter(problems: &mut Problems, given: &CaseFilter) -> Filter {
    let name = |text: &String| match text.as_str() {
        "" => Ok(String::new()),
        text => Person::new(text).map(|name| name.as_str().to_owned()),
    };
    let status = |text: &String| Status::new(text).map(|status| status.as_str().to_owned());
    let category = |number: &i32| match status_category_from_pb(*number) {
        Ok(Some(category)) => Ok(StatusCategory::as_str(category).to_owned()),
        Ok(None) => Err("must say a category".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let priority = |number: &i32| {
        priority_from_pb(*number).map(|priority| priority.map(Priority::as_str).unwrap_or_default().to_owned())
    };
    let tag = |text: &String| Tag::new(text).map(|tag| tag.as_str().to_owned());
    let mut values = Values { problems };
    Filter {
        statuses: values.of("filter.statuses", &given.statuses, STATUSES_MAX, status),
        status_categories: values.of("filter.status_categories", &given.status_categories, ENUM_VALUES_MAX, category),
        priorities: values.of("filter.priorities", &given.priorities, ENUM_VALUES_MAX, priority),
        assignees: values.of("filter.assignees", &given.assignees, PEOPLE_MAX, name),
        reporters: values.of("filter.reporters", &given.reporters, PEOPLE_MAX, name),
        tags_all: values.of("filter.tags_all", &given.tags_all, TAGS_MAX, tag),
        created_from: time(problems, "filter.create_time_from", given.create_time_from.as_ref()),
        created_before: time(problems, "filter.create_time_to", given.create_time_to.as_ref()),
    }
}

/// Reads the lists of a filter.
struct Values<'a> {
    problems: &'a mut Problems,
}

impl Values<'_> {
    fn of<T, E: Display>(
        &mut self,
        field: &str,
        given: &[T],
        count_max: usize,
        read: impl Fn(&T) -> Result<String, E>,
    ) -> BTreeSet<String> {
        // Without a look at each: a list of a million is refused, not read.
        if too_many(self.problems, field, given.len(), count_max) {
            return BTreeSet::new();
        }
        let read = |(index, value): (usize, &T)| {
            read(value).map_err(|error| self.problems.invalid(&format!("{field}[{index}]"), error)).ok()
        };
        given.iter().enumerate().filter_map(read).collect()
    }
}

fn too_many(problems: &mut Problems, field: &str, count: usize, count_max: usize) -> bool {
    let too_many = count > count_max;
    if too_many {
        problems.invalid(field, format_args!("has {count} entries, at most {count_max} are allowed"));
    }
    too_many
}

fn time(problems: &mut Problems, field: &str, time: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    let time = time?;
    let read = timestamp_from_pb(time);
    if read.is_none() {
        problems.invalid(field, "must lie in the years 1 to 9999");
    }
    read
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
        assert_eq!((query.page_size, query.order.as_str()), (50, "create_time desc"));
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
            create_time_to: None,
        };
        let request = ListCasesRequest {
            filter: Some(filter),
            order_by: "title".to_owned(),
            page_size: -1,
            page_token: "x".to_owned(),
            consistency: Some(Consistency { at_least_as_fresh: vec!["x".to_owned()] }),
        };
        let (reason, message) = refused(&request);
        assert_eq!(reason, Reason::ValidationFailed);
        for field in [
            "12 fields",
            "filter.statuses[0]",
            "filter.status_categories[0]",
            "filter.status_categories[1]",
            "filter.priorities[1]",
            "filter.assignees[1]",
            "filter.reporters: has 101 entries",
            "filter.tags_all[0]",
            "filter.create_time_from",
            "order_by",
            "page_size",
            "page_token",
            "consistency.at_least_as_fresh[0]",
        ] {
            assert!(message.contains(field), "{field} in {message}");
        }
    }
}
