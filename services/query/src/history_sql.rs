//! The SQL of what has happened to a case: its timeline and its comments.

use rusqlite::{Connection, Row, params};
use storage::Error;

use crate::stored_entry::{EntryState, decode_entry};

/// Adds the entry of the event at a position.
pub(crate) fn add_entry(
    connection: &Connection,
    position: u64,
    (number, case_version): (u64, u64),
    entry: &[u8],
) -> Result<(), Error> {
    let sql = "INSERT INTO timeline_entries (position, number, case_version, entry) VALUES (?1, ?2, ?3, ?4)";
    let row = params![position.cast_signed(), number.cast_signed(), case_version.cast_signed(), entry];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Notes that the entry at a position is a comment, and its number within the case.
pub(crate) fn add_comment(
    connection: &Connection,
    position: u64,
    (number, comment_number): (u64, u64),
) -> Result<(), Error> {
    let sql = "INSERT INTO comments (number, comment_number, position) VALUES (?1, ?2, ?3)";
    let row = params![number.cast_signed(), comment_number.cast_signed(), position.cast_signed()];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Part of a history: what comes behind a number, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// The case.
    pub(crate) number: u64,
    /// Versions, or numbers of comments, above this one.
    pub(crate) after: u64,
    /// How many at most.
    pub(crate) limit: usize,
}

/// The entries of a case by its version after them. They are read one by one: a page may be full before its last.
pub(crate) fn entries<T>(
    connection: &Connection,
    part: Part,
    work: impl FnOnce(&mut dyn Iterator<Item = Result<(u64, EntryState), Error>>) -> Result<T, Error>,
) -> Result<T, Error> {
    let sql = "SELECT case_version, entry FROM timeline_entries WHERE number = ?1 AND case_version > ?2 \
               ORDER BY case_version LIMIT ?3";
    walk(connection, sql, part, work)
}

/// The entries that are comments, by the number of the comment; likewise.
pub(crate) fn comments<T>(
    connection: &Connection,
    part: Part,
    work: impl FnOnce(&mut dyn Iterator<Item = Result<(u64, EntryState), Error>>) -> Result<T, Error>,
) -> Result<T, Error> {
    let sql = "SELECT c.comment_number, t.entry FROM comments AS c CROSS JOIN timeline_entries AS t \
               ON t.position = c.position WHERE c.number = ?1 AND c.comment_number > ?2 \
               ORDER BY c.comment_number LIMIT ?3";
    walk(connection, sql, part, work)
}

fn walk<T>(
    connection: &Connection,
    sql: &str,
    part: Part,
    work: impl FnOnce(&mut dyn Iterator<Item = Result<(u64, EntryState), Error>>) -> Result<T, Error>,
) -> Result<T, Error> {
    let Part { number, after, limit } = part;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, Vec<u8>>(1)?));
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map(params![number.cast_signed(), after.cast_signed(), limit], read)?;
    work(&mut rows.map(|row| {
        let (nth, entry) = row?;
        Ok((nth, decode_entry(&entry)?))
    }))
}
