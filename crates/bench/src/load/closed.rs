//! Callers that wait for their answers: the peak.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, LocalSet};

use super::lane::Lane;
use super::outcome::Outcome;
use super::refusal::Refusal;
use super::tally::{Tally, Window};
use super::workload::Workload;
use super::{Place, block_on, share};
use crate::error::Error;

/// How long answers are waited for after the end.
pub(super) const ANSWERS_AFTER_END: Duration = Duration::from_secs(20);

/// More than any fill takes.
const FOR_EVER: Duration = Duration::from_hours(24);

/// So many callers, for so long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closed {
    /// Callers, each with one call in flight.
    pub(crate) in_flight: usize,
    /// Connections that they share.
    pub(crate) connections: usize,
    /// Before anything counts.
    pub(crate) warm_up: Duration,
    /// How long calls count.
    pub(crate) window: Duration,
}

/// So many calls, as fast as they go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill {
    /// Calls.
    pub(crate) calls: u64,
    /// Callers.
    pub(crate) in_flight: usize,
    /// Connections that they share.
    pub(crate) connections: usize,
}

impl Closed {
    /// Runs the load to its end.
    pub(crate) fn run(self, workload: &Workload, place: &Place) -> Result<Outcome, Error> {
        let Self { in_flight, connections, warm_up, window } = self;
        let crew = Crew { in_flight, connections, warm_up, window, left: None };
        crew.run(workload, place).map(|(outcome, _)| outcome)
    }
}

impl Fill {
    /// Runs the calls to the last one.
    pub(crate) fn run(self, workload: &Workload, place: &Place) -> Result<Outcome, Error> {
        let Self { calls, in_flight, connections } = self;
        let left = Some(Arc::new(AtomicU64::new(calls)));
        let crew = Crew { in_flight, connections, warm_up: Duration::ZERO, window: FOR_EVER, left };
        let (outcome, elapsed) = crew.run(workload, place)?;
        Ok(Outcome { elapsed, ..outcome })
    }
}

/// What the threads of a run have in common.
#[derive(Debug, Clone)]
struct Crew {
    in_flight: usize,
    connections: usize,
    warm_up: Duration,
    window: Duration,
    /// Calls that may still begin; none: any number.
    left: Option<Arc<AtomicU64>>,
}

impl Crew {
    /// The counts, and how long the longest thread took.
    fn run(&self, workload: &Workload, place: &Place) -> Result<(Outcome, Duration), Error> {
        let threads = place.threads.min(self.in_flight).min(self.connections).max(1);
        let together = Arc::new(Barrier::new(threads));
        let handles: Vec<_> = (0..threads)
            .map(|number| {
                let (crew, workload, place, together) =
                    (self.clone(), workload.clone(), place.clone(), Arc::clone(&together));
                thread::spawn(move || {
                    place.keep_to_cores()?;
                    let callers = share(crew.in_flight, threads, number);
                    let lanes = share(crew.connections.min(crew.in_flight), threads, number).max(1);
                    block_on(crew.thread(&workload, callers, lanes, &together))
                })
            })
            .collect();
        merged(handles)
    }

    async fn thread(
        self,
        workload: &Workload,
        callers: usize,
        lanes: usize,
        together: &Barrier,
    ) -> Result<(Outcome, Duration), Error> {
        let connected = Lane::connect_all(workload.address, lanes).await;
        // Even who failed: the others wait for everybody.
        together.wait();
        let lanes = connected?;
        let begun = Instant::now();
        let window = Window::after(begun, self.warm_up, self.window);
        let tally = Rc::new(RefCell::new(Tally::new(window)?));
        let mut tasks = JoinSet::new();
        let local = LocalSet::new();
        for lane in lanes.iter().cycle().take(callers) {
            let caller = caller(lane.clone(), workload.clone(), window, self.left.clone(), Rc::clone(&tally));
            tasks.spawn_local_on(caller, &local);
        }
        let hung = local.run_until(hung(tasks, window.end + ANSWERS_AFTER_END)).await;
        let mut tally = Rc::into_inner(tally)
            .ok_or_else(|| Error::Unmeasurable("a bug: callers outlive their run".to_owned()))?
            .into_inner();
        (0..hung).for_each(|_| tally.fail(Refusal::unanswered("no answer")));
        Ok(match self.left {
            Some(_) => (tally.finish_at(Instant::now()), begun.elapsed()),
            None => (tally.finish(), begun.elapsed()),
        })
    }
}

/// Waits for all calls; how many still had no answer at the very last.
pub(super) async fn hung(mut tasks: JoinSet<()>, last: Instant) -> usize {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout_at(last.into(), all).await.is_ok() {
        return 0;
    }
    let hung = tasks.len();
    tasks.shutdown().await;
    hung
}

async fn caller(
    mut lane: Lane,
    workload: Workload,
    window: Window,
    left: Option<Arc<AtomicU64>>,
    tally: Rc<RefCell<Tally>>,
) {
    loop {
        let begun = Instant::now();
        if begun >= window.end || left.as_deref().is_some_and(is_used_up) {
            return;
        }
        let result = lane.call(&workload).await.map(|_| ());
        tally.borrow_mut().record(begun, Instant::now(), result.as_ref().copied());
    }
}

/// Takes one call from what is left.
fn is_used_up(left: &AtomicU64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
}

type Thread = thread::JoinHandle<Result<(Outcome, Duration), Error>>;

/// The sum of what the threads counted.
pub(super) fn merged(threads: Vec<Thread>) -> Result<(Outcome, Duration), Error> {
    let mut sum: Option<(Outcome, Duration)> = None;
    for thread in threads {
        let joined = thread.join().map_err(|_| Error::Unmeasurable("a bug: a thread of the load panicked".to_owned()));
        let (outcome, elapsed) = joined??;
        match &mut sum {
            None => sum = Some((outcome, elapsed)),
            Some((all, longest)) => {
                all.merge(&outcome);
                *longest = (*longest).max(elapsed);
            }
        }
    }
    sum.ok_or_else(|| Error::Unmeasurable("a load needs a thread".to_owned()))
}
