//! Readers: snapshots, no writing, a bounded pool.

use std::time::Duration;

use storage::Error;

use crate::{Place, count, insert};

#[test]
fn two_selects_of_a_read_agree_whatever_is_committed_between_them() {
    let place = Place::new();
    let file = place.open();
    let readers = file.readers(2);
    let mut writer = file.into_writer();
    writer.transaction(|tx| insert(tx, 1)).expect("a commit");
    let (before, after) = readers
        .read(|connection| {
            let before = count(connection)?;
            writer.transaction(|tx| insert(tx, 1))?;
            // The control: another read sees the commit at once.
            assert_eq!(readers.read(count)?, before + 1);
            Ok((before, count(connection)?))
        })
        .expect("a read");
    assert_eq!((before, after), (1, 1));
    assert_eq!(readers.read(count).expect("a read"), 2);
}

#[test]
fn readers_cannot_write() {
    let place = Place::new();
    let file = place.open();
    let readers = file.readers(1);
    readers.read(|connection| insert(connection, 1)).expect_err("a reader wrote");
    assert_eq!(readers.read(count).expect("a read"), 0);
    drop(file);
}

#[test]
fn when_all_readers_are_in_use_the_bound_is_named() {
    let place = Place::new();
    let readers = place.open().readers(2).with_wait_max(Duration::ZERO);
    let refused =
        readers.read(|_| readers.read(|_| Ok(readers.read(count).expect_err("a third reader")))).expect("two readers");
    let Error::Unavailable { reason, .. } = refused else { panic!("{refused:?}") };
    assert!(reason.contains('2'), "{reason}");
    readers.read(count).expect("the places were given back");
}

#[test]
fn a_reader_waits_until_one_is_free() {
    let place = Place::new();
    let readers = place.open().readers(1).with_wait_max(Duration::from_mins(1));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..100).for_each(|_| assert_eq!(readers.read(count).expect("a read"), 0)));
        }
    });
}

#[test]
fn errors_and_panics_give_the_place_back() {
    let place = Place::new();
    let readers = place.open().readers(1).with_wait_max(Duration::ZERO);
    readers.read(|_| Err::<(), _>(Error::corrupt("so to say"))).expect_err("its own error");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        readers.read(|_| -> Result<(), Error> { std::panic::resume_unwind(Box::new(())) })
    }));
    assert!(panicked.is_err());
    readers.read(count).expect("a read");
}

#[tokio::test]
async fn a_scan_runs_on_a_blocking_thread() {
    let place = Place::new();
    let readers = place.open().readers(1);
    let here = std::thread::current().id();
    let there = readers.read_blocking(|_| Ok(std::thread::current().id())).await.expect("a read");
    assert_ne!(here, there);
}
