//! The log is moved into the database while work goes on.

use std::fs;

use crate::{Place, insert};

const PAGE_BYTES: u64 = 4_096;
const PAGES_PER_COMMIT: i64 = 300;
const COMMITS: u64 = 30;

#[test]
fn a_busy_writer_keeps_the_log_short() {
    let place = Place::new();
    let mut writer = place.open().into_writer();
    let pages = write_and_measure_log(&place, &mut writer);
    assert!(pages < 2_000, "{pages} pages in the log");
}

/// The control: what the test above would see without checkpoints.
#[test]
fn a_reader_that_does_not_end_lets_the_log_grow() {
    let place = Place::new();
    let file = place.open();
    let readers = file.readers(1);
    let mut writer = file.into_writer();
    writer.transaction(|tx| insert(tx, 1)).expect("a commit");
    let pages = readers
        .read(|connection| {
            crate::count(connection)?;
            Ok(write_and_measure_log(&place, &mut writer))
        })
        .expect("a read");
    assert!(pages > 8_000, "{pages} pages in the log");
}

#[test]
fn a_closed_store_is_one_file() {
    let place = Place::new();
    let mut writer = place.open().into_writer();
    writer.transaction(|tx| insert(tx, 10)).expect("a commit");
    drop(writer);
    assert!(!place.folder.path().join("ledger.db-wal").exists());
}

fn write_and_measure_log(place: &Place, writer: &mut storage::Writer) -> u64 {
    for _ in 0..COMMITS {
        writer.transaction(|tx| insert(tx, PAGES_PER_COMMIT * 4_096)).expect("a commit");
    }
    fs::metadata(place.folder.path().join("ledger.db-wal")).expect("a log").len() / PAGE_BYTES
}
