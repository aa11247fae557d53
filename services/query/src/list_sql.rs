//! The SQL of lists: every list walks an index in its own order and begins where the page before it ended, so that the
//! thousandth page costs what the first does.
//!
//! A list is made of arms, one for each value of the field that narrows it most: an arm is one stretch of an index, and
//! `UNION ALL` merges the arms without sorting them. The other fields are looked at row by row. `INDEXED BY` keeps the
//! planner, which has no statistics, from choosing otherwise.

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
    let Statement { sql, values } = statement(filter, order, after, limit);
    let mut select = connection.prepare_cached(&sql)?;
    let rows =
        select.query_map(params_from_iter(values), |row| Ok(Cursor { key: row.get(0)?, number: row.get(1)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
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
}

impl Statement {
    /// Adds a value and answers its placeholder.
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }
}

fn statement(filter: &Filter, order: Order, after: Option<Cursor>, limit: usize) -> Statement {
    let mut statement = Statement { sql: String::new(), values: Vec::new() };
    let drive = drive(filter, order.key);
    let conditions = conditions(&mut statement, filter, &drive);
    let (key, number) = columns(order.key, &drive);
    let behind = after.map(|cursor| behind(&mut statement, order, &drive, cursor));
    let conditions: Vec<String> = conditions.into_iter().chain(behind).collect();
    let arms: Vec<String> = starts(&mut statement, &drive, order.key)
        .into_iter()
        .map(|(source, start)| {
            let all: Vec<&str> = start.iter().chain(&conditions).map(String::as_str).collect();
            let condition = if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) };
            format!("SELECT {key} AS sort_key, {number} AS sort_number FROM {source}{condition}")
        })
        .collect();
    let limit = statement.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let direction = match order.direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    let arms = arms.join(" UNION ALL ");
    statement.sql = format!("{arms} ORDER BY sort_key {direction}, sort_number {direction} LIMIT {limit}");
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

/// Where each arm is read from, and the condition that begins it.
fn starts(statement: &mut Statement, drive: &Drive<'_>, key: SortKey) -> Vec<(String, Option<String>)> {
    match drive {
        Drive::Walk => {
            let index = match key {
                SortKey::CreateTime => "INDEXED BY cases_by_create_time",
                SortKey::UpdateTime => "INDEXED BY cases_by_update_time",
                SortKey::CaseId => "NOT INDEXED",
            };
            vec![(format!("cases AS c {index}"), None)]
        }
        Drive::Column { column, index, values } => values
            .iter()
            .map(|value| {
                let value = statement.bind(value.clone());
                (format!("cases AS c INDEXED BY {index}"), Some(format!("c.{column} = {value}")))
            })
            .collect(),
        Drive::Tag(tag) => {
            let tag = statement.bind((*tag).clone());
            let source = "case_tags AS t CROSS JOIN cases AS c ON c.number = t.number";
            vec![(source.to_owned(), Some(format!("t.tag = {tag}")))]
        }
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
    for tag in &filter.tags_all {
        if !matches!(drive, Drive::Tag(driving) if *driving == tag) {
            let tag = statement.bind(tag.clone());
            conditions.push(format!(
                "EXISTS (SELECT 1 FROM case_tags AS o \
                 WHERE o.tag = {tag} AND o.create_time_us = c.create_time_us AND o.number = c.number)"
            ));
        }
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
