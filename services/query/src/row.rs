//! A case as a row: the columns that lists filter and sort by.

use std::sync::LazyLock;

use case_domain::{Case, Line, Priority, Severity, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use storage::Error;

use crate::stored::{Projected, encode_case};

/// What stands for a time that is not set: it sorts before every other.
pub(crate) const UNSET_TIME_US: i64 = i64::MIN;

/// The number, which is given once and never changes, comes first.
const COLUMNS: [&str; 14] = [
    "number",
    "title",
    "status",
    "status_category",
    "priority",
    "severity",
    "assignee",
    "team",
    "reporter",
    "create_time_us",
    "update_time_us",
    "due_time_us",
    "close_time_us",
    "state",
];

/// The values of the columns, but for the state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row([Value; COLUMNS.len() - 1]);

impl Row {
    /// Of a case.
    pub(crate) fn of(case: &Case) -> Self {
        let text = |text: Option<&str>| Value::Text(text.unwrap_or_default().to_owned());
        Self([
            Value::Integer(case.id.number().cast_signed()),
            text(Some(case.title.as_str())),
            text(Some(case.status.as_str())),
            text(Some(case.status_category.as_str())),
            Value::Integer(priority_rank(case.priority)),
            Value::Integer(severity_rank(case.severity)),
            text(case.assignee.as_ref().map(Line::as_str)),
            text(case.team.as_ref().map(Line::as_str)),
            text(case.reporter.as_ref().map(Line::as_str)),
            Value::Integer(case.create_time.unix_us()),
            Value::Integer(case.update_time.unix_us()),
            Value::Integer(case.due_time.map_or(UNSET_TIME_US, Timestamp::unix_us)),
            Value::Integer(case.close_time.map_or(UNSET_TIME_US, Timestamp::unix_us)),
        ])
    }
}

/// Where a priority stands among the others; 0: none.
pub(crate) const fn priority_rank(priority: Option<Priority>) -> i64 {
    match priority {
        None => 0,
        Some(Priority::Low) => 1,
        Some(Priority::Medium) => 2,
        Some(Priority::High) => 3,
        Some(Priority::Urgent) => 4,
    }
}

/// Where a severity stands among the others; 0: none.
pub(crate) const fn severity_rank(severity: Option<Severity>) -> i64 {
    match severity {
        None => 0,
        Some(Severity::Low) => 1,
        Some(Severity::Medium) => 2,
        Some(Severity::High) => 3,
        Some(Severity::Urgent) => 4,
    }
}

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let placeholders: Vec<String> = (1..=COLUMNS.len()).map(|nth| format!("?{nth}")).collect();
    format!("INSERT INTO cases ({}) VALUES ({})", COLUMNS.join(", "), placeholders.join(", "))
});

/// Puts a case in the place of its earlier row.
///
/// Only columns that differ are written: SQLite would rewrite the index of every column that is named, changed or not.
pub(crate) fn save(connection: &Connection, before: Option<&Row>, projected: &Projected) -> Result<(), Error> {
    let after = Row::of(&projected.case);
    let state = Value::Blob(encode_case(projected));
    let Some(before) = before else {
        connection.prepare_cached(&INSERT)?.execute(params_from_iter(after.0.iter().chain([&state])))?;
        return Ok(());
    };
    let (number, state) = (&after.0[..1], [state]);
    let columns = COLUMNS.iter().zip(before.0.iter().map(Some).chain([None])).zip(after.0.iter().chain(&state));
    let (mut sets, mut values) = (Vec::new(), number.iter().collect::<Vec<_>>());
    for ((column, before), after) in columns {
        if before != Some(after) {
            values.push(after);
            sets.push(format!("{column} = ?{}", values.len()));
        }
    }
    let sql = format!("UPDATE cases SET {} WHERE number = ?1", sets.join(", "));
    connection.prepare_cached(&sql)?.execute(params_from_iter(values))?;
    Ok(())
}
