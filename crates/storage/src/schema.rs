//! Migrations, and what is looked at before a store is trusted.

use refinery::Runner;
use rusqlite::{Connection, OptionalExtension};

use crate::Error;

/// A bug of SQLite before this version can corrupt a database when its log is reset.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// Refuses a SQLite that cannot be trusted with data.
pub(crate) fn check_sqlite_version(version: i32) -> Result<(), Error> {
    if version < SQLITE_VERSION_MIN {
        return Err(Error::unavailable(format!(
            "this SQLite ({version}) can corrupt its files; at least {SQLITE_VERSION_MIN} (3.51.3) is needed"
        )));
    }
    Ok(())
}

/// A cheap look at the file, whose cost does not grow with it: milliseconds, where `PRAGMA quick_check` takes minutes
/// on a big file.
///
/// Reading the schema finds a file that is no database or shorter than its header says; one row of each table finds a
/// damaged root page. What stays unseen is written at `SqliteFile::open`.
pub(crate) fn look_over(connection: &Connection) -> Result<(), Error> {
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")?;
    let names = tables.query_map([], |row| row.get::<_, String>(0))?;
    for name in names {
        let quoted = name?.replace('"', "\"\"");
        connection.query_row(&format!("SELECT 1 FROM \"{quoted}\" LIMIT 1"), [], |_| Ok(())).optional()?;
    }
    Ok(())
}

/// Brings the schema up to date, all migrations in one transaction; refuses a schema that is newer than the program.
pub(crate) fn migrate(connection: &mut Connection, runner: Runner) -> Result<(), Error> {
    check_version(applied_version(connection)?, supported_version(&runner))?;
    runner.set_grouped(true).run(connection).map_err(classify)?;
    Ok(())
}

/// The highest version that a program with these migrations knows; 0: it has none.
pub(crate) fn supported_version(runner: &Runner) -> i64 {
    runner.get_migrations().iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0)
}

/// Refuses what a newer program has migrated.
pub(crate) const fn check_version(found: i64, supported: i64) -> Result<(), Error> {
    if found > supported { Err(Error::SchemaTooNew { found, supported }) } else { Ok(()) }
}

/// The highest migration that the store has seen; 0 for a new store.
pub(crate) fn applied_version(connection: &Connection) -> Result<i64, Error> {
    let known: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'refinery_schema_history')",
        [],
        |row| row.get(0),
    )?;
    if !known {
        return Ok(0);
    }
    // refinery panics at a history that it cannot parse, so damage is looked for first.
    let (version, damaged): (i64, i64) = connection.query_row(
        "SELECT coalesce(max(version), 0),
                coalesce(sum(datetime(applied_on) IS NULL OR checksum = '' OR checksum GLOB '*[^0-9]*'
                             OR typeof(version) <> 'integer'), 0)
         FROM refinery_schema_history",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if damaged > 0 {
        return Err(Error::corrupt("the history of migrations is damaged"));
    }
    Ok(version)
}

fn classify(error: refinery::Error) -> Error {
    use refinery::error::Kind;
    match error.kind() {
        Kind::DivergentVersion(applied, known) => {
            Error::SchemaDiverged { reason: format!("it has migration {applied}, this program has {known}") }
        }
        Kind::MissingVersion(applied) => {
            Error::SchemaDiverged { reason: format!("it has migration {applied}, which this program lacks") }
        }
        Kind::Connection(..) => of_connection(error),
        Kind::InvalidName
        | Kind::InvalidVersion
        | Kind::RepeatedVersion(_)
        | Kind::InvalidMigrationPath(..)
        | Kind::ConfigError(_)
        | Kind::InvalidMigrationFile(..) => broken(error),
    }
}

/// refinery boxes the driver's error; what it asks of us is the same as everywhere else.
fn of_connection(error: refinery::Error) -> Error {
    use std::error::Error as _;
    let code = error
        .source()
        .and_then(|source| source.downcast_ref::<rusqlite::Error>())
        .and_then(|source| source.sqlite_error().map(|code| (*code, source.to_string())));
    match code {
        Some((code, message)) => Error::from(rusqlite::Error::SqliteFailure(code, Some(message))),
        None => broken(error),
    }
}

fn broken(error: refinery::Error) -> Error {
    Error::Statement { reason: "a migration is broken".to_owned(), source: Some(error.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_that_can_corrupt_is_refused() {
        assert!(check_sqlite_version(3_051_002).is_err());
        assert!(check_sqlite_version(SQLITE_VERSION_MIN).is_ok());
        assert!(check_sqlite_version(rusqlite::version_number()).is_ok(), "the bundled one is new enough");
    }
}
