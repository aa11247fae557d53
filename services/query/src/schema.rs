//! The SQL of single rows: the projection's place, and cases by number. Lists are in [`crate::list_sql`].

use case_api::Epoch;
use case_api::event_pb::LifecycleDefinition;
use case_domain::{Case, Tags};
use prost::Message as _;
use rusqlite::{Connection, OptionalExtension, params};
use storage::Error;

use crate::indexes;
use crate::row::{self, Row};
use crate::stored::{Projected, decode_case};

mod migrations {
    refinery::embed_migrations!("migrations");
}

/// The migrations of this service's store.
pub(crate) fn migrations() -> refinery::Runner {
    migrations::migrations::runner()
}

/// How far the projection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The store that the events come from.
    pub(crate) epoch: Epoch,
    /// The last position of its feed that is projected.
    pub(crate) position: u64,
    /// Below this position the projection is being built, and cases are missing that exist.
    pub(crate) rebuild_head: u64,
}

/// How far the projection has come; `None`: the feed was never open.
pub(crate) fn load_place(connection: &Connection) -> Result<Option<Place>, Error> {
    let mut select = connection.prepare_cached("SELECT epoch, position, rebuild_head FROM projection")?;
    Ok(select.query_row([], place).optional()?)
}

/// The first three columns of a row.
fn place(row: &rusqlite::Row<'_>) -> rusqlite::Result<Place> {
    let (position, rebuild_head): (i64, i64) = (row.get(1)?, row.get(2)?);
    Ok(Place {
        epoch: Epoch(row.get(0)?),
        position: position.cast_unsigned(),
        rebuild_head: rebuild_head.cast_unsigned(),
    })
}

/// Forgets every case, with the indexes if there is much to come, and begins at position 0 of a store's feed. The lifecycle is kept until another one arrives.
pub(crate) fn start_over(connection: &Connection, epoch: Epoch, rebuild_head: u64) -> Result<(), Error> {
    for table in ["cases", "case_tags", "timeline_entries", "comments", "case_links"] {
        connection.execute(&format!("DELETE FROM {table}"), [])?;
    }
    indexes::prepare(connection, rebuild_head)?;
    let sql = "INSERT INTO projection (singleton, epoch, position, rebuild_head) VALUES (1, ?1, 0, ?2) \
               ON CONFLICT (singleton) DO UPDATE \
               SET epoch = excluded.epoch, position = 0, last_event_id = '', rebuild_head = excluded.rebuild_head";
    connection.execute(sql, params![epoch.0, rebuild_head.cast_signed()])?;
    Ok(())
}

/// Notes how far the projection has come: to this event.
pub(crate) fn save_position(connection: &Connection, position: u64, event_id: &str) -> Result<(), Error> {
    let sql = "UPDATE projection SET position = ?1, last_event_id = ?2";
    connection.prepare_cached(sql)?.execute(params![position.cast_signed(), event_id])?;
    Ok(())
}

/// The id of the event at the projection's position; empty if there is none.
pub(crate) fn last_event_id(connection: &Connection) -> Result<String, Error> {
    let id = connection.query_row("SELECT last_event_id FROM projection", [], |row| row.get(0)).optional()?;
    Ok(id.unwrap_or_default())
}

/// The lifecycle that was last received.
pub(crate) fn load_lifecycle(connection: &Connection) -> Result<Option<LifecycleDefinition>, Error> {
    let stored: Option<Option<Vec<u8>>> =
        connection.query_row("SELECT lifecycle FROM projection", [], |row| row.get(0)).optional()?;
    let decode = |bytes: Vec<u8>| {
        LifecycleDefinition::decode(&*bytes)
            .map_err(|error| Error::corrupt(format!("the kept lifecycle cannot be decoded: {error}")))
    };
    stored.flatten().map(decode).transpose()
}

/// Keeps a lifecycle.
pub(crate) fn save_lifecycle(connection: &Connection, definition: &LifecycleDefinition) -> Result<(), Error> {
    connection.execute("UPDATE projection SET lifecycle = ?1", [definition.encode_to_vec()])?;
    Ok(())
}

/// The case with a number.
pub(crate) fn load_case(connection: &Connection, number: u64) -> Result<Option<Projected>, Error> {
    let mut select = connection.prepare_cached("SELECT state FROM cases WHERE number = ?1")?;
    let state: Option<Vec<u8>> = select.query_row([number.cast_signed()], |row| row.get(0)).optional()?;
    state.map(|state| decode_case(&state)).transpose()
}

/// A case as a single statement finds it.
#[derive(Debug)]
pub(crate) struct Found {
    /// How far the projection had come.
    pub(crate) place: Place,
    /// `None`: there is none with that number.
    pub(crate) projected: Option<Projected>,
    /// Whether others have made links to it.
    pub(crate) is_linked: bool,
}

/// The case with a number and the place of the projection; `None`: the feed was never open.
pub(crate) fn find_case(connection: &Connection, number: u64) -> Result<Option<Found>, Error> {
    let sql = "SELECT epoch, position, rebuild_head, (SELECT state FROM cases WHERE number = ?1), \
               EXISTS (SELECT 1 FROM case_links WHERE linked_number = ?1) FROM projection";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([number.cast_signed()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let state = row.get_ref(3)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    Ok(Some(Found { place: place(row)?, projected: state.map(decode_case).transpose()?, is_linked: row.get(4)? }))
}

/// What a row looked like before an event: what has to be known to change no more than differs.
#[derive(Debug, Clone)]
pub(crate) struct Earlier {
    row: Row,
    tags: Tags,
}

impl Earlier {
    /// Of a case before the event.
    pub(crate) fn of(case: &Case) -> Self {
        Self { row: Row::of(case), tags: case.tags.clone() }
    }
}

/// Puts a case in the place of its earlier state; `None`: it is new.
pub(crate) fn save_case(
    connection: &Connection,
    projected: &Projected,
    earlier: Option<&Earlier>,
) -> Result<(), Error> {
    row::save(connection, earlier.map(|earlier| &earlier.row), projected)?;
    let (untagged, case) = (Tags::default(), &projected.case);
    let tags_before = earlier.map_or(&untagged, |earlier| &earlier.tags);
    if case.tags != *tags_before {
        save_tags(connection, case, tags_before)?;
    }
    Ok(())
}

fn save_tags(connection: &Connection, case: &Case, before: &Tags) -> Result<(), Error> {
    let (number, created_us) = (case.id.number().cast_signed(), case.create_time.unix_us());
    let mut delete =
        connection.prepare_cached("DELETE FROM case_tags WHERE tag = ?1 AND create_time_us = ?2 AND number = ?3")?;
    for tag in before.as_slice() {
        delete.execute(params![tag.as_str(), created_us, number])?;
    }
    let mut insert =
        connection.prepare_cached("INSERT INTO case_tags (tag, create_time_us, number) VALUES (?1, ?2, ?3)")?;
    for tag in case.tags.as_slice() {
        insert.execute(params![tag.as_str(), created_us, number])?;
    }
    Ok(())
}
