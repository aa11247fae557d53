//! Every SQL statement of this service.

use case_api::Epoch;
use case_api::event_pb::{Content, Evidence, LifecycleDefinition, RecordedEvent};
use case_domain::{Case, Timestamp};
use prost::Message;
use rusqlite::{Connection, OptionalExtension, params};
use storage::Error;

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
    let sql = "INSERT INTO store VALUES (1, ?1, 0, 0, 0) ON CONFLICT (id) DO NOTHING";
    connection.execute(sql, [epoch.0])?;
    Ok(())
}

pub(crate) fn load_epoch(connection: &Connection) -> Result<Epoch, Error> {
    let bytes: Vec<u8> = connection.query_row("SELECT epoch FROM store", [], |row| row.get(0))?;
    Epoch::from_slice(&bytes).ok_or_else(|| Error::corrupt("the store's epoch is not 16 bytes"))
}

pub(crate) fn load_counters(connection: &Connection) -> Result<Counters, Error> {
    let sql = "SELECT last_position, last_case_number, last_time_us FROM store";
    let row = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let (position, case_number, time_us): (i64, i64, i64) = row;
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
    let sql = "UPDATE store SET last_position = ?1, last_case_number = ?2, last_time_us = ?3";
    let Counters { position, case_number, time } = counters;
    let values = params![position.cast_signed(), case_number.cast_signed(), time.unix_us()];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

pub(crate) fn load_case(connection: &Connection, number: u64) -> Result<Option<Case>, Error> {
    let mut select = connection.prepare_cached("SELECT state FROM cases WHERE number = ?1")?;
    let state: Option<Vec<u8>> = select.query_row([number.cast_signed()], |row| row.get(0)).optional()?;
    state.map(|state| decode_case(&state)).transpose()
}

pub(crate) fn save_case(connection: &Connection, case: &Case, state: &[u8]) -> Result<(), Error> {
    let sql =
        "INSERT INTO cases (number, state) VALUES (?1, ?2) ON CONFLICT (number) DO UPDATE SET state = excluded.state";
    connection.prepare_cached(sql)?.execute(params![case.id.number().cast_signed(), state])?;
    Ok(())
}

pub(crate) fn encode_case(case: &Case) -> Vec<u8> {
    CaseState::from(case).encode_to_vec()
}

pub(crate) fn decode_case(state: &[u8]) -> Result<Case, Error> {
    CaseState::decode(state).map_err(|error| undecodable("case", &error))?.try_into()
}

pub(crate) fn append_event(connection: &Connection, record: &RecordedEvent) -> Result<(), Error> {
    let evidence = record.evidence.as_ref().map(|evidence| (evidence.position, evidence.encode_to_vec()));
    let (position, evidence) = evidence.ok_or_else(|| Error::corrupt("an event without evidence was to be stored"))?;
    let content = record.content.as_ref().map(Message::encode_to_vec).unwrap_or_default();
    let mut insert =
        connection.prepare_cached("INSERT INTO events (position, evidence, content) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![position.cast_signed(), evidence, content])?;
    Ok(())
}

/// Consecutive events after a position: at most `count_max`, and no further one once `bytes_max` are reached.
pub(crate) fn read_events(
    connection: &Connection,
    after_position: u64,
    count_max: usize,
    bytes_max: usize,
) -> Result<Vec<RecordedEvent>, Error> {
    let sql = "SELECT evidence, content FROM events WHERE position > ?1 ORDER BY position LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let count_max = i64::try_from(count_max).unwrap_or(i64::MAX);
    let mut rows = select.query(params![after_position.cast_signed(), count_max])?;
    let (mut events, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (evidence, content): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
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
    let mut select =
        connection.prepare("SELECT id, time_us, key_hash, fingerprint FROM idempotency_keys ORDER BY id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (key_hash, fingerprint): (Digest, Digest) = (row.get(2)?, row.get(3)?);
        visit(StoredKey { id: row.get(0)?, time_us: row.get(1)?, key_hash, fingerprint });
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
    let sql = "INSERT INTO idempotency_keys (id, time_us, key_hash, fingerprint, position, state) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let StoredKey { id, time_us, key_hash, fingerprint } = key;
    let values = params![id, time_us, key_hash, fingerprint, position.cast_signed(), state];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// What a remembered command answered, and at which position.
pub(crate) fn load_answer(connection: &Connection, id: i64) -> Result<(Case, u64), Error> {
    let mut select = connection.prepare_cached("SELECT state, position FROM idempotency_keys WHERE id = ?1")?;
    let row: Option<(Vec<u8>, i64)> = select.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (state, position) = row.ok_or_else(|| Error::corrupt("a remembered idempotency key has no row"))?;
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
    let sql = "SELECT definition FROM lifecycles ORDER BY version DESC LIMIT 1";
    let bytes: Option<Vec<u8>> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    let decode =
        |bytes: Vec<u8>| LifecycleDefinition::decode(&*bytes).map_err(|error| undecodable("lifecycle", &error));
    bytes.map(decode).transpose()
}

pub(crate) fn append_lifecycle(
    connection: &Connection,
    definition: &LifecycleDefinition,
    time_us: i64,
) -> Result<(), Error> {
    let sql = "INSERT INTO lifecycles (version, time_us, definition) VALUES (?1, ?2, ?3)";
    connection.execute(sql, params![definition.version, time_us, definition.encode_to_vec()])?;
    Ok(())
}

/// Every case, by number.
pub(crate) fn each_case(connection: &Connection, mut visit: impl FnMut(Case)) -> Result<(), Error> {
    let mut select = connection.prepare("SELECT state FROM cases ORDER BY number")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let state: Vec<u8> = row.get(0)?;
        visit(decode_case(&state)?);
    }
    Ok(())
}

fn undecodable(what: &str, error: &prost::DecodeError) -> Error {
    Error::corrupt(format!("a stored {what} cannot be decoded: {error}"))
}
