//! Which cases a caller asks for.

use std::collections::BTreeSet;
use std::fmt::Display;

use case_api::pb::CaseFilter;
use case_api::{priority_from_pb, severity_from_pb, status_category_from_pb, timestamp_from_pb};
use case_domain::{Person, Status, StatusCategory, TAGS_MAX, Tag, Timestamp};

use super::too_many;
use crate::filter::{Filter, TimeRange};
use crate::problems::Problems;
use crate::row::{priority_rank, severity_rank};

/// The most statuses in a filter.
const STATUSES_MAX: usize = 200;
/// The most people, or teams, in one field of a filter.
const NAMES_MAX: usize = 100;
/// The most values of an enum in a filter: each of them several times over.
const ENUM_VALUES_MAX: usize = 100;

pub(super) fn filter(problems: &mut Problems, given: &CaseFilter) -> Filter {
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
    let priority = |number: &i32| priority_from_pb(*number).map(priority_rank);
    let severity = |number: &i32| severity_from_pb(*number).map(severity_rank);
    let tag = |text: &String| Tag::new(text).map(|tag| tag.as_str().to_owned());
    let mut values = Values { problems };
    Filter {
        statuses: values.of("filter.statuses", &given.statuses, STATUSES_MAX, status),
        status_categories: values.of("filter.status_categories", &given.status_categories, ENUM_VALUES_MAX, category),
        priorities: values.of("filter.priorities", &given.priorities, ENUM_VALUES_MAX, priority),
        severities: values.of("filter.severities", &given.severities, ENUM_VALUES_MAX, severity),
        assignees: values.of("filter.assignees", &given.assignees, NAMES_MAX, name),
        teams: values.of("filter.teams", &given.teams, NAMES_MAX, name),
        reporters: values.of("filter.reporters", &given.reporters, NAMES_MAX, name),
        tags_all: values.of("filter.tags_all", &given.tags_all, TAGS_MAX, tag),
        created: range(problems, "filter.create_time", given.create_time_from.as_ref(), given.create_time_to.as_ref()),
        updated: range(problems, "filter.update_time", given.update_time_from.as_ref(), given.update_time_to.as_ref()),
        due: range(problems, "filter.due_time", given.due_time_from.as_ref(), given.due_time_to.as_ref()),
    }
}

/// Reads the lists of a filter.
struct Values<'a> {
    problems: &'a mut Problems,
}

impl Values<'_> {
    fn of<T, V: Ord, E: Display>(
        &mut self,
        field: &str,
        given: &[T],
        count_max: usize,
        read: impl Fn(&T) -> Result<V, E>,
    ) -> BTreeSet<V> {
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

/// The times between `{field}_from` and `{field}_to`.
fn range(
    problems: &mut Problems,
    field: &str,
    from: Option<&prost_types::Timestamp>,
    before: Option<&prost_types::Timestamp>,
) -> TimeRange {
    let from = time(problems, &format!("{field}_from"), from);
    let before = time(problems, &format!("{field}_to"), before);
    if from.zip(before).is_some_and(|(from, before)| before < from) {
        problems.invalid(&format!("{field}_to"), format_args!("is before {field}_from"));
    }
    TimeRange { from, before }
}

fn time(problems: &mut Problems, field: &str, time: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    let time = time?;
    let read = timestamp_from_pb(time);
    if read.is_none() {
        problems.invalid(field, "must lie between 0001-01-01T00:00:00Z and 9999-12-30T21:59:59Z");
    }
    read
}
