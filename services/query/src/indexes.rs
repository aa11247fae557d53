//! The secondary indexes of the read model: dropped while it is built anew, made at the end of that.
//!
//! An index that is kept up costs each row a search and a page; made at the end it costs one sort. The one promise is: whoever
//! finds the projection at or beyond the head of its rebuild finds every index. So they are made before the events that
//! reach that head are committed. Each is a commit of its own, so that a rebuild that is killed goes on, with those that
//! are there kept up and the others made at the end. Which are missing is read from the schema itself: nothing can
//! contradict it.

use std::path::Path;

use rusqlite::{Connection, params};
use storage::{Error, Writer};

/// A rebuild of fewer events keeps them up: making them costs more than that.
const EVENTS_MIN: u64 = 1_000;

/// Each as the migrations make it, by name.
const INDEXES: [(&str, &str); 17] = [
    ("cases_by_create_time", "INDEX cases_by_create_time ON cases (create_time_us)"),
    ("cases_by_update_time", "INDEX cases_by_update_time ON cases (update_time_us)"),
    ("cases_by_due_time", "INDEX cases_by_due_time ON cases (due_time_us)"),
    ("cases_by_close_time", "INDEX cases_by_close_time ON cases (close_time_us)"),
    ("cases_by_priority", "INDEX cases_by_priority ON cases (priority)"),
    ("cases_by_severity", "INDEX cases_by_severity ON cases (severity)"),
    ("cases_by_status", "INDEX cases_by_status ON cases (status)"),
    ("cases_by_assignee", "INDEX cases_by_assignee ON cases (assignee)"),
    ("cases_by_title", "INDEX cases_by_title ON cases (title)"),
    ("cases_by_status_create_time", "INDEX cases_by_status_create_time ON cases (status, create_time_us)"),
    ("cases_by_status_update_time", "INDEX cases_by_status_update_time ON cases (status, update_time_us)"),
    ("cases_by_category_create_time", "INDEX cases_by_category_create_time ON cases (status_category, create_time_us)"),
    ("cases_by_assignee_create_time", "INDEX cases_by_assignee_create_time ON cases (assignee, create_time_us)"),
    ("cases_by_assignee_update_time", "INDEX cases_by_assignee_update_time ON cases (assignee, update_time_us)"),
    ("cases_by_team_create_time", "INDEX cases_by_team_create_time ON cases (team, create_time_us)"),
    ("cases_by_reporter_create_time", "INDEX cases_by_reporter_create_time ON cases (reporter, create_time_us)"),
    ("timeline_by_case", "UNIQUE INDEX timeline_by_case ON timeline_entries (number, case_version)"),
];

/// For tables that have just been emptied and are to hold so many events: with every index, or with none.
pub(crate) fn prepare(connection: &Connection, events: u64) -> Result<(), Error> {
    if events < EVENTS_MIN {
        return missing(connection)?.into_iter().try_for_each(|index| create(connection, index));
    }
    for (name, _) in INDEXES {
        connection.execute(&format!("DROP INDEX IF EXISTS {name}"), [])?;
    }
    Ok(())
}

/// Makes what is missing, each in a commit of its own. `folder` has room for large sorts: that of the store itself.
pub(crate) fn complete(writer: &mut Writer, folder: Option<&Path>) -> Result<(), Error> {
    let missing = missing(writer.connection())?;
    if missing.is_empty() {
        return Ok(());
    }
    // In a container the usual place for temporary files is small, and in memory. Deprecated, because it is one for the
    // whole process: every store of a process lies on a disk that is there to be written to.
    if let Some(folder) = folder.and_then(Path::to_str) {
        writer.connection().pragma_update(None, "temp_store_directory", folder)?;
    }
    missing.into_iter().try_for_each(|index| writer.transaction(|tx| create(tx, index)))
}

fn missing(connection: &Connection) -> Result<Vec<&'static str>, Error> {
    let mut find =
        connection.prepare("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?1)")?;
    let mut missing = Vec::new();
    for (name, definition) in INDEXES {
        if !find.query_row(params![name], |row| row.get::<_, bool>(0))? {
            missing.push(definition);
        }
    }
    Ok(missing)
}

fn create(connection: &Connection, definition: &str) -> Result<(), Error> {
    connection.execute(&format!("CREATE {definition}"), [])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    fn model() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrations().run(&mut connection).unwrap();
        connection
    }

    fn schema_of(connection: &Connection) -> Vec<String> {
        let sql = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name";
        let mut select = connection.prepare(sql).unwrap();
        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn what_is_made_at_the_end_is_what_the_migrations_made() {
        let model = model();
        let migrated = schema_of(&model);
        assert_eq!(migrated.len(), INDEXES.len());
        prepare(&model, EVENTS_MIN).unwrap();
        assert_eq!(schema_of(&model), Vec::<String>::new());
        assert_eq!(missing(&model).unwrap().len(), INDEXES.len());
        // A rebuild that was killed is begun anew with little to do.
        prepare(&model, EVENTS_MIN - 1).unwrap();
        assert_eq!(schema_of(&model), migrated);
        assert_eq!(missing(&model).unwrap(), Vec::<&str>::new());
    }
}
