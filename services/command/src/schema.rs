//! Every SQL statement of this service.

use case_api::event_pb::{Content, Evidence, LifecycleDefinition, RecordedEvent};
use case_api::{Epoch, event_from_record};
use case_domain::{Case, Timestamp, evolve};
use prost::Message;
use rusqlite::{Connection, OptionalExtension, params};
use storage::{Error, checksum, verify};

use crate::stored::CaseState;

mod keys;

pub(crate) use keys::{
    append_answer, append_key_batch, delete_keys_up_to, each_key_batch, key_ids, load_answer, load_key,
    oldest_key_batches,
};

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

/// The case that the event at a position created.
pub(crate) fn created_case(connection: &Connection, position: u64) -> Result<Case, Error> {
    let unreadable = |what: &str| Error::corrupt(format!("the creation of a case at position {position} {what}"));
    let before = position.checked_sub(1).ok_or_else(|| unreadable("is none"))?;
    let record = read_events(connection, (before, position), 1, usize::MAX)?.pop();
    let recorded = event_from_record(&record.ok_or_else(|| unreadable("is missing"))?);
    let event = recorded.map_err(|error| unreadable(&format!("cannot be read: {error}")))?.event;
    evolve(None, &event).map_err(|error| Error::corrupt(error.to_string()))
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
