//! A disk that fails beside the writer. In a process of its own: SQLite has one default file system.

#![expect(clippy::expect_used, reason = "the functions that tests share are tests, too")]

use std::path::Path;

use recording_vfs::{Fault, FaultKind, install};
use refinery::{Migration, Runner};
use storage::{Durability, Error, SqliteFile, Writer};

/// Far more than the log may have before somebody has to move it.
const COMMITS: i64 = 200;
const BYTES_PER_COMMIT: i64 = 300 * 4_096;

/// Commits of this store are not synced, so what fails is what the checkpointer does.
fn open(path: &Path) -> Writer {
    let sql = "CREATE TABLE entries (number INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;";
    let migrations = [Migration::unapplied("V1__ledger", sql).expect("a migration's name")];
    SqliteFile::open(path, Runner::new(&migrations), Durability::Normal).expect("the store opens").into_writer()
}

/// Commits until one fails; how many went well, and why the next one did not.
fn commit(writer: &mut Writer) -> (i64, Option<Error>) {
    for done in 0..COMMITS {
        let insert = |tx: &rusqlite::Transaction<'_>| {
            tx.execute("INSERT INTO entries (content) VALUES (zeroblob(?1))", [BYTES_PER_COMMIT])?;
            Ok::<_, Error>(())
        };
        if let Err(error) = writer.transaction(insert) {
            return (done, Some(error));
        }
    }
    (COMMITS, None)
}

fn count(writer: &Writer) -> i64 {
    writer.connection().query_row("SELECT count(*) FROM entries", [], |row| row.get(0)).expect("a count")
}

#[test]
fn a_sync_that_fails_beside_the_writer_ends_its_commits_and_loses_none_before() {
    let disk = install();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ledger.db");
    let mut writer = open(&path);
    disk.set_fault(Some(Fault { kind: FaultKind::Sync, after: 0 }));
    let (done, error) = commit(&mut writer);
    assert!(done > 20 && matches!(error, Some(Error::DiskFailed { .. })), "after {done}: {error:?}");
    let (more, error) = commit(&mut writer);
    assert!(more == 0 && matches!(error, Some(Error::DiskFailed { .. })), "nothing is written from then on: {error:?}");
    drop(writer);
    disk.set_fault(None);
    // The control: with a sound disk everything is there, and all of it goes well.
    let mut writer = open(&path);
    assert_eq!(count(&writer), done);
    let (more, error) = commit(&mut writer);
    assert!(more == COMMITS && error.is_none(), "{error:?}");
    assert_eq!(count(&writer), done + COMMITS);
}
