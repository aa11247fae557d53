//! What the storage promises, on real files.

#![expect(clippy::expect_used, clippy::panic, reason = "the functions that tests share are tests, too")]

mod checkpoints;
mod fatal;
mod group_commit;
mod inspecting;
mod ledger;
mod opening;
mod readers;
mod refusals;
mod writer;

use std::path::{Path, PathBuf};

use refinery::{Migration, Runner};
use rusqlite::Connection;
use storage::{Durability, Error, SqliteFile};
use tempfile::TempDir;

const LEDGER_V1: &str = "CREATE TABLE entries (number INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;";

/// A folder that goes away, with a place for a store in it.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// The write-ahead log, while the store is open.
    fn log(&self) -> PathBuf {
        self.folder.path().join("ledger.db-wal")
    }

    fn open(&self) -> SqliteFile {
        open(&self.path()).expect("the store opens")
    }
}

fn open(path: &Path) -> Result<SqliteFile, Error> {
    SqliteFile::open(path, runner(&[("V1__ledger", LEDGER_V1)]), Durability::Full)
}

fn runner(migrations: &[(&str, &str)]) -> Runner {
    let migrations: Vec<_> =
        migrations.iter().map(|(name, sql)| Migration::unapplied(name, sql).expect("a migration's name")).collect();
    Runner::new(&migrations)
}

fn insert(connection: &Connection, bytes: i64) -> Result<(), Error> {
    connection.execute("INSERT INTO entries (content) VALUES (zeroblob(?1))", [bytes])?;
    Ok(())
}

fn count(connection: &Connection) -> Result<i64, Error> {
    Ok(connection.query_row("SELECT count(*) FROM entries", [], |row| row.get(0))?)
}

fn numbers(connection: &Connection) -> Result<Vec<i64>, Error> {
    let mut statement = connection.prepare("SELECT number FROM entries ORDER BY number")?;
    let numbers = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(numbers)
}
