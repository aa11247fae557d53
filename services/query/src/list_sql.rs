//! The SQL of lists: every list walks an index in its own order and begins where the page before it ended, so that the
//! thousandth page costs what the first does.
//!
//! A list is made of arms, one for each value of the field that narrows it most ([`drive`]): an arm is one stretch of an
//! index. Behind a cursor it is two: the rest of the cases that share the cursor's key, and all keys behind that; compared
//! as one pair, SQLite would use the index for the key alone, and a key can be a million cases'. All arms are one short
//! statement with another value, merged here. The other fields are looked at row by row ([`conditions`]). `INDEXED BY`
//! keeps the planner, which has no statistics, from choosing otherwise.

mod conditions;
mod drive;

use std::cmp::Ordering;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};
use storage::Error;

use self::drive::Drive;
use crate::filter::Filter;
use crate::order::{Cursor, Direction, Order, SortKey, SortValue};

/// The places of the cases on a page, in order; at most `limit`.
pub(crate) fn page(
    connection: &Connection,
    filter: &Filter,
    order: Order,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<Cursor>, Error> {
    let list = List { filter, order, after, limit, drive: Drive::of(filter, order.key) };
    let mut page = Vec::new();
    for stretch in list.stretches() {
        let Statement { sql, mut values } = list.statement(*stretch);
        let mut select = connection.prepare_cached(&sql)?;
        for arm in list.drive.arms().into_iter().filter(|arm| list.reaches(arm.as_ref(), *stretch)) {
            values[ARM_VALUE] = arm.map_or(Value::Null, Value::from);
            let rows = select.query_map(params_from_iter(&values), cursor)?;
            merge(&mut page, rows, order.direction, limit)?;
        }
    }
    Ok(page)
}

fn cursor(row: &Row<'_>) -> rusqlite::Result<Cursor> {
    Ok(Cursor { key: row.get(0)?, number: row.get(1)? })
}

/// Adds one arm to a page. It is read only as long as it has something for the page.
fn merge(
    page: &mut Vec<Cursor>,
    arm: impl Iterator<Item = rusqlite::Result<Cursor>>,
    direction: Direction,
    limit: usize,
) -> Result<(), Error> {
    let compare = |a: &Cursor, b: &Cursor| {
        let ascending = (&a.key, a.number).cmp(&(&b.key, b.number));
        match direction {
            Direction::Ascending => ascending,
            Direction::Descending => ascending.reverse(),
        }
    };
    let last = page.last().cloned().filter(|_| page.len() == limit);
    for place in arm {
        let place = place?;
        if last.as_ref().is_some_and(|last| compare(last, &place) == Ordering::Less) {
            break;
        }
        page.push(place);
    }
    // Two sorted stretches: no more than a merge to this sort.
    page.sort_by(compare);
    page.truncate(limit);
    Ok(())
}

/// A page that is asked for, and by which index.
struct List<'a> {
    filter: &'a Filter,
    order: Order,
    after: Option<&'a Cursor>,
    limit: usize,
    drive: Drive<'a>,
}

/// Which part of an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stretch {
    /// All of it: there is no cursor.
    Whole,
    /// The key of the cursor, behind its number.
    SameKey,
    /// Every key behind that of the cursor.
    Beyond,
}

struct Statement {
    sql: String,
    values: Vec<Value>,
}

/// The place of the driving field's value; its placeholder is `?1`, also where nothing drives.
const ARM_VALUE: usize = 0;

impl Statement {
    /// Adds a value and answers its placeholder.
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }
}

impl List<'_> {
    /// What a page is read from, in order.
    const fn stretches(&self) -> &'static [Stretch] {
        match (self.after, self.order.key) {
            (None, _) => &[Stretch::Whole],
            // No two cases have the same number.
            (Some(_), SortKey::CaseId) => &[Stretch::Beyond],
            (Some(_), _) => &[Stretch::SameKey, Stretch::Beyond],
        }
    }

    /// Whether an arm has anything in a stretch. Where the driving field is the sort key too, an arm is one key: it lies
    /// before, at or behind the cursor as a whole.
    fn reaches(&self, arm: Option<&SortValue>, stretch: Stretch) -> bool {
        let (Some(arm), Some(after), true) = (arm, self.after, self.drive.is_by(self.order.key)) else {
            return true;
        };
        match (stretch, self.order.direction) {
            (Stretch::Whole, _) => true,
            (Stretch::SameKey, _) => *arm == after.key,
            (Stretch::Beyond, Direction::Ascending) => *arm > after.key,
            (Stretch::Beyond, Direction::Descending) => *arm < after.key,
        }
    }

    fn statement(&self, stretch: Stretch) -> Statement {
        let mut statement = Statement { sql: String::new(), values: vec![Value::Null] };
        let start = std::iter::once(self.drive.start());
        let conditions: Vec<String> =
            start.chain(self.behind(&mut statement, stretch)).chain(conditions::of(&mut statement, self)).collect();
        let limit = statement.bind(i64::try_from(self.limit).unwrap_or(i64::MAX));
        let direction = match self.order.direction {
            Direction::Ascending => "ASC",
            Direction::Descending => "DESC",
        };
        let (key, number) = (self.key(), self.drive.number(self.order.key));
        let (source, conditions) = (self.drive.source(), conditions.join(" AND "));
        statement.sql = format!(
            "SELECT {key}, {number} FROM {source} WHERE {conditions} ORDER BY {key} {direction}, {number} {direction} LIMIT {limit}"
        );
        statement
    }

    /// The column of the sort key, in the table whose order counts.
    fn key(&self) -> &'static str {
        self.drive.column(self.order.key)
    }

    /// Only what comes after the page before.
    fn behind(&self, statement: &mut Statement, stretch: Stretch) -> Vec<String> {
        let Some(after) = self.after else {
            return Vec::new();
        };
        let compared = match self.order.direction {
            Direction::Ascending => ">",
            Direction::Descending => "<",
        };
        let (key, number) = (self.key(), self.drive.number(self.order.key));
        match stretch {
            Stretch::Whole => Vec::new(),
            Stretch::SameKey => {
                let (last_key, last_number) = (statement.bind(after.key.clone()), statement.bind(after.number));
                vec![format!("{key} = {last_key}"), format!("{number} {compared} {last_number}")]
            }
            Stretch::Beyond => {
                let last_key = statement.bind(after.key.clone());
                vec![format!("{key} {compared} {last_key}")]
            }
        }
    }
}

impl From<SortValue> for Value {
    fn from(value: SortValue) -> Self {
        match value {
            SortValue::Number(number) => Self::Integer(number),
            SortValue::Text(text) => Self::Text(text),
        }
    }
}

impl FromSql for SortValue {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Integer(number) => Ok(Self::Number(number)),
            ValueRef::Text(_) => value.as_str().map(|text| Self::Text(text.to_owned())),
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => Err(FromSqlError::InvalidType),
        }
    }
}

#[cfg(test)]
#[path = "list_sql_tests.rs"]
mod tests;
