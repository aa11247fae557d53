//! Batches: who is answered when, and with whom.

use storage::{BatchOutcome, Ending, Limits};

use crate::count;
use crate::ledger::{Command, Running, gate, number};

#[tokio::test]
async fn nobody_is_answered_before_the_commit() {
    let running = Running::start(Limits::default());
    let (gate, held) = gate();
    let submitted = running.submit(Command::AppendAndHoldCommit(gate)).await;
    held.entered.await.expect("the writer is about to commit");
    assert_eq!(running.readers.read(count).expect("a read"), 0, "it is not committed");
    assert!(!submitted.is_finished(), "it is not committed, but answered");
    drop(held.release);
    assert_eq!(number(submitted).await, 1);
    assert_eq!(running.readers.read(count).expect("a read"), 1, "it is answered, but not committed");
}

#[tokio::test]
async fn whoever_is_answered_finds_it_committed() {
    let running = Running::start(Limits::default());
    for expected in 1..=200 {
        assert_eq!(number(running.submit(Command::Append(10)).await).await, expected);
        assert_eq!(running.readers.read(count).expect("a read"), expected);
    }
}

#[tokio::test]
async fn what_waits_is_committed_together() {
    let running = Running::start(Limits { queue: 100, batch: 20 });
    let release = running.hold().await;
    let mut submitted = Vec::new();
    for _ in 0..50 {
        submitted.push(running.submit(Command::Append(10)).await);
    }
    assert_eq!(running.handle.queued(), 50);
    drop(release);
    let mut batches = Vec::new();
    for (task, expected) in submitted.into_iter().zip(1..) {
        let committed = task.await.expect("no panic").expect("committed");
        assert_eq!(committed.answer, expected, "in the order of submission");
        batches.push((committed.batch.number, committed.batch.size));
    }
    assert_eq!(running.handle.queued(), 0);
    batches.dedup();
    assert_eq!(batches, [(2, 20), (3, 20), (4, 10)]);
}

#[tokio::test]
async fn every_transaction_is_reported() {
    let running = Running::start(Limits { queue: 100, batch: 3 });
    let release = running.hold().await;
    let mut submitted = Vec::new();
    for command in [Command::Append(1), Command::Poison, Command::Append(1), Command::Look] {
        submitted.push(running.submit(command).await);
    }
    drop(release);
    for task in submitted {
        drop(task.await.expect("no panic"));
    }
    let reports = std::sync::Arc::clone(&running.reports);
    assert_eq!(running.finish().0, Ending::Drained);
    let reports: Vec<_> =
        reports.lock().expect("a lock").iter().map(|report| (report.size, report.queued, report.outcome)).collect();
    let expected = [
        (1, 4, BatchOutcome::Committed),
        (3, 1, BatchOutcome::RolledBack),
        (1, 1, BatchOutcome::Committed),
        (1, 1, BatchOutcome::RolledBack),
        (1, 1, BatchOutcome::Committed),
        (1, 0, BatchOutcome::Committed),
    ];
    assert_eq!(reports, expected);
}

#[tokio::test]
async fn what_waits_when_the_last_handle_goes_is_committed() {
    let running = Running::start(Limits::default());
    let release = running.hold().await;
    let mut submitted = Vec::new();
    for _ in 0..10 {
        submitted.push(running.submit(Command::Append(10)).await);
    }
    let Running { place, handle, thread, calls, .. } = running;
    drop(handle);
    drop(release);
    for (task, expected) in submitted.into_iter().zip(1..) {
        assert_eq!(number(task).await, expected);
    }
    assert_eq!(thread.join(), Ending::Drained);
    let writer = place.open().into_writer();
    assert_eq!(count(writer.connection()).expect("a count"), 10);
    assert_eq!(calls.lock().expect("a lock").last(), Some(&"idle"), "the last idle work");
}

#[tokio::test]
async fn a_quiet_moment_is_used() {
    let mut running = Running::start(Limits::default());
    for expected in 1..=2 {
        assert_eq!(number(running.submit(Command::Append(10)).await).await, expected);
        running.idle.recv().await.expect("idle work");
    }
    let calls = running.calls();
    let idle_twice = calls.windows(2).any(|pair| pair == ["idle", "idle"]);
    assert!(!idle_twice, "{calls:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_stay_gapless_under_load() {
    let running = Running::start(Limits::default());
    let mut submitted = Vec::new();
    for index in 0..500 {
        let command = if index % 50 == 7 { Command::Poison } else { Command::Append(10) };
        submitted.push(running.submit(command).await);
    }
    let mut given = Vec::new();
    for task in submitted {
        given.extend(task.await.expect("no panic").ok().map(|committed| committed.answer));
    }
    given.sort_unstable();
    assert_eq!(given, (1..=490).collect::<Vec<i64>>());
    assert_eq!(running.finish(), (Ending::Drained, given));
}
