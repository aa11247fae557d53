//! The log is moved into the database while work goes on.

use std::fs;

use storage::{Durability, SqliteFile, Writer};

use crate::{LEDGER_V1, Place, insert, runner};

const PAGE_BYTES: u64 = 4_096;
const PAGES_PER_COMMIT: u64 = 300;
const COMMITS: u64 = 120;

/// What a consumer's log may have: where its own thread moves it, and where another one does most of that.
const LOG_PAGES_MAX: u64 = 8_000 + 2 * PAGES_PER_COMMIT;
const LOG_PAGES_MAX_BESIDE: u64 = 24_000 + 2 * PAGES_PER_COMMIT;

#[test]
fn a_busy_consumer_keeps_the_log_short() {
    let place = Place::new();
    let mut writer = place.open().into_writer();
    let pages = write_and_measure_log(&place, &mut writer);
    assert!(pages < LOG_PAGES_MAX, "{pages} pages in the log");
}

#[test]
fn a_busy_consumer_that_does_not_sync_keeps_the_log_bounded_with_help() {
    let place = Place::new();
    let mut writer = unsynced(&place).into_writer();
    let pages = write_and_measure_log(&place, &mut writer);
    assert!(pages < LOG_PAGES_MAX_BESIDE, "{pages} pages in the log");
    assert_eq!(crate::count(writer.connection()).expect("a count"), i64::try_from(COMMITS).expect("a number"));
    drop(writer);
    assert!(!place.log().exists(), "the helper's connection is closed before the writer's, which removes the log");
    let writer = unsynced(&place).into_writer();
    assert_eq!(crate::count(writer.connection()).expect("a count"), i64::try_from(COMMITS).expect("a number"));
}

/// The control: what the tests above would see without checkpoints.
#[test]
fn a_reader_that_does_not_end_lets_the_log_grow() {
    for file in [Place::open, unsynced] {
        let place = Place::new();
        let file = file(&place);
        let readers = file.readers(1);
        let mut writer = file.into_writer();
        writer.transaction(|tx| insert(tx, 1)).expect("a commit");
        let pages = readers
            .read(|connection| {
                crate::count(connection)?;
                Ok(write_and_measure_log(&place, &mut writer))
            })
            .expect("a read");
        assert!(pages > LOG_PAGES_MAX_BESIDE, "{pages} pages in the log");
    }
}

#[test]
fn a_closed_store_is_one_file() {
    let place = Place::new();
    let mut writer = place.open().into_writer();
    writer.transaction(|tx| insert(tx, 10)).expect("a commit");
    drop(writer);
    assert!(!place.log().exists());
}

fn unsynced(place: &Place) -> SqliteFile {
    SqliteFile::open(&place.path(), runner(&[("V1__ledger", LEDGER_V1)]), Durability::Normal).expect("the store opens")
}

fn write_and_measure_log(place: &Place, writer: &mut Writer) -> u64 {
    let bytes = i64::try_from(PAGES_PER_COMMIT * PAGE_BYTES).expect("a number");
    for _ in 0..COMMITS {
        writer.transaction(|tx| insert(tx, bytes)).expect("a commit");
    }
    fs::metadata(place.log()).expect("a log").len() / PAGE_BYTES
}
