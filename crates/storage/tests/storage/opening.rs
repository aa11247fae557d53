//! Opening: locks, folders, schema versions, damage.

use std::fs;
use std::os::unix::fs::FileExt;

use storage::{Durability, Error, SqliteFile};

use crate::{LEDGER_V1, Place, count, insert, open, runner};

const LEDGER_V2: &str = "ALTER TABLE entries ADD COLUMN note TEXT;";

#[test]
fn a_new_store_gets_its_folders_and_its_schema() {
    let place = Place::new();
    let path = place.folder.path().join("deep/er/ledger.db");
    let file = open(&path).expect("it opens");
    assert_eq!(file.path(), path);
    assert_eq!(count(file.into_writer().connection()).expect("the table is there"), 0);
}

#[test]
fn the_writer_is_set_up_to_be_durable() {
    let pragma = |durability, name: &str| {
        let place = Place::new();
        let file = SqliteFile::open(&place.path(), runner(&[]), durability).expect("it opens");
        let writer = file.into_writer();
        writer.connection().query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0)).expect("a pragma")
    };
    assert_eq!(pragma(Durability::Full, "synchronous"), 2);
    assert_eq!(pragma(Durability::Normal, "synchronous"), 1);
    for (name, expected) in [
        ("foreign_keys", 1),
        ("busy_timeout", 5_000),
        ("mmap_size", 0),
        ("cache_size", -65_536),
        ("trusted_schema", 0),
        ("cell_size_check", 1),
        ("fullfsync", 1),
        ("checkpoint_fullfsync", 1),
        ("wal_autocheckpoint", 0),
    ] {
        assert_eq!(pragma(Durability::Full, name), expected, "{name}");
    }
}

#[test]
fn a_store_is_opened_once_at_a_time() {
    let place = Place::new();
    let writer = place.open().into_writer();
    match open(&place.path()) {
        Err(Error::InUse { path }) => assert_eq!(path, place.path()),
        other => panic!("a second opening succeeded or failed otherwise: {other:?}"),
    }
    drop(writer);
    open(&place.path()).expect("it opens when the first is gone");
}

#[test]
fn readers_do_not_hold_the_lock() {
    let place = Place::new();
    let file = place.open();
    let readers = file.readers(1);
    readers.read(count).expect("a read");
    drop(file);
    open(&place.path()).expect("it opens beside old readers");
}

#[test]
fn what_was_committed_is_there_again() {
    let place = Place::new();
    let mut writer = place.open().into_writer();
    writer.transaction(|tx| insert(tx, 10)).expect("a commit");
    drop(writer);
    assert_eq!(count(place.open().into_writer().connection()).expect("a count"), 1);
}

#[test]
fn a_newer_schema_is_refused() {
    let place = Place::new();
    let newer = runner(&[("V1__ledger", LEDGER_V1), ("V2__note", LEDGER_V2)]);
    drop(SqliteFile::open(&place.path(), newer, Durability::Full).expect("it opens"));
    match open(&place.path()) {
        Err(Error::SchemaTooNew { found: 2, supported: 1 }) => {}
        other => panic!("a newer schema was accepted or refused otherwise: {other:?}"),
    }
}

#[test]
fn an_older_schema_is_migrated() {
    let place = Place::new();
    drop(place.open());
    let newer = runner(&[("V1__ledger", LEDGER_V1), ("V2__note", LEDGER_V2)]);
    let file = SqliteFile::open(&place.path(), newer, Durability::Full).expect("it opens");
    file.into_writer().connection().execute("UPDATE entries SET note = ''", []).expect("the column is there");
}

#[test]
fn an_edited_migration_is_refused() {
    let place = Place::new();
    drop(place.open());
    let edited = runner(&[("V1__ledger", "CREATE TABLE entries (other INTEGER) STRICT;")]);
    match SqliteFile::open(&place.path(), edited, Durability::Full) {
        Err(Error::SchemaDiverged { reason }) => assert!(reason.contains("V1__ledger"), "{reason}"),
        other => panic!("an edited migration was accepted or refused otherwise: {other:?}"),
    }
}

#[test]
fn a_broken_migration_leaves_nothing_behind() {
    let place = Place::new();
    let broken = runner(&[("V1__ledger", LEDGER_V1), ("V2__broken", "CREATE TABLE entries (again INTEGER);")]);
    let refused = SqliteFile::open(&place.path(), broken, Durability::Full).expect_err("it is broken");
    assert!(matches!(refused, Error::Statement { .. }), "{refused:?}");
    place.open();
}

#[test]
fn a_damaged_migration_history_is_corrupt() {
    let place = Place::new();
    let writer = place.open().into_writer();
    writer.connection().execute("UPDATE refinery_schema_history SET applied_on = 'x'", []).expect("an update");
    drop(writer);
    let refused = open(&place.path()).expect_err("its history is damaged");
    assert!(matches!(refused, Error::Corrupt { .. }), "{refused:?}");
}

#[test]
fn a_place_that_cannot_be_created_is_named() {
    let place = Place::new();
    let file = place.folder.path().join("a-file");
    fs::write(&file, "").expect("a file");
    let folder = place.folder.path().join("a-folder");
    fs::create_dir(&folder).expect("a folder");
    for (path, named) in
        [(file.join("ledger.db"), &file), (file.join("deep/ledger.db"), &file), (folder.clone(), &folder)]
    {
        match open(&path) {
            Err(Error::CannotCreate { path, .. }) => assert!(path.starts_with(named), "{}", path.display()),
            other => panic!("{} was opened or refused otherwise: {other:?}", path.display()),
        }
    }
}

#[test]
fn a_file_that_is_no_database_is_corrupt() {
    let place = Place::new();
    fs::write(place.path(), "this is not a database ".repeat(500)).expect("a file");
    let refused = open(&place.path()).expect_err("it is garbage");
    assert!(matches!(refused, Error::Corrupt { .. }), "{refused:?}");
}

#[test]
fn a_shortened_file_is_corrupt() {
    let place = Place::new();
    fill(&place);
    drop(place.open());
    let length = fs::metadata(place.path()).expect("a file").len();
    let file = fs::File::options().write(true).open(place.path()).expect("a file");
    file.set_len(length / 2).expect("a shorter file");
    let refused = open(&place.path()).expect_err("half of it is missing");
    assert!(matches!(refused, Error::Corrupt { .. }), "{refused:?}");
}

#[test]
fn a_damaged_root_page_is_corrupt() {
    let place = Place::new();
    fill(&place);
    let root: u64 = {
        let writer = place.open().into_writer();
        let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'entries'";
        writer.connection().query_row(root, [], |row| row.get::<_, i64>(0)).expect("a page").unsigned_abs()
    };
    let file = fs::File::options().write(true).open(place.path()).expect("a file");
    file.write_all_at(&[0xff; 4_096], (root - 1) * 4_096).expect("a damaged page");
    let refused = open(&place.path()).expect_err("a page is damaged");
    assert!(matches!(refused, Error::Corrupt { .. }), "{refused:?}");
}

fn fill(place: &Place) {
    let mut writer = place.open().into_writer();
    writer.transaction(|tx| (0..100).try_for_each(|_| insert(tx, 2_000))).expect("a commit");
}
