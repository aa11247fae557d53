//! The SQL of lists: a walk along the one index that narrows the list most, in the order of the log, from where the page
//! before it ended. What else the filter says is asked of each leaf on the way.
//!
//! `INDEXED BY` keeps the planner, which has no statistics, from choosing otherwise.

use case_domain::{Action, CaseId, Person};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use storage::Error;

use crate::filter::Filter;
use crate::leaf::Leaf;
use crate::store::{StoredRecord, stored_record};

/// How many records a page has at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageLimit {
    /// Records.
    pub(crate) count: usize,
    /// Bytes of leaves and contents. A page has at least one record, however large.
    pub(crate) bytes: usize,
}

/// Records of a list, one after another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// In the order of the log.
    pub(crate) records: Vec<StoredRecord>,
    /// Whether the list goes on.
    pub(crate) has_more: bool,
}

/// The events of a filter from an index on.
pub(crate) fn page(connection: &Connection, filter: &Filter, from_index: u64, limit: PageLimit) -> Result<Page, Error> {
    let Some(range) = range(connection, filter, from_index.cast_signed())? else {
        return Ok(Page { records: Vec::new(), has_more: false });
    };
    let Statement { sql, values } = statement(filter, range);
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(values), |row| wanted(row, filter))?;
    take_page(rows.filter_map(Result::transpose), limit)
}

/// Places in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    /// The first.
    from: i64,
    /// Behind the last; `None`: to the end of the log.
    to: Option<i64>,
}

/// The stretch of the log that can have such events: as times never run backwards in it, a range of times is one of
/// places. `None`: the log ends before it.
fn range(connection: &Connection, filter: &Filter, from_index: i64) -> Result<Option<Range>, Error> {
    let from = match &filter.time_from {
        None => Some(0),
        Some(time) => first_at(connection, time)?,
    };
    let to = match &filter.time_to {
        None => None,
        Some(time) => first_at(connection, time)?,
    };
    Ok(from.map(|from| Range { from: from.max(from_index), to }))
}

/// Where the log reaches a time.
fn first_at(connection: &Connection, time: &str) -> Result<Option<i64>, Error> {
    let sql = "SELECT log_index FROM audit_log INDEXED BY audit_log_by_time WHERE time >= ?1 \
               ORDER BY time, log_index LIMIT 1";
    Ok(connection.prepare_cached(sql)?.query_row([time], |row| row.get(0)).optional()?)
}

struct Statement {
    sql: String,
    values: Vec<Value>,
}

fn statement(filter: &Filter, range: Range) -> Statement {
    let (index, condition, lead) = lead(filter);
    let mut values = vec![Value::Integer(range.from), Value::Integer(range.to.unwrap_or(i64::MAX))];
    values.extend(lead);
    let sql = format!(
        "SELECT log_index, leaf, content FROM audit_log {index} \
         WHERE {condition} log_index >= ?1 AND log_index < ?2 ORDER BY log_index"
    );
    Statement { sql, values }
}

/// The index to walk along, its condition, and the value of that: of the fields given, the one first that has the fewest
/// events as a rule.
fn lead(filter: &Filter) -> (&'static str, &'static str, Option<Value>) {
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    if let Some(request_id) = &filter.request_id {
        ("INDEXED BY audit_log_by_request", "request_id = ?3 AND", text(request_id))
    } else if let Some(trace_id) = &filter.trace_id {
        // The index has no row without a trace, and is only used where the statement says so.
        ("INDEXED BY audit_log_by_trace", "trace_id = ?3 AND trace_id <> '' AND", text(trace_id))
    } else if let Some(case_id) = &filter.case_id {
        // The prefix of ids can be changed, but a number is given once; the leaf decides whether it is this case.
        let number = Value::Integer(CaseId::number(case_id).cast_signed());
        ("INDEXED BY audit_log_by_case", "case_number = ?3 AND", Some(number))
    } else if let Some(actor_id) = &filter.actor_id {
        ("INDEXED BY audit_log_by_actor", "actor_id = ?3 AND", text(Person::as_str(actor_id)))
    } else if let Some(action) = filter.action {
        ("INDEXED BY audit_log_by_action", "action = ?3 AND", text(Action::as_str(action)))
    } else {
        ("NOT INDEXED", "", None)
    }
}

/// The record, if the filter asks for it. A leaf that cannot be read is not passed over: it has to be reported.
fn wanted(row: &Row<'_>, filter: &Filter) -> Result<Option<StoredRecord>, rusqlite::Error> {
    let leaf = row.get_ref(1)?.as_blob()?;
    let is_wanted = Leaf::parse(leaf).map_or(true, |leaf| filter.matches(&leaf));
    if is_wanted { stored_record(row).map(Some) } else { Ok(None) }
}

fn take_page(
    records: impl Iterator<Item = Result<StoredRecord, rusqlite::Error>>,
    limit: PageLimit,
) -> Result<Page, Error> {
    let mut page = Page { records: Vec::new(), has_more: false };
    let mut bytes = 0;
    for record in records {
        let record = record?;
        bytes += record.leaf.len() + record.content.len();
        if page.records.len() == limit.count || (bytes > limit.bytes && !page.records.is_empty()) {
            page.has_more = true;
            break;
        }
        page.records.push(record);
    }
    Ok(page)
}

#[cfg(test)]
#[path = "list_sql_tests.rs"]
mod tests;
