//! What happens when the store stands still.

use rusqlite::Connection;
use test_support::{Refusal, eventually};
use tokio::sync::mpsc;
use tonic::Code;

use crate::{Bench, creation};

const COMMANDS: usize = 32;

#[tokio::test]
async fn a_full_queue_is_refused_at_once_and_what_waits_is_carried_out_when_the_store_goes_on() {
    let bench = Bench::new().with(|settings| settings.limits.commands_queued = 1);
    let server = bench.start().await;
    server.client("amira").create_case(creation("the store is open", "")).await.unwrap();
    // Another program holds the write lock.
    let other = Connection::open(bench.folder.path().join("command.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (client, (answers, mut answered)) = (server.client("amira"), mpsc::channel(COMMANDS));
    for n in 0..COMMANDS {
        let (mut client, answers) = (client.clone(), answers.clone());
        tokio::spawn(async move { answers.send(client.create_case(creation(&format!("t{n}"), "")).await).await });
    }
    let first = eventually("an answer", answered.recv()).await.unwrap();
    let refusal = Refusal::of(&first.unwrap_err());
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::ResourceExhausted, "QUEUE_FULL"));
    assert!(refusal.retry && refusal.quota);
    assert_eq!((refusal.metadata["cause"].as_str(), refusal.metadata["limit"].as_str()), ("queue", "1"));
    other.execute_batch("ROLLBACK").unwrap();
    let mut accepted = 0;
    for _ in 1..COMMANDS {
        match eventually("every answer", answered.recv()).await.unwrap() {
            Ok(_) => accepted += 1,
            Err(status) => assert_eq!(Refusal::of(&status).reason, "QUEUE_FULL"),
        }
    }
    assert!(accepted > 0, "what waited was carried out");
    let next = server.client("amira").create_case(creation("next", "")).await.unwrap().into_inner().case.unwrap();
    assert_eq!(next.case_id, format!("CASE-{:03}", accepted + 2), "and what was refused was not");
    server.stop().await;
}
