//! Commands that are refused, each for its own fault.

use std::time::Duration;

use storage::{Ending, Error, Limits, SubmitError};
use tokio::time::Instant;

use crate::ledger::{Command, Running, number};

#[tokio::test]
async fn a_failing_command_is_refused_alone() {
    let running = Running::start(Limits::default());
    let release = running.hold().await;
    let before = running.submit(Command::Append(10)).await;
    let poison = running.submit(Command::Poison).await;
    let after = running.submit(Command::Append(10)).await;
    drop(release);
    assert_eq!(number(before).await, 1);
    let refused = poison.await.expect("no panic");
    assert!(matches!(refused, Err(SubmitError::Store(Error::Statement { .. }))), "{refused:?}");
    assert_eq!(number(after).await, 2, "the number of the refused command is given again");
    let calls = running.calls();
    let expected = [
        // The command that holds the writer.
        "begin",
        "execute",
        "before_commit",
        "committed",
        // All together: the second one fails.
        "begin",
        "execute",
        "execute",
        "rolled_back",
        // One by one.
        "begin",
        "execute",
        "before_commit",
        "committed",
        "begin",
        "execute",
        "rolled_back",
        "begin",
        "execute",
        "before_commit",
        "committed",
    ];
    assert_eq!(calls, expected);
    assert_eq!(running.finish(), (Ending::Drained, vec![1, 2]));
}

#[tokio::test]
async fn a_command_that_fails_alone_is_not_tried_again() {
    let running = Running::start(Limits::default());
    let refused = running.submit(Command::Poison).await.await.expect("no panic");
    assert!(matches!(refused, Err(SubmitError::Store(Error::Statement { .. }))), "{refused:?}");
    assert_eq!(running.calls(), ["begin", "execute", "rolled_back"]);
}

#[tokio::test]
async fn a_full_queue_refuses_and_names_its_limit() {
    let running = Running::start(Limits { queue: 2, batch: 10 });
    let release = running.hold().await;
    let first = running.submit(Command::Append(10)).await;
    let second = running.submit(Command::Append(10)).await;
    let refused = running.submit(Command::Append(10)).await.await.expect("no panic");
    assert!(matches!(refused, Err(SubmitError::QueueFull { limit: 2 })), "{refused:?}");
    assert_eq!(running.handle.queued(), 2);
    drop(release);
    assert_eq!((number(first).await, number(second).await), (1, 2));
    assert_eq!(number(running.submit(Command::Append(10)).await).await, 3, "there is room again");
}

#[tokio::test]
async fn a_command_whose_deadline_has_passed_is_not_executed() {
    let running = Running::start(Limits::default());
    let release = running.hold().await;
    // It has passed when the writer looks, since it is now.
    let late = running.submit_until(Command::Append(10), Instant::now()).await;
    let in_time = running.submit_until(Command::Append(10), Instant::now() + Duration::from_hours(1)).await;
    drop(release);
    let refused = late.await.expect("no panic");
    assert!(matches!(refused, Err(SubmitError::DeadlinePassed)), "{refused:?}");
    assert_eq!(number(in_time).await, 1);
    assert_eq!(running.finish(), (Ending::Drained, vec![1]));
}

#[tokio::test]
async fn only_late_commands_make_no_transaction() {
    let running = Running::start(Limits::default());
    let refused = running.submit_until(Command::Append(10), Instant::now()).await.await.expect("no panic");
    assert!(matches!(refused, Err(SubmitError::DeadlinePassed)), "{refused:?}");
    assert!(!running.calls().contains(&"begin"));
}

#[tokio::test]
async fn an_abandoned_command_is_not_executed() {
    let running = Running::start(Limits::default());
    let release = running.hold().await;
    let abandoned = running.submit(Command::Append(10)).await;
    let kept = running.submit(Command::Append(10)).await;
    abandoned.abort();
    assert!(abandoned.await.expect_err("it was aborted").is_cancelled());
    drop(release);
    assert_eq!(number(kept).await, 1);
    assert_eq!(running.finish(), (Ending::Drained, vec![1]));
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_recovers() {
    let running = Running::start(Limits::default());
    number(running.submit(Command::Pragma("PRAGMA max_page_count = 40")).await).await;
    let release = running.hold().await;
    let small = running.submit(Command::Append(10)).await;
    let large = running.submit(Command::Append(1_000_000)).await;
    let small_too = running.submit(Command::Append(10)).await;
    drop(release);
    assert_eq!(number(small).await, 1);
    let refused = large.await.expect("no panic");
    assert!(matches!(refused, Err(SubmitError::Store(Error::Full))), "{refused:?}");
    assert_eq!(number(small_too).await, 2);
    number(running.submit(Command::Pragma("PRAGMA max_page_count = 1000000")).await).await;
    assert_eq!(number(running.submit(Command::Append(1_000_000)).await).await, 3);
    assert_eq!(running.finish(), (Ending::Drained, vec![1, 2, 3]));
}
