//! Everything of a filter that is looked at row by row.

use case_domain::Timestamp;
use rusqlite::types::Value;

use super::drive::{Drive, fields};
use super::{List, Statement};
use crate::filter::TimeRange;
use crate::order::{Direction, SortKey};
use crate::row::UNSET_TIME_US;

/// The conditions of a list beside those that begin its arms.
pub(super) fn of(statement: &mut Statement, list: &List<'_>) -> Vec<String> {
    let mut conditions = values(statement, list);
    conditions.extend(tags(statement, list));
    let filter = list.filter;
    for (key, range) in
        [(SortKey::CreateTime, filter.created), (SortKey::UpdateTime, filter.updated), (SortKey::DueTime, filter.due)]
    {
        conditions.extend(times(statement, list, key, range));
    }
    conditions
}

fn values(statement: &mut Statement, list: &List<'_>) -> Vec<String> {
    let mut conditions = Vec::new();
    for (field, values) in fields(list.filter) {
        let drives = matches!(list.drive, Drive::Column { field: driving, .. } if driving == field);
        if !drives && !values.is_empty() {
            let values: Vec<String> = values.each().map(|value| statement.bind(Value::from(value))).collect();
            // The plus keeps SQLite from finding rows by an index of this column.
            conditions.push(format!("+c.{} IN ({})", field.column(), values.join(", ")));
        }
    }
    conditions
}

fn tags(statement: &mut Statement, list: &List<'_>) -> Option<String> {
    let looked_at = |tag: &&String| !matches!(list.drive, Drive::Tag(driving) if driving == tag.as_str());
    let tags: Vec<String> =
        list.filter.tags_all.iter().filter(looked_at).map(|tag| statement.bind(tag.clone())).collect();
    // Counted, because SQLite makes a join of each EXISTS, and plans thirty of them for minutes.
    (!tags.is_empty()).then(|| {
        format!(
            "(SELECT count(*) FROM case_tags AS o WHERE o.tag IN ({}) AND o.create_time_us = c.create_time_us \
             AND o.number = c.number) = {}",
            tags.join(", "),
            tags.len()
        )
    })
}

/// A range of the sort key bounds the walk. The cursor lies within it, so that on its side the range says nothing more: as
/// a second bound of the same index it might be taken instead of the cursor, and the page be searched from the beginning.
fn times(statement: &mut Statement, list: &List<'_>, key: SortKey, range: TimeRange) -> Vec<String> {
    let cursor_at = list.after.filter(|_| list.order.key == key).map(|_| list.order.direction);
    let column = list.drive.column(key);
    let from_us = match (range.from, range.before) {
        (Some(from), _) => Some(from.unix_us()),
        // What is not set is before everything, but in no range.
        (None, Some(_)) => Some(UNSET_TIME_US + 1),
        (None, None) => None,
    };
    let from = from_us.filter(|_| cursor_at != Some(Direction::Ascending));
    let before = range.before.map(Timestamp::unix_us).filter(|_| cursor_at != Some(Direction::Descending));
    let from = from.map(|us| format!("{column} >= {}", statement.bind(us)));
    let before = before.map(|us| format!("{column} < {}", statement.bind(us)));
    from.into_iter().chain(before).collect()
}
