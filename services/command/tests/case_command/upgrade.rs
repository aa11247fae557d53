//! Stores of earlier versions of this program.

use case_api::pb::AddCommentRequest;
use rusqlite::Connection;

use crate::{Bench, creation};

/// Takes a store back to how version 2 of its schema had it, for keys in rows of their own and cases that were not changed
/// since their creation.
const BACK_TO_VERSION_2: &str = "
    CREATE TABLE idempotency_keys (
        id          INTEGER PRIMARY KEY,
        time_us     INTEGER NOT NULL,
        key_hash    BLOB    NOT NULL CHECK (length(key_hash) = 16),
        fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 16),
        position    INTEGER NOT NULL,
        state       BLOB    NOT NULL,
        checksum INTEGER,
        state_checksum INTEGER
    ) STRICT;
    INSERT INTO idempotency_keys
    SELECT first_id, time_us, substr(keys, 1, 16), substr(keys, 17, 16), first_id,
        coalesce((SELECT state FROM answers WHERE id = first_id), (SELECT state FROM cases WHERE number = first_id)), 1,
        (SELECT checksum FROM answers WHERE id = first_id)
    FROM key_batches;
    DROP TABLE key_batches;
    DROP TABLE answers;
    DELETE FROM refinery_schema_history WHERE version = 3;
";

#[tokio::test]
async fn keys_of_a_store_of_version_2_are_remembered_with_their_answers() {
    const CREATED: usize = 40;
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    let comment = || AddCommentRequest {
        case_id: "CASE-001".to_owned(),
        body: "Plumber booked.".to_owned(),
        idempotency_key: "comment".to_owned(),
        ..Default::default()
    };
    // Enough for hashes with every kind of byte.
    let mut created = Vec::new();
    for n in 0..CREATED {
        created.push(client.create_case(creation("t", &format!("k{n}"))).await.unwrap().into_inner());
    }
    let commented = client.add_comment(comment()).await.unwrap().into_inner();
    server.stop().await;
    let store = Connection::open(bench.folder.path().join("command.db")).unwrap();
    store.execute_batch(BACK_TO_VERSION_2).unwrap();
    let keys: u32 = store.query_row("SELECT count(*) FROM idempotency_keys", [], |row| row.get(0)).unwrap();
    assert_eq!(keys as usize, CREATED + 1, "the control: this is where they stand");
    drop(store);

    let server = bench.start().await;
    let mut client = server.client("amira");
    // The state of CASE-001 has moved on since its creation, and version 2 kept what it was: left out here.
    for (n, first) in created.into_iter().enumerate().skip(1) {
        let replay = client.create_case(creation("t", &format!("k{n}"))).await.unwrap().into_inner();
        assert!(replay.replayed);
        assert_eq!((replay.case, replay.consistency_token), (first.case, first.consistency_token), "k{n}");
    }
    let replay = client.add_comment(comment()).await.unwrap().into_inner();
    assert!(replay.replayed);
    assert_eq!((replay.comment, replay.case), (commented.comment, commented.case));
    let next = client.create_case(creation("t", "next")).await.unwrap().into_inner();
    assert_eq!((next.replayed, next.case.unwrap().case_id), (false, format!("CASE-{:03}", CREATED + 1)));
    server.stop().await;
}
