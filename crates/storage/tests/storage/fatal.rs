//! What happens when nothing can be trusted any more.

use storage::{Ending, Error, Limits, SubmitError};

use crate::ledger::{Command, Running, Submitted, number};

#[tokio::test]
async fn after_a_failed_disk_nobody_is_answered() {
    let running = Running::start(Limits { queue: 10, batch: 2 });
    assert_eq!(number(running.submit(Command::Append(10)).await).await, 1);
    let error = fail_with(running, Command::BreakDisk).await;
    assert!(matches!(error, Error::DiskFailed { .. }), "{error:?}");
}

#[tokio::test]
async fn after_a_panic_nobody_is_answered() {
    let running = Running::start(Limits { queue: 10, batch: 2 });
    assert_eq!(number(running.submit(Command::Append(10)).await).await, 1);
    let error = fail_with(running, Command::Panic).await;
    let Error::WriterPanicked { message } = error else { panic!("{error:?}") };
    assert_eq!(message, "on purpose");
}

/// Batches of two: the first holds the command that fails and its neighbour, a third command still waits.
async fn fail_with(running: Running, command: Command) -> Error {
    let release = running.hold().await;
    let neighbour = running.submit(Command::Append(10)).await;
    let failing = running.submit(command).await;
    let waiting = running.submit(Command::Append(10)).await;
    drop(release);
    let Running { place, handle, thread, fatal, .. } = running;
    let error = fatal.await.expect("fatal is called");
    // It was never executed, and may know.
    let refused = waiting.await.expect("no panic");
    assert!(matches!(refused, Err(SubmitError::Closed)), "{refused:?}");
    assert_eq!(thread.join(), Ending::Failed);
    let later = handle.submit(Command::Append(10), tokio::time::Instant::now()).await;
    assert!(matches!(later, Err(SubmitError::Closed)), "{later:?}");
    assert_unanswered(&[neighbour, failing]).await;
    let writer = place.open().into_writer();
    assert_eq!(crate::numbers(writer.connection()).expect("numbers"), [1], "what was answered before is there");
    error
}

/// The thread has ended, so nothing can come any more but what is on its way inside this runtime.
async fn assert_unanswered(submitted: &[Submitted]) {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(submitted.iter().all(|task| !task.is_finished()), "an answer although the outcome is not known");
}
