use super::*;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const RETENTION_US: i64 = 1_000;

fn store() -> Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    schema::migrations().run(&mut connection)?;
    Ok(connection)
}

fn request(n: u64) -> KeyedRequest {
    KeyedRequest::new("amira", &n.to_string(), "CreateCase", b"request")
}

/// One transaction that adds these at this time, up to its commit.
fn add(keys: &mut IdempotencyKeys, connection: &Connection, numbers: std::ops::Range<u64>, time_us: i64) -> Result {
    for n in numbers {
        keys.remember(connection, &request(n), (time_us, n, Answer::Creation))?;
    }
    Ok(keys.before_commit(connection, time_us)?)
}

fn known(keys: &IdempotencyKeys, numbers: std::ops::Range<u64>) -> Vec<u64> {
    numbers.filter(|n| keys.look_up(&request(*n)) != LookedUp::Fresh).collect()
}

#[test]
fn a_batch_is_one_row_and_what_was_committed_is_known_after_a_start() -> Result {
    let connection = store()?;
    let mut keys = IdempotencyKeys::load(&connection, RETENTION_US)?;
    for numbers in [0..3, 3..4, 4..300] {
        add(&mut keys, &connection, numbers, 1)?;
        keys.committed();
    }
    let rows: i64 = connection.query_row("SELECT count(*) FROM key_batches", [], |row| row.get(0))?;
    assert_eq!(rows, 3);
    let reloaded = IdempotencyKeys::load(&connection, RETENTION_US)?;
    for keys in [&keys, &reloaded] {
        assert_eq!(known(keys, 0..301).len(), 300);
        assert_eq!(keys.look_up(&request(3)), LookedUp::Replay { id: 4 });
        let reused = KeyedRequest { fingerprint: [0; 16], ..request(3) };
        assert_eq!(keys.look_up(&reused), LookedUp::Reused);
    }
    Ok(())
}

#[test]
fn what_was_rolled_back_is_unknown_and_its_ids_are_given_again() -> Result {
    let connection = store()?;
    let mut keys = IdempotencyKeys::load(&connection, RETENTION_US)?;
    add(&mut keys, &connection, 0..3, 1)?;
    keys.committed();
    let tx = connection.unchecked_transaction()?;
    add(&mut keys, &tx, 3..9, 1)?;
    assert_eq!(known(&keys, 0..9).len(), 9, "within the batch they are known");
    drop(tx);
    keys.rolled_back();
    assert_eq!(known(&keys, 0..9), [0, 1, 2]);
    add(&mut keys, &connection, 7..8, 1)?;
    keys.committed();
    assert_eq!(known(&IdempotencyKeys::load(&connection, RETENTION_US)?, 0..9), [0, 1, 2, 7]);
    Ok(())
}

#[test]
fn each_batch_collects_some_of_what_has_expired_until_nothing_has() -> Result {
    let connection = store()?;
    let mut keys = IdempotencyKeys::load(&connection, RETENTION_US)?;
    for batch in 0..6 {
        add(&mut keys, &connection, batch * 256..(batch + 1) * 256, 1)?;
        keys.committed();
    }
    add(&mut keys, &connection, 9_000..9_001, RETENTION_US)?;
    keys.committed();
    let mut left = Vec::new();
    for _ in 0..4 {
        keys.before_commit(&connection, 2_000)?;
        keys.committed();
        left.push(keys.count().load(Ordering::Relaxed));
    }
    assert_eq!(left, [1_025, 513, 1, 1], "and the one that has not expired stays");
    assert_eq!(known(&IdempotencyKeys::load(&connection, RETENTION_US)?, 8_999..9_002), [9_000]);
    Ok(())
}

#[test]
fn keys_that_were_lost_or_changed_are_noticed_at_a_start() -> Result {
    for damage in [
        "DELETE FROM key_batches WHERE first_id = 4",
        "UPDATE key_batches SET keys = zeroblob(123) WHERE first_id = 4",
        "UPDATE key_batches SET keys = substr(keys, 42) WHERE first_id = 4",
        "UPDATE key_batches SET time_us = 2 WHERE first_id = 4",
    ] {
        let connection = store()?;
        let mut keys = IdempotencyKeys::load(&connection, RETENTION_US)?;
        for numbers in [0..3, 3..6, 6..9] {
            add(&mut keys, &connection, numbers, 1)?;
            keys.committed();
        }
        IdempotencyKeys::load(&connection, RETENTION_US)?;
        connection.execute(damage, [])?;
        let error = IdempotencyKeys::load(&connection, RETENTION_US).err().ok_or(damage)?;
        assert!(matches!(error, Error::Corrupt { .. }), "{damage}: {error}");
    }
    Ok(())
}

#[test]
fn an_answer_that_was_lost_is_never_another_one() -> Result {
    let connection = store()?;
    let mut keys = IdempotencyKeys::load(&connection, RETENTION_US)?;
    keys.remember(&connection, &request(1), (1, 1, Answer::Kept(b"state")))?;
    keys.remember(&connection, &request(2), (1, 1, Answer::Creation))?;
    keys.before_commit(&connection, 1)?;
    connection.execute("DELETE FROM answers", [])?;
    // In the batch that added them, and after it.
    for _ in 0..2 {
        for (id, missing) in [(1, "a remembered answer is missing"), (2, "event 1 is missing")] {
            let error = keys.answer(&connection, id).err().ok_or("an answer from nowhere")?.to_string();
            assert!(error.contains(missing), "{error}");
        }
        keys.committed();
    }
    Ok(())
}
