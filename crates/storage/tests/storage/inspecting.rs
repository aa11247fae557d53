//! Looking after a store while it is used.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rusqlite::Connection;
use storage::{Displaced, Error, Finding, Inspection, Inspector, SqliteFile, Writer};

use crate::{Place, count, insert};

const PAGE: [u8; 4_096] = [0xff; 4_096];
const PAGE_BYTES: u64 = PAGE.len() as u64;

/// A store with some pages in its file, its writer, and somebody who looks after it.
fn inspected(place: &Place) -> (Writer, Inspector) {
    inspected_with_room(place, 1)
}

fn inspected_with_room(place: &Place, disk_free_bytes_min: u64) -> (Writer, Inspector) {
    let mut writer = place.open().into_writer();
    writer.transaction(|tx| (0..400).try_for_each(|_| insert(tx, 2_000))).expect("a commit");
    // Closing moves the log into the file.
    drop(writer);
    let file: SqliteFile = place.open();
    let inspector = file.inspector(disk_free_bytes_min).expect("it can be looked at");
    (file.into_writer(), inspector)
}

fn root_page(writer: &Writer, table: &str) -> u64 {
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    writer.connection().query_row(sql, [table], |row| row.get::<_, i64>(0)).expect("a page").unsigned_abs()
}

fn damage(path: &Path, page: u64) {
    let file = fs::File::options().write(true).open(path).expect("a file");
    file.write_all_at(&PAGE, (page - 1) * PAGE_BYTES).expect("a damaged page");
    // Closing would release SQLite's locks in this process, which a stranger's damage does not.
    std::mem::forget(file);
}

fn found(inspector: &mut Inspector) -> Finding {
    inspector.look().1.expect_err("something is wrong")
}

#[test]
fn a_sound_store_tells_its_version_its_size_and_the_room_that_is_left() {
    let place = Place::new();
    let (mut writer, mut inspector) = inspected(&place);
    let (seen, found) = inspector.look();
    found.expect("nothing is wrong");
    let Inspection { schema_version: 1, schema_version_supported: 1, size_bytes, disk_free_bytes } = seen else {
        panic!("{seen:?}")
    };
    assert!(size_bytes > 800_000 && disk_free_bytes > 0, "{seen:?}");
    writer.transaction(|tx| (0..400).try_for_each(|_| insert(tx, 2_000))).expect("a commit beside it");
    let (later, found) = inspector.look();
    found.expect("nothing is wrong");
    assert!(later.size_bytes > size_bytes, "{later:?}");
    let left_behind = place.folder.path().join("ledger.db.probe");
    assert!(!left_behind.exists(), "what was written to try is removed again");
}

#[test]
fn a_store_that_a_newer_program_has_migrated_meanwhile_is_noticed() {
    let place = Place::new();
    let (_writer, mut inspector) = inspected(&place);
    inspector.look().1.expect("nothing is wrong");
    let newer = Connection::open(place.path()).expect("a connection");
    let sql = "INSERT INTO refinery_schema_history VALUES (2, 'later', '2026-11-23T00:00:00Z', '1')";
    newer.execute(sql, []).expect("a migration");
    let finding = found(&mut inspector);
    assert!(matches!(finding, Finding::Store(Error::SchemaTooNew { found: 2, supported: 1 })), "{finding:?}");
    assert_eq!(inspector.look().0.schema_version, 2, "operators see what was found");
    newer.execute("DELETE FROM refinery_schema_history WHERE version = 2", []).expect("taken back");
    inspector.look().1.expect("nothing is wrong any more");
}

#[test]
fn a_page_that_is_damaged_while_the_store_is_used_is_found_though_everybody_has_it_in_memory() {
    let place = Place::new();
    let (writer, mut inspector) = inspected(&place);
    inspector.look().1.expect("nothing is wrong");
    damage(&place.path(), root_page(&writer, "entries"));
    assert_eq!(count(writer.connection()).expect("the writer has it in memory"), 400);
    assert!(matches!(found(&mut inspector), Finding::Store(Error::Corrupt { .. })));
}

#[test]
fn a_page_that_nobody_asks_for_is_read_in_the_end() {
    let place = Place::new();
    let (writer, mut inspector) = inspected(&place);
    // Two rounds over all tables: nothing is wrong, wherever it reads.
    (0..20).for_each(|_| inspector.look().1.expect("nothing is wrong"));
    // The file's last page: a leaf of the one table that has so many.
    let pages: u64 = writer
        .connection()
        .query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0))
        .expect("a count")
        .unsigned_abs();
    damage(&place.path(), pages);
    let corrupt = (0..20).map(|_| inspector.look().1).find_map(Result::err);
    assert!(matches!(corrupt, Some(Finding::Store(Error::Corrupt { .. }))), "{corrupt:?}");
}

#[test]
fn a_file_that_was_cut_is_corrupt() {
    let place = Place::new();
    let (_writer, mut inspector) = inspected(&place);
    inspector.look().1.expect("nothing is wrong");
    let file = fs::File::options().write(true).open(place.path()).expect("a file");
    file.set_len(fs::metadata(place.path()).expect("a file").len() - PAGE_BYTES).expect("a shorter file");
    std::mem::forget(file);
    let Finding::Store(Error::Corrupt { reason, .. }) = found(&mut inspector) else { panic!("not corrupt") };
    assert!(reason.contains("has been cut"), "{reason}");
    assert!(matches!(found(&mut inspector), Finding::Store(Error::Corrupt { .. })), "and stays so");
}

#[test]
fn a_store_whose_file_is_gone_takes_nothing_more_until_the_file_is_back() {
    for name in ["ledger.db", "ledger.db-wal"] {
        let place = Place::new();
        let (mut writer, mut inspector) = inspected(&place);
        let (path, aside) = (place.folder.path().join(name), place.folder.path().join("aside"));
        fs::rename(&path, &aside).expect("a move");
        let Finding::Displaced(Displaced::Removed(gone)) = found(&mut inspector) else { panic!("{name} is there") };
        assert!(gone.ends_with(name), "{}", gone.display());
        let Err(Error::Unavailable { reason, .. }) = writer.transaction(|tx| insert(tx, 1)) else {
            panic!("{name}: a commit into nowhere")
        };
        assert!(reason.contains(name) && reason.contains("removed"), "{reason}");
        fs::write(&path, "another one").expect("a file");
        assert!(matches!(found(&mut inspector), Finding::Displaced(Displaced::Replaced(_))), "{name}");
        writer.transaction(|tx| insert(tx, 1)).expect_err("a commit beside a stranger's file");
        fs::rename(&aside, &path).expect("a move");
        inspector.look().1.expect("nothing is wrong any more");
        writer.transaction(|tx| insert(tx, 1)).expect("a commit");
        assert_eq!(count(writer.connection()).expect("a count"), 401, "{name}");
    }
}

#[test]
fn a_new_reader_does_not_touch_a_file_that_took_the_place_of_ours() {
    let place = Place::new();
    let file = place.open();
    let readers = file.readers(1);
    fs::rename(place.path(), place.folder.path().join("aside")).expect("a move");
    fs::write(place.path(), "another one").expect("a file");
    let Err(Error::Unavailable { reason, .. }) = readers.read(count) else { panic!("it was read") };
    assert!(reason.contains("replaced"), "{reason}");
    assert_eq!(fs::read(place.path()).expect("a file"), b"another one");
}

#[test]
fn too_little_room_is_named_in_bytes() {
    let place = Place::new();
    let (_writer, mut inspector) = inspected_with_room(&place, u64::MAX);
    let Finding::DiskAlmostFull { free, min, .. } = found(&mut inspector) else { panic!("there is room") };
    assert!(free > 0 && min == u64::MAX, "{free}, {min}");
    let text = found(&mut inspector).to_string();
    assert!(text.contains("ledger.db") && text.contains(&u64::MAX.to_string()), "{text}");
}

#[test]
fn a_place_where_nothing_can_be_written_is_noticed() {
    let place = Place::new();
    let (_writer, mut inspector) = inspected(&place);
    // Not even root can write a file where a folder stands.
    let in_the_way = place.folder.path().join("ledger.db.probe");
    fs::create_dir(&in_the_way).expect("a folder");
    let Finding::NotWritable { reason, .. } = found(&mut inspector) else { panic!("something was written") };
    assert!(!reason.is_empty());
    fs::remove_dir(&in_the_way).expect("removed");
    inspector.look().1.expect("nothing is wrong any more");
}
