//! The cases that a batch changes: each is read once, and written once, however many events it has in the batch.

use std::collections::BTreeMap;

use rusqlite::Connection;
use storage::Error;

use crate::schema::{self, Earlier};
use crate::stored::Projected;

/// The cases of a batch so far, by number: written in that order, which is that of the table.
#[derive(Debug, Default)]
pub(super) struct Fold {
    cases: BTreeMap<u64, Folded>,
}

/// One of them.
#[derive(Debug)]
struct Folded {
    /// How it stands in the table; `None`: not at all.
    written: Option<Earlier>,
    /// As the last of its events made it.
    now: Projected,
    /// Whether the table has that.
    is_written: bool,
}

impl Fold {
    /// The case as the events before have made it.
    pub(super) fn load(&self, connection: &Connection, number: u64) -> Result<Option<Projected>, Error> {
        match self.cases.get(&number) {
            Some(folded) => Ok(Some(folded.now.clone())),
            None => schema::load_case(connection, number),
        }
    }

    /// The case is that now; `before` is what [`Self::load`] has given.
    pub(super) fn change(&mut self, before: Option<Earlier>, now: Projected) {
        match self.cases.entry(now.case.id.number()) {
            std::collections::btree_map::Entry::Occupied(mut known) => {
                known.get_mut().now = now;
                known.get_mut().is_written = false;
            }
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(Folded { written: before, now, is_written: false });
            }
        }
    }

    /// Writes one case at once: its event has a span that shows it.
    pub(super) fn write_now(&mut self, connection: &Connection, number: u64) -> Result<(), Error> {
        self.cases.get_mut(&number).map_or(Ok(()), |folded| folded.write(connection))
    }

    /// Writes what is not written yet.
    pub(super) fn write(mut self, connection: &Connection) -> Result<(), Error> {
        self.cases.values_mut().try_for_each(|folded| folded.write(connection))
    }
}

impl Folded {
    fn write(&mut self, connection: &Connection) -> Result<(), Error> {
        if self.is_written {
            return Ok(());
        }
        schema::save_case(connection, &self.now, self.written.as_ref())?;
        self.written = Some(Earlier::of(&self.now.case));
        self.is_written = true;
        Ok(())
    }
}
