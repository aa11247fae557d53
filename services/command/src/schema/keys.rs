//! The SQL of idempotency keys and of what replays are answered with.

use std::ops::Range;

use case_domain::Case;
use rusqlite::{Connection, OptionalExtension, Row, params};
use storage::{Error, checksum, verify};

use super::decode_case;
use crate::idempotency::{KeyBatch, RECORD_BYTES};

/// The ids of all remembered keys. Without any, the next one is 1.
pub(crate) fn key_ids(connection: &Connection) -> Result<Range<u64>, Error> {
    let end = |sql| connection.query_row(sql, [], batch_without_keys).optional();
    let sql =
        |order| format!("SELECT first_id, time_us, length(keys) FROM key_batches ORDER BY first_id {order} LIMIT 1");
    Ok(match (end(&sql("ASC"))?, end(&sql("DESC"))?) {
        (Some(first), Some(last)) => first.first_id..last.first_id + last.count,
        (None, _) | (_, None) => 1..1,
    })
}

/// Every row of remembered keys, oldest first.
pub(crate) fn each_key_batch(
    connection: &Connection,
    mut visit: impl FnMut(KeyBatch, &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let sql = "SELECT first_id, time_us, keys, checksum FROM key_batches ORDER BY first_id";
    let mut select = connection.prepare(sql)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (batch, keys) = verified(row)?;
        visit(batch, keys)?;
    }
    Ok(())
}

/// The record of one key.
pub(crate) fn load_key(connection: &Connection, id: u64) -> Result<Vec<u8>, Error> {
    let sql =
        "SELECT first_id, time_us, keys, checksum FROM key_batches WHERE first_id <= ?1 ORDER BY first_id DESC LIMIT 1";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([id.cast_signed()])?;
    let gone = || Error::corrupt("a remembered idempotency key has no row");
    let (batch, keys) = verified(rows.next()?.ok_or_else(gone)?)?;
    let place = usize::try_from(id - batch.first_id).map_err(|_| gone())?;
    keys.chunks(RECORD_BYTES).nth(place).map(<[u8]>::to_vec).ok_or_else(gone)
}

/// The oldest rows without their keys, at most `count_max`.
pub(crate) fn oldest_key_batches(connection: &Connection, count_max: usize) -> Result<Vec<KeyBatch>, Error> {
    let sql = "SELECT first_id, time_us, length(keys) FROM key_batches ORDER BY first_id LIMIT ?1";
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map([i64::try_from(count_max).unwrap_or(i64::MAX)], batch_without_keys)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Deletes whole rows: `id` is the last one of a row.
pub(crate) fn delete_keys_up_to(connection: &Connection, id: u64) -> Result<(), Error> {
    for sql in ["DELETE FROM key_batches WHERE first_id <= ?1", "DELETE FROM answers WHERE id <= ?1"] {
        connection.prepare_cached(sql)?.execute([id.cast_signed()])?;
    }
    Ok(())
}

pub(crate) fn append_key_batch(connection: &Connection, batch: &KeyBatch, keys: &[u8]) -> Result<(), Error> {
    let sql = "INSERT INTO key_batches (first_id, time_us, keys, checksum) VALUES (?1, ?2, ?3, ?4)";
    let values = params![batch.first_id.cast_signed(), batch.time_us, keys, batch_checksum(batch, keys)];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Keeps what a command answered, for replays under the key of this id.
pub(crate) fn append_answer(connection: &Connection, id: u64, state: &[u8]) -> Result<(), Error> {
    let sql = "INSERT INTO answers (id, state, checksum) VALUES (?1, ?2, ?3)";
    let values = params![id.cast_signed(), state, checksum(&[&id.to_le_bytes(), state])];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// What was kept for the key of this id.
pub(crate) fn load_answer(connection: &Connection, id: u64) -> Result<Case, Error> {
    let mut select = connection.prepare_cached("SELECT state, checksum FROM answers WHERE id = ?1")?;
    let row = select.query_row([id.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let row: Option<(Vec<u8>, Option<u32>)> = row;
    let (state, sum) = row.ok_or_else(|| Error::corrupt("a remembered answer is missing"))?;
    verify("a remembered answer", sum, &[&id.to_le_bytes(), &state])?;
    decode_case(&state)
}

fn batch_without_keys(row: &Row<'_>) -> rusqlite::Result<KeyBatch> {
    let (first_id, bytes): (i64, i64) = (row.get(0)?, row.get(2)?);
    let count = bytes.cast_unsigned() / RECORD_BYTES as u64;
    Ok(KeyBatch { first_id: first_id.cast_unsigned(), count, time_us: row.get(1)? })
}

/// A row with its keys.
fn verified<'a>(row: &'a Row<'_>) -> Result<(KeyBatch, &'a [u8]), Error> {
    let keys = row.get_ref(2)?.as_blob().map_err(|_| Error::corrupt("remembered idempotency keys are not bytes"))?;
    let (first_id, count): (i64, _) = (row.get(0)?, (keys.len() / RECORD_BYTES) as u64);
    let batch = KeyBatch { first_id: first_id.cast_unsigned(), count, time_us: row.get(1)? };
    let stored: Option<u32> = row.get(3)?;
    if stored.is_some_and(|stored| stored != batch_checksum(&batch, keys)) {
        return Err(Error::corrupt("a row of remembered idempotency keys does not match its checksum"));
    }
    Ok((batch, keys))
}

fn batch_checksum(batch: &KeyBatch, keys: &[u8]) -> u32 {
    checksum(&[&batch.first_id.to_le_bytes(), &batch.time_us.to_le_bytes(), keys])
}
