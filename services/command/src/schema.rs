//! Every SQL statement of this service.

use case_api::Epoch;
use case_api::event_pb::{Content, Evidence, LifecycleDefinition, RecordedEvent};
use case_domain::{Case, Timestamp};
use prost::Message;
use rusqlite::{Connection, OptionalExtension, params};
use storage::{Error, checksum, verify};

use crate::idempotency::{Digest, StoredKey};
use crate::stored::CaseState;

mod migrations {
    refinery::embed_migrations!("migrations");
}

/// The migrations of this service's store.
pub(crate) fn migrations() -> refinery::Runner {
    migrations::migrations::runner()
}

/// The last of each: what the next batch counts on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) position: u64,
    pub(crate) case_number: u64,
    pub(crate) time: Timestamp,
}

/// Makes the store's one row on the first start.
pub(crate) fn found_store(connection: &Connection, epoch: Epoch) -> Result<(), Error> {
    let sql = "INSERT INTO store (id, epoch, last_position, last_case_number, last_time_us) VALUES (1, ?1, 0, 0, 0) \
               ON CONFLICT (id) DO NOTHING";
    connection.execute(sql, [epoch.0])?;
    Ok(())
}

pub(crate) fn load_epoch(connection: &Connection) -> Result<Epoch, Error> {
    let bytes: Vec<u8> = connection.query_row("SELECT epoch FROM store", [], |row| row.get(0))?;
    Epoch::from_slice(&bytes).ok_or_else(|| Error::corrupt("the store's epoch is not 16 bytes"))
}

pub(crate) fn load_counters(connection: &Connection) -> Result<Counters, Error> {
    let sql = "SELECT last_position, last_case_number, last_time_us, checksum FROM store";
    let row = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let (position, case_number, time_us, checksum): (i64, i64, i64, _) = row;
    let values = [position, case_number, time_us].map(i64::to_le_bytes);
    verify("the row of the counters", checksum, &[&values[0], &values[1], &values[2]])?;
    Ok(Counters {
        position: position.cast_unsigned(),
        case_number: case_number.cast_unsigned(),
        time: Timestamp::saturating_from_unix_us(time_us),
    })
}

/// The last position that has an event; differs from the counter only in a damaged store.
pub(crate) fn last_event_position(connection: &Connection) -> Result<u64, Error> {
    let sql = "SELECT coalesce(max(position), 0) FROM events";
    let position: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(position.cast_unsigned())
}

pub(crate) fn save_counters(connection: &Connection, counters: &Counters) -> Result<(), Error> {
    let sql = "UPDATE store SET last_position = ?1, last_case_number = ?2, last_time_us = ?3, checksum = ?4";
    let Counters { position, case_number, time } = counters;
    let checksum = checksum(&[&position.to_le_bytes(), &case_number.to_le_bytes(), &time.unix_us().to_le_bytes()]);
    let values = params![position.cast_signed(), case_number.cast_signed(), time.unix_us(), checksum];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

pub(crate) fn load_case(connection: &Connection, number: u64) -> Result<Option<Case>, Error> {
    let mut select = connection.prepare_cached("SELECT state, checksum FROM cases WHERE number = ?1")?;
    let row = select.query_row([number.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    row.map(|(state, checksum): (Vec<u8>, _)| verified_case(number, &state, checksum)).transpose()
}

pub(crate) fn save_case(connection: &Connection, case: &Case, state: &[u8]) -> Result<(), Error> {
    let sql = "INSERT INTO cases (number, state, checksum) VALUES (?1, ?2, ?3) \
         ON CONFLICT (number) DO UPDATE SET state = excluded.state, checksum = excluded.checksum";
    let number = case.id.number();
    let checksum = checksum(&[&number.to_le_bytes(), state]);
    connection.prepare_cached(sql)?.execute(params![number.cast_signed(), state, checksum])?;
    Ok(())
}

pub(crate) fn encode_case(case: &Case) -> Vec<u8> {
    CaseState::from(case).encode_to_vec()
}

fn verified_case(number: u64, state: &[u8], checksum: Option<u32>) -> Result<Case, Error> {
    verify("a stored case", checksum, &[&number.to_le_bytes(), state])?;
    decode_case(state)
}

fn decode_case(state: &[u8]) -> Result<Case, Error> {
    CaseState::decode(state).map_err(|error| undecodable("case", &error))?.try_into()
}

pub(crate) fn append_event(connection: &Connection, record: &RecordedEvent) -> Result<(), Error> {
    let evidence = record.evidence.as_ref().map(|evidence| (evidence.position, evidence.encode_to_vec()));
    let (position, evidence) = evidence.ok_or_else(|| Error::corrupt("an event without evidence was to be stored"))?;
    let content = record.content.as_ref().map(Message::encode_to_vec).unwrap_or_default();
    let sql = "INSERT INTO events (position, evidence, content, checksum) VALUES (?1, ?2, ?3, ?4)";
    let checksum = checksum(&[&position.to_le_bytes(), &evidence, &content]);
    connection.prepare_cached(sql)?.execute(params![position.cast_signed(), evidence, content, checksum])?;
    Ok(())
}

/// Consecutive events after a position, up to `head` at the most: at most `count_max`, and no further one once `bytes_max` are
/// reached. At least one, if `head` is not reached yet: whatever is missing is corrupt.
pub(crate) fn read_events(
    connection: &Connection,
    (after_position, head): (u64, u64),
    count_max: usize,
    bytes_max: usize,
) -> Result<Vec<RecordedEvent>, Error> {
    let sql = "SELECT evidence, content, position, checksum FROM events WHERE position > ?1 ORDER BY position LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let count_max = i64::try_from(count_max).unwrap_or(i64::MAX);
    let mut rows = select.query(params![after_position.cast_signed(), count_max])?;
    let (mut events, mut bytes) = (Vec::new(), 0);
    for wanted in after_position + 1..=head {
        let Some(row) = rows.next()? else {
            let complete = events.len() == usize::try_from(count_max).unwrap_or(usize::MAX);
            return if complete { Ok(events) } else { Err(Error::corrupt(format!("event {wanted} is missing"))) };
        };
        let (evidence, content, position): (Vec<u8>, Vec<u8>, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if position.cast_unsigned() != wanted {
            return Err(Error::corrupt(format!("event {position} stands where event {wanted} must")));
        }
        verify("a stored event", row.get(3)?, &[&position.to_le_bytes(), &evidence, &content])?;
        bytes += evidence.len() + content.len();
        events.push(RecordedEvent {
            evidence: Some(Evidence::decode(&*evidence).map_err(|error| undecodable("event", &error))?),
            content: Some(Content::decode(&*content).map_err(|error| undecodable("event", &error))?),
        });
        if bytes >= bytes_max {
            break;
        }
    }
    Ok(events)
}

/// The id of the event at a position; empty if there is none.
pub(crate) fn event_id_at(connection: &Connection, position: u64) -> Result<String, Error> {
    let mut select = connection.prepare_cached("SELECT evidence FROM events WHERE position = ?1")?;
    let evidence: Option<Vec<u8>> = select.query_row([position.cast_signed()], |row| row.get(0)).optional()?;
    let Some(evidence) = evidence else { return Ok(String::new()) };
    Ok(Evidence::decode(&*evidence).map_err(|error| undecodable("event", &error))?.event_id)
}

/// Every remembered key, oldest first.
pub(crate) fn each_key(connection: &Connection, mut visit: impl FnMut(StoredKey)) -> Result<(), Error> {
    let mut select = connection
        .prepare("SELECT id, time_us, key_hash, fingerprint, position, checksum FROM idempotency_keys ORDER BY id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (key_hash, fingerprint): (Digest, Digest) = (row.get(2)?, row.get(3)?);
        let key = StoredKey { id: row.get(0)?, time_us: row.get(1)?, key_hash, fingerprint };
        let position: i64 = row.get(4)?;
        let stored: Option<u32> = row.get(5)?;
        if stored.is_some_and(|stored| stored != key_checksum(&key, position)) {
            return Err(Error::corrupt("a remembered idempotency key does not match its checksum"));
        }
        visit(key);
    }
    Ok(())
}

/// The oldest keys, at most `count_max`.
pub(crate) fn oldest_keys(connection: &Connection, count_max: usize) -> Result<Vec<StoredKey>, Error> {
    let sql = "SELECT id, time_us, key_hash, fingerprint FROM idempotency_keys ORDER BY id LIMIT ?1";
    let mut select = connection.prepare_cached(sql)?;
    let count_max = i64::try_from(count_max).unwrap_or(i64::MAX);
    let rows = select.query_map([count_max], |row| {
        Ok(StoredKey { id: row.get(0)?, time_us: row.get(1)?, key_hash: row.get(2)?, fingerprint: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn delete_keys_up_to(connection: &Connection, id: i64) -> Result<(), Error> {
    connection.prepare_cached("DELETE FROM idempotency_keys WHERE id <= ?1")?.execute([id])?;
    Ok(())
}

pub(crate) fn append_key(connection: &Connection, key: &StoredKey, position: u64, state: &[u8]) -> Result<(), Error> {
    let sql = "INSERT INTO idempotency_keys \
               (id, time_us, key_hash, fingerprint, position, state, checksum, state_checksum) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let StoredKey { id, time_us, key_hash, fingerprint } = key;
    let position = position.cast_signed();
    let sums = [key_checksum(key, position), checksum(&[&id.to_le_bytes(), state])];
    let values = params![id, time_us, key_hash, fingerprint, position, state, sums[0], sums[1]];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn key_checksum(key: &StoredKey, position: i64) -> u32 {
    let StoredKey { id, time_us, key_hash, fingerprint } = key;
    checksum(&[&id.to_le_bytes(), &time_us.to_le_bytes(), key_hash, fingerprint, &position.to_le_bytes()])
}

/// What a remembered command answered, and at which position.
pub(crate) fn load_answer(connection: &Connection, id: i64) -> Result<(Case, u64), Error> {
    let sql = "SELECT state, position, state_checksum FROM idempotency_keys WHERE id = ?1";
    let mut select = connection.prepare_cached(sql)?;
    let row = select.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let row: Option<(Vec<u8>, i64, Option<u32>)> = row;
    let (state, position, sum) = row.ok_or_else(|| Error::corrupt("a remembered idempotency key has no row"))?;
    verify("a remembered answer", sum, &[&id.to_le_bytes(), &state])?;
    Ok((decode_case(&state)?, position.cast_unsigned()))
}

pub(crate) fn load_acknowledgements(connection: &Connection) -> Result<Vec<(String, u64)>, Error> {
    let mut select = connection.prepare("SELECT name, acknowledged_position FROM consumers")?;
    let rows = select.query_map([], |row| {
        let position: i64 = row.get(1)?;
        Ok((row.get(0)?, position.cast_unsigned()))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn save_acknowledgement(connection: &Connection, consumer: &str, position: u64) -> Result<(), Error> {
    let sql = "INSERT INTO consumers (name, acknowledged_position) VALUES (?1, ?2) \
               ON CONFLICT (name) DO UPDATE SET acknowledged_position = excluded.acknowledged_position";
    connection.prepare_cached(sql)?.execute(params![consumer, position.cast_signed()])?;
    Ok(())
}

/// The lifecycle in force, if there has ever been one.
pub(crate) fn latest_lifecycle(connection: &Connection) -> Result<Option<LifecycleDefinition>, Error> {
    let sql = "SELECT definition, checksum FROM lifecycles ORDER BY version DESC LIMIT 1";
    let row: Option<(Vec<u8>, Option<u32>)> =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((bytes, sum)) = row else { return Ok(None) };
    verify("the stored lifecycle", sum, &[&bytes])?;
    LifecycleDefinition::decode(&*bytes).map(Some).map_err(|error| undecodable("lifecycle", &error))
}

pub(crate) fn append_lifecycle(
    connection: &Connection,
    definition: &LifecycleDefinition,
    time_us: i64,
) -> Result<(), Error> {
    let sql = "INSERT INTO lifecycles (version, time_us, definition, checksum) VALUES (?1, ?2, ?3, ?4)";
    let bytes = definition.encode_to_vec();
    connection.execute(sql, params![definition.version, time_us, bytes, checksum(&[&bytes])])?;
    Ok(())
}

/// Every case, by number.
pub(crate) fn each_case(connection: &Connection, mut visit: impl FnMut(Case)) -> Result<(), Error> {
    let mut select = connection.prepare("SELECT state, number, checksum FROM cases ORDER BY number")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (state, number): (Vec<u8>, i64) = (row.get(0)?, row.get(1)?);
        visit(verified_case(number.cast_unsigned(), &state, row.get(2)?)?);
    }
    Ok(())
}

fn undecodable(what: &str, error: &prost::DecodeError) -> Error {
    Error::corrupt(format!("a stored {what} cannot be decoded: {error}"))
}
