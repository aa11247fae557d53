//! Every SQL statement of this service but those of lists.

use rusqlite::{Connection, OptionalExtension, Row, params};
use storage::Error;
use uuid::Uuid;

use crate::entry::Entry;

mod migrations {
    refinery::embed_migrations!("migrations");
}

/// The migrations of this service's store.
pub(crate) fn migrations() -> refinery::Runner {
    migrations::migrations::runner()
}

/// How far the log has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogState {
    /// The random id of the store that the events come from.
    pub(crate) epoch: [u8; 16],
    /// The last position of its feed that is recorded; 0: none.
    pub(crate) position: u64,
    /// How many records there are: the next index.
    pub(crate) length: u64,
}

/// One record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredRecord {
    /// The place in the log, from 0.
    pub(crate) index: u64,
    /// The canonical bytes.
    pub(crate) leaf: Vec<u8>,
    /// The encoded `casetracker.event.v1.Content`; empty once it has been erased.
    pub(crate) content: Vec<u8>,
}

/// How far the log has come; `None`: nothing was ever recorded.
pub(crate) fn load_state(connection: &Connection) -> Result<Option<LogState>, Error> {
    let mut select = connection.prepare_cached("SELECT epoch, position, length FROM log_state")?;
    let state = select.query_row([], |row| {
        let (position, length): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(LogState { epoch: row.get(0)?, position: position.cast_unsigned(), length: length.cast_unsigned() })
    });
    Ok(state.optional()?)
}

/// Notes how far the log has come.
pub(crate) fn save_state(connection: &Connection, state: &LogState) -> Result<(), Error> {
    let sql = "INSERT INTO log_state (singleton, epoch, position, length) VALUES (1, ?1, ?2, ?3) \
               ON CONFLICT (singleton) DO UPDATE \
               SET epoch = excluded.epoch, position = excluded.position, length = excluded.length";
    let values = params![state.epoch, state.position.cast_signed(), state.length.cast_signed()];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Adds a record at the end of the log.
pub(crate) fn append(connection: &Connection, index: u64, entry: &Entry) -> Result<(), Error> {
    let sql = "INSERT INTO audit_log (log_index, position, event_id, case_number, case_id, leaf, content) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    connection.prepare_cached(sql)?.execute(params![
        index.cast_signed(),
        entry.position.cast_signed(),
        entry.event_id.as_bytes(),
        entry.case_id.number().cast_signed(),
        entry.case_id.as_str(),
        entry.leaf,
        entry.content,
    ])?;
    Ok(())
}

/// The length and the last position that the records themselves tell; differs from [`load_state`] only in a damaged store.
pub(crate) fn end_of_log(connection: &Connection) -> Result<(u64, u64), Error> {
    let sql = "SELECT log_index + 1, position FROM audit_log ORDER BY log_index DESC LIMIT 1";
    let end = connection.query_row(sql, [], |row| {
        let (length, position): (i64, i64) = (row.get(0)?, row.get(1)?);
        Ok((length.cast_unsigned(), position.cast_unsigned()))
    });
    Ok(end.optional()?.unwrap_or_default())
}

/// The id of the event that was recorded last, as text; empty if none was.
pub(crate) fn last_event_id(connection: &Connection) -> Result<String, Error> {
    let sql = "SELECT event_id FROM audit_log ORDER BY log_index DESC LIMIT 1";
    let bytes: Option<[u8; 16]> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(bytes.map(|bytes| Uuid::from_bytes(bytes).to_string()).unwrap_or_default())
}

/// The record of an event.
pub(crate) fn find_event(connection: &Connection, event_id: Uuid) -> Result<Option<StoredRecord>, Error> {
    let sql = "SELECT log_index, leaf, content FROM audit_log WHERE event_id = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([event_id.as_bytes()], stored_record).optional()?)
}

pub(crate) fn stored_record(row: &Row<'_>) -> Result<StoredRecord, rusqlite::Error> {
    let index: i64 = row.get(0)?;
    Ok(StoredRecord { index: index.cast_unsigned(), leaf: row.get(1)?, content: row.get(2)? })
}
