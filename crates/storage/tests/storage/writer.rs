//! The writer's transactions.

use storage::Error;

use crate::{Place, count, insert};

#[derive(Debug)]
enum Refused {
    OnPurpose,
    Store(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

#[test]
fn an_error_rolls_back() {
    let place = Place::new();
    let mut writer = place.open().into_writer();
    let refused = writer.transaction(|tx| {
        insert(tx, 1)?;
        Err::<(), _>(Refused::OnPurpose)
    });
    assert!(matches!(refused, Err(Refused::OnPurpose)), "{refused:?}");
    assert_eq!(count(writer.connection()).expect("a count"), 0);
    writer.transaction(|tx| insert(tx, 1)).expect("the next one commits");
    assert_eq!(count(writer.connection()).expect("a count"), 1);
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let place = Place::new();
    let mut writer = place.open().into_writer();
    limit_pages(writer.connection(), 40);
    let refused = writer.transaction(|tx| insert(tx, 1_000_000));
    assert!(matches!(refused, Err(Error::Full)), "{refused:?}");
    writer.transaction(|tx| insert(tx, 1)).expect("what fits is committed");
    limit_pages(writer.connection(), 1_000_000);
    writer.transaction(|tx| insert(tx, 1_000_000)).expect("there is space again");
    assert_eq!(count(writer.connection()).expect("a count"), 2);
}

#[test]
fn an_ignored_full_disk_does_not_commit_the_rest() {
    let place = Place::new();
    let mut writer = place.open().into_writer();
    limit_pages(writer.connection(), 40);
    let refused: Result<(), Refused> = writer.transaction(|tx| {
        assert!(matches!(insert(tx, 1_000_000), Err(Error::Full)));
        // What SQLite does after some errors by itself.
        tx.execute_batch("ROLLBACK").map_err(Error::from)?;
        Ok(())
    });
    assert!(matches!(refused, Err(Refused::Store(Error::Statement { .. }))), "{refused:?}");
}

fn limit_pages(connection: &rusqlite::Connection, pages: u32) {
    connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).expect("a pragma");
}
