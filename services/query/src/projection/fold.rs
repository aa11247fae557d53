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

    /// The case is that now; `before` is what its row was like, if it was not known yet.
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

    /// Whether the batch has changed the case already: then nobody needs to know what its row was like.
    pub(super) fn knows(&self, number: u64) -> bool {
        self.cases.contains_key(&number)
    }

    /// Writes one case at once: its event has a span that shows it.
    pub(super) fn write_now(&mut self, connection: &Connection, number: u64) -> Result<(), Error> {
        let Some(folded) = self.cases.get_mut(&number) else { return Ok(()) };
        folded.write(connection)?;
        folded.written = Some(Earlier::of(&folded.now.case));
        folded.is_written = true;
        Ok(())
    }

    /// Writes what is not written yet.
    pub(super) fn write(self, connection: &Connection) -> Result<(), Error> {
        self.cases.values().filter(|folded| !folded.is_written).try_for_each(|folded| folded.write(connection))
    }
}

impl Folded {
    fn write(&self, connection: &Connection) -> Result<(), Error> {
        schema::save_case(connection, &self.now, self.written.as_ref())
    }
}
