//! A participant that numbers entries without gaps, and lets a test look into the writer's thread.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, Transaction};
use storage::{
    BatchObserver, BatchReport, Committed, Ending, Error, GroupCommit, Limits, Participant, Readers, SubmitError,
    WriterThread,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Place;

/// What a ledger is asked.
pub(crate) enum Command {
    /// Writes the next number, with so many bytes.
    Append(i64),
    /// Writes the next number, and then fails.
    Poison,
    /// Changes nothing.
    Look,
    /// Holds the writer's thread while executing.
    Hold(Gate),
    /// Writes the next number, and holds the writer's thread before the commit.
    AppendAndHoldCommit(Gate),
    /// Runs a pragma.
    Pragma(&'static str),
    /// Writes the next number; the commit then meets a broken disk.
    BreakDisk,
    /// Panics.
    Panic,
}

/// The writer's side of a gate.
#[derive(Clone)]
pub(crate) struct Gate {
    entered: Arc<Mutex<Option<oneshot::Sender<()>>>>,
    release: Arc<Mutex<Receiver<()>>>,
}

/// The test's side of a gate: dropping `release` opens it.
pub(crate) struct Held {
    pub(crate) entered: oneshot::Receiver<()>,
    pub(crate) release: Sender<()>,
}

pub(crate) fn gate() -> (Gate, Held) {
    let (entered, was_entered) = oneshot::channel();
    let (release, released) = channel();
    let gate = Gate { entered: Arc::new(Mutex::new(Some(entered))), release: Arc::new(Mutex::new(released)) };
    (gate, Held { entered: was_entered, release })
}

impl Gate {
    fn pass(&self) {
        if let Some(entered) = self.entered.lock().expect("a lock").take() {
            entered.send(()).expect("the test waits for it");
        }
        // Ends with an error when the test drops its side, which is what opens the gate.
        self.release.lock().expect("a lock").recv().ok();
    }
}

/// The calls of the participant, in order.
pub(crate) type Calls = Arc<Mutex<Vec<&'static str>>>;

pub(crate) struct Ledger {
    next: i64,
    next_at_begin: i64,
    hold_commit: Vec<Gate>,
    break_disk: bool,
    calls: Calls,
    idle: tokio::sync::mpsc::UnboundedSender<()>,
}

impl Ledger {
    fn call(&self, name: &'static str) {
        self.calls.lock().expect("a lock").push(name);
    }

    fn append(&mut self, tx: &Transaction<'_>, bytes: i64) -> Result<i64, Error> {
        let number = self.next;
        // Taken before the insert: a failure must give it back.
        self.next += 1;
        tx.execute(
            "INSERT INTO entries (number, content) VALUES (?1, zeroblob(?2))",
            rusqlite::params![number, bytes],
        )?;
        Ok(number)
    }
}

impl Participant for Ledger {
    type Command = Command;
    type Answer = i64;

    fn begin(&mut self, _tx: &Transaction<'_>) -> Result<(), Error> {
        self.call("begin");
        self.next_at_begin = self.next;
        Ok(())
    }

    fn execute(&mut self, tx: &Transaction<'_>, command: &Command) -> Result<i64, Error> {
        self.call("execute");
        match command {
            Command::Append(bytes) => self.append(tx, *bytes),
            Command::Poison => {
                self.append(tx, 1)?;
                insert_twice(tx)
            }
            Command::Look => Ok(self.next),
            Command::Hold(gate) => {
                gate.pass();
                Ok(self.next)
            }
            Command::AppendAndHoldCommit(gate) => {
                self.hold_commit.push(gate.clone());
                self.append(tx, 1)
            }
            Command::Pragma(pragma) => {
                tx.query_row(pragma, [], |_| Ok(()))?;
                Ok(self.next)
            }
            Command::BreakDisk => {
                self.break_disk = true;
                self.append(tx, 1)
            }
            Command::Panic => panic!("on purpose"),
        }
    }

    fn before_commit(&mut self, _tx: &Transaction<'_>) -> Result<(), Error> {
        self.call("before_commit");
        self.hold_commit.drain(..).for_each(|gate| gate.pass());
        if self.break_disk {
            return Err(Error::DiskFailed { reason: "on purpose".to_owned(), source: None });
        }
        Ok(())
    }

    fn committed(&mut self) {
        self.call("committed");
    }

    fn rolled_back(&mut self) {
        self.call("rolled_back");
        self.next = self.next_at_begin;
    }

    fn idle(&mut self, _connection: &Connection) -> Result<(), Error> {
        self.call("idle");
        self.idle.send(()).ok();
        Ok(())
    }
}

fn insert_twice(tx: &Transaction<'_>) -> Result<i64, Error> {
    let again = "INSERT INTO entries (number, content) SELECT number, content FROM entries LIMIT 1";
    tx.execute(again, [])?;
    Ok(0)
}

/// A ledger at work.
pub(crate) struct Running {
    pub(crate) place: Place,
    pub(crate) handle: GroupCommit<Ledger>,
    pub(crate) thread: WriterThread,
    pub(crate) readers: Readers,
    pub(crate) calls: Calls,
    pub(crate) reports: Arc<Mutex<Vec<BatchReport>>>,
    pub(crate) fatal: oneshot::Receiver<Error>,
    pub(crate) idle: tokio::sync::mpsc::UnboundedReceiver<()>,
}

/// A command on its way.
pub(crate) type Submitted = JoinHandle<Result<Committed<i64>, SubmitError>>;

struct Reports(Arc<Mutex<Vec<BatchReport>>>);

impl BatchObserver for Reports {
    fn ended(&mut self, report: &BatchReport) {
        self.0.lock().expect("a lock").push(*report);
    }
}

impl Running {
    pub(crate) fn start(limits: Limits) -> Self {
        let place = Place::new();
        let file = place.open();
        let readers = file.readers(2);
        let calls = Calls::default();
        let reports = Arc::default();
        let (idle, idle_seen) = tokio::sync::mpsc::unbounded_channel();
        let (fatal, fatal_seen) = oneshot::channel();
        let ledger = Ledger {
            next: 1,
            next_at_begin: 1,
            hold_commit: Vec::new(),
            break_disk: false,
            calls: Arc::clone(&calls),
            idle,
        };
        let observer = Reports(Arc::clone(&reports));
        let on_fatal = move |error| fatal.send(error).expect("the test listens");
        let (handle, thread) =
            GroupCommit::start(file.into_writer(), ledger, limits, observer, on_fatal).expect("a thread");
        Self { place, handle, thread, readers, calls, reports, fatal: fatal_seen, idle: idle_seen }
    }

    /// Holds the writer's thread in a batch of its own, so that everything submitted from now on waits.
    pub(crate) async fn hold(&self) -> Sender<()> {
        let (gate, held) = gate();
        drop(self.submit(Command::Hold(gate)).await);
        held.entered.await.expect("the writer enters the gate");
        held.release
    }

    /// Puts a command into the queue, and returns when it is there.
    pub(crate) async fn submit(&self, command: Command) -> Submitted {
        self.submit_until(command, Instant::now() + Duration::from_hours(1)).await
    }

    pub(crate) async fn submit_until(&self, command: Command, deadline: Instant) -> Submitted {
        let handle = self.handle.clone();
        let (polled, was_polled) = oneshot::channel();
        let task = tokio::spawn(async move {
            let submitted = handle.submit(command, deadline);
            // Polled right after this one, in the same turn of the task, since sending does not yield.
            polled.send(()).expect("the test waits");
            submitted.await
        });
        was_polled.await.expect("the task runs");
        task
    }

    /// Ends the ledger and returns the numbers in it.
    pub(crate) fn finish(self) -> (Ending, Vec<i64>) {
        drop(self.handle);
        let ending = self.thread.join();
        let writer = self.place.open().into_writer();
        (ending, crate::numbers(writer.connection()).expect("numbers"))
    }

    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.calls.lock().expect("a lock").clone()
    }
}

/// The number that a command was given.
pub(crate) async fn number(submitted: Submitted) -> i64 {
    submitted.await.expect("no panic").expect("committed").answer
}
