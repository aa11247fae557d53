//! What the recording disk promises. All in one test: there is one disk for each process.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use recording_vfs::{Fault, FaultKind, Image, Operation, install};
use rusqlite::{Connection, ErrorCode};

fn open(folder: &Path) -> Connection {
    let connection = Connection::open(folder.join("test.db")).unwrap();
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 3").unwrap();
    connection
}

/// The numbers that an image holds; none if it has no table yet.
fn numbers(image: &Image) -> Option<Vec<i64>> {
    let folder = tempfile::tempdir().unwrap();
    image.write_to(folder.path()).unwrap();
    let connection = Connection::open(folder.path().join("test.db")).unwrap();
    let mut statement = connection.prepare("SELECT n FROM numbers ORDER BY n").ok()?;
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    Some(rows.map(Result::unwrap).collect())
}

/// Numbers that look random and are the same each time (a linear congruential generator, Knuth's MMIX constants).
fn chance(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

#[test]
fn what_was_committed_survives_every_power_cut_and_what_was_not_synced_does_not() {
    let disk = install();
    let folder = tempfile::tempdir().unwrap();
    disk.start(folder.path());
    let connection = open(folder.path());
    connection.execute_batch("CREATE TABLE numbers (n INTEGER PRIMARY KEY) STRICT").unwrap();
    let mut committed = Vec::new();
    for n in 0..40 {
        connection.execute("INSERT INTO numbers VALUES (?1)", [n]).unwrap();
        committed.push((disk.moment(), n));
    }

    disk.set_fault(Some(Fault { kind: FaultKind::Full, after: 0 }));
    let full = connection.execute("INSERT INTO numbers VALUES (100)", []).unwrap_err();
    assert_eq!(full.sqlite_error_code(), Some(ErrorCode::DiskFull));
    disk.set_fault(Some(Fault { kind: FaultKind::Sync, after: 0 }));
    let failed = connection.execute("INSERT INTO numbers VALUES (101)", []).unwrap_err();
    assert_eq!(failed.sqlite_error_code(), Some(ErrorCode::SystemIoFailure));
    disk.set_fault(None);
    let recording = disk.stop();
    drop(connection);

    let kept = |recording: &recording_vfs::Recording, seed| {
        let (mut crashes, mut lost) = (recording.crashes(), 0);
        for (moment, n) in &committed {
            for extra in 0..3 {
                let image = crashes.at(*moment + extra, chance(seed + u64::try_from(*n).unwrap()));
                let found = numbers(&image).unwrap_or_default();
                lost += usize::from((0..=*n).any(|earlier| !found.contains(&earlier)));
            }
        }
        lost
    };
    assert_eq!(kept(&recording, 1), 0, "nothing that was committed is lost");
    assert!(kept(&recording.without_syncs(), 1) > 0, "control: a disk that does not sync loses something");
    let is_sync = |operation: &&Operation| matches!(operation, Operation::Sync { .. });
    assert!(recording.operations().iter().filter(is_sync).count() >= committed.len(), "each commit was synced");
}
