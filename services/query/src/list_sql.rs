//! The SQL of lists: every list walks an index in its own order and begins where the page before it ended, so that the
//! thousandth page costs what the first does.
//!
//! A list is made of arms, one for each value of the field that narrows it most: an arm is one stretch of an index, and
//! all arms are one short statement with another value, merged here. The other fields are looked at row by row.
//! `INDEXED BY` keeps the planner, which has no statistics, from choosing otherwise.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use storage::Error;

use crate::filter::{Cursor, Direction, Filter, Order, SortKey};

/// The places of the cases on a page, in order; at most `limit`.
pub(crate) fn page(
    connection: &Connection,
    filter: &Filter,
    order: Order,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Vec<Cursor>, Error> {
    let Statement { sql, mut values, arms } = statement(filter, order, after, limit);
    let mut select = connection.prepare_cached(&sql)?;
    let mut page = Vec::new();
    for arm in arms {
        values[ARM_VALUE] = arm;
        let rows =
            select.query_map(params_from_iter(&values), |row| Ok(Cursor { key: row.get(0)?, number: row.get(1)? }))?;
        merge(&mut page, rows, order.direction, limit)?;
    }
    Ok(page)
}

/// Adds one arm to a page. It is read only as long as it has something for the page.
fn merge(
    page: &mut Vec<Cursor>,
    arm: impl Iterator<Item = rusqlite::Result<Cursor>>,
    direction: Direction,
    limit: usize,
) -> Result<(), Error> {
    let comes_before = |a: &Cursor, b: &Cursor| match direction {
        Direction::Ascending => (a.key, a.number) < (b.key, b.number),
        Direction::Descending => (a.key, a.number) > (b.key, b.number),
    };
    let last = page.last().copied().filter(|_| page.len() == limit);
    for place in arm {
        let place = place?;
        if last.is_some_and(|last| comes_before(&last, &place)) {
            break;
        }
        page.push(place);
    }
    // Two sorted stretches: no more than a merge to this sort.
    page.sort_by(|a, b| if comes_before(a, b) { Ordering::Less } else { Ordering::Greater });
    page.truncate(limit);
    Ok(())
}

/// What narrows a list.
enum Drive<'a> {
    /// Nothing: a walk over all cases in the list's order.
    Walk,
    /// Values of a column, by an index.
    Column { column: &'static str, index: &'static str, values: &'a BTreeSet<String> },
    /// A tag.
    Tag(&'a String),
}

struct Statement {
    sql: String,
    values: Vec<Value>,
    /// The values of the driving field, each of which takes the place [`ARM_VALUE`] in turn.
    arms: Vec<Value>,
}

/// The place of the driving field's value; its placeholder is `?1`.
const ARM_VALUE: usize = 0;

impl Statement {
    /// Adds a value and answers its placeholder.
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }
}

fn statement(filter: &Filter, order: Order, after: Option<Cursor>, limit: usize) -> Statement {
    let drive = drive(filter, order.key);
    let mut statement = Statement { sql: String::new(), values: vec![Value::Null], arms: arms(&drive) };
    // Also where nothing drives, the first placeholder is there.
    let start = start(&drive).unwrap_or_else(|| "?1 IS NULL".to_owned());
    let conditions = conditions(&mut statement, filter, &drive);
    let behind = after.map(|cursor| behind(&mut statement, order, &drive, cursor));
    let conditions: Vec<String> = std::iter::once(start).chain(conditions).chain(behind).collect();
    let limit = statement.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let direction = match order.direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    let (key, number) = columns(order.key, &drive);
    let (source, conditions) = (source(&drive, order.key), conditions.join(" AND "));
    statement.sql = format!(
        "SELECT {key}, {number} FROM {source} WHERE {conditions} ORDER BY {key} {direction}, {number} {direction} LIMIT {limit}"
    );
    statement
}

/// The field that narrows the list, the one first that matches the fewest cases as a rule. Statuses and categories match
/// many: where they have no index in the list's order, looking at each row of a walk beats sorting what they match.
fn drive(filter: &Filter, key: SortKey) -> Drive<'_> {
    let column = |column, index, values| Drive::Column { column, index, values };
    if !filter.assignees.is_empty() {
        let index = match key {
            SortKey::CreateTime | SortKey::CaseId => "cases_by_assignee_create_time",
            SortKey::UpdateTime => "cases_by_assignee_update_time",
        };
        column("assignee", index, &filter.assignees)
    } else if !filter.reporters.is_empty() {
        column("reporter", "cases_by_reporter_create_time", &filter.reporters)
    } else if let Some(tag) = filter.tags_all.first() {
        Drive::Tag(tag)
    } else {
        match key {
            SortKey::CreateTime if !filter.statuses.is_empty() => {
                column("status", "cases_by_status_create_time", &filter.statuses)
            }
            SortKey::UpdateTime if !filter.statuses.is_empty() => {
                column("status", "cases_by_status_update_time", &filter.statuses)
            }
            SortKey::CreateTime if !filter.status_categories.is_empty() => {
                column("status_category", "cases_by_category_create_time", &filter.status_categories)
            }
            SortKey::CreateTime | SortKey::UpdateTime | SortKey::CaseId => Drive::Walk,
        }
    }
}

/// Where an arm is read from.
fn source(drive: &Drive<'_>, key: SortKey) -> String {
    match drive {
        Drive::Walk => {
            let index = match key {
                SortKey::CreateTime => "INDEXED BY cases_by_create_time",
                SortKey::UpdateTime => "INDEXED BY cases_by_update_time",
                SortKey::CaseId => "NOT INDEXED",
            };
            format!("cases AS c {index}")
        }
        Drive::Column { index, .. } => format!("cases AS c INDEXED BY {index}"),
        Drive::Tag(_) => "case_tags AS t CROSS JOIN cases AS c ON c.number = t.number".to_owned(),
    }
}

/// The condition that begins an arm.
fn start(drive: &Drive<'_>) -> Option<String> {
    match drive {
        Drive::Walk => None,
        Drive::Column { column, .. } => Some(format!("c.{column} = ?1")),
        Drive::Tag(_) => Some("t.tag = ?1".to_owned()),
    }
}

fn arms(drive: &Drive<'_>) -> Vec<Value> {
    match drive {
        Drive::Walk => vec![Value::Null],
        Drive::Column { values, .. } => values.iter().cloned().map(Value::Text).collect(),
        Drive::Tag(tag) => vec![Value::Text((*tag).clone())],
    }
}

/// The columns of the sort key and of the number, in the table whose order counts.
const fn columns(key: SortKey, drive: &Drive<'_>) -> (&'static str, &'static str) {
    match (drive, key) {
        (Drive::Tag(_), SortKey::CreateTime) => ("t.create_time_us", "t.number"),
        (Drive::Walk | Drive::Column { .. }, SortKey::CreateTime) => ("c.create_time_us", "c.number"),
        (Drive::Walk | Drive::Column { .. } | Drive::Tag(_), SortKey::UpdateTime) => ("c.update_time_us", "c.number"),
        (Drive::Walk | Drive::Column { .. } | Drive::Tag(_), SortKey::CaseId) => ("c.number", "c.number"),
    }
}

/// Only what comes after the page before.
fn behind(statement: &mut Statement, order: Order, drive: &Drive<'_>, cursor: Cursor) -> String {
    let compared = match order.direction {
        Direction::Ascending => ">",
        Direction::Descending => "<",
    };
    let (key, number) = columns(order.key, drive);
    match order.key {
        SortKey::CaseId => {
            let last = statement.bind(cursor.number);
            format!("{number} {compared} {last}")
        }
        SortKey::CreateTime | SortKey::UpdateTime => {
            let (last_key, last_number) = (statement.bind(cursor.key), statement.bind(cursor.number));
            format!("({key}, {number}) {compared} ({last_key}, {last_number})")
        }
    }
}

/// Everything that is looked at row by row.
fn conditions(statement: &mut Statement, filter: &Filter, drive: &Drive<'_>) -> Vec<String> {
    let columns = [
        ("status", &filter.statuses),
        ("status_category", &filter.status_categories),
        ("priority", &filter.priorities),
        ("assignee", &filter.assignees),
        ("reporter", &filter.reporters),
    ];
    let mut conditions = Vec::new();
    for (column, values) in columns {
        let drives = matches!(drive, Drive::Column { column: driving, .. } if *driving == column);
        if !drives && !values.is_empty() {
            let values: Vec<String> = values.iter().map(|value| statement.bind(value.clone())).collect();
            conditions.push(format!("c.{column} IN ({})", values.join(", ")));
        }
    }
    let tags = filter.tags_all.iter().filter(|tag| !matches!(drive, Drive::Tag(driving) if driving == tag));
    let tags: Vec<String> = tags.map(|tag| statement.bind(tag.clone())).collect();
    if !tags.is_empty() {
        // Counted, because SQLite makes a join of each EXISTS, and plans thirty of them for minutes.
        conditions.push(format!(
            "(SELECT count(*) FROM case_tags AS o WHERE o.tag IN ({}) AND o.create_time_us = c.create_time_us \
             AND o.number = c.number) = {}",
            tags.join(", "),
            tags.len()
        ));
    }
    for (time, compared) in [(filter.created_from, ">="), (filter.created_before, "<")] {
        if let Some(time) = time {
            let time = statement.bind(time.unix_us());
            let table = if matches!(drive, Drive::Tag(_)) { "t" } else { "c" };
            conditions.push(format!("{table}.create_time_us {compared} {time}"));
        }
    }
    conditions
}

#[cfg(test)]
#[path = "list_sql_tests.rs"]
mod tests;
