//! Calls that begin when they are due, whatever became of those before: the tail, and overload.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

use super::closed::{ANSWERS_AFTER_END, hung, merged};
use super::lane::Lane;
use super::outcome::Outcome;
use super::pace::Pace;
use super::refusal::Refusal;
use super::tally::{Tally, Window};
use super::workload::Workload;
use super::{Place, block_on, share};
use crate::error::Error;

/// What a call is counted as that the client could not even begin.
pub(crate) const WITHHELD: &str = "not sent: the client had too many calls in flight";

/// So many calls a second, for so long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Open {
    /// Calls that begin in a second.
    pub(crate) rate: f64,
    /// Calls in flight at most; those that are due beyond count as failures.
    pub(crate) in_flight_max: usize,
    /// Connections that they share.
    pub(crate) connections: usize,
    /// Before anything counts.
    pub(crate) warm_up: Duration,
    /// How long calls count.
    pub(crate) window: Duration,
}

impl Open {
    /// Runs the load to its end.
    pub(crate) fn run(self, workload: &Workload, place: &Place) -> Result<Outcome, Error> {
        if !(self.rate.is_finite() && self.rate > 0.0) {
            return Err(Error::Unmeasurable(format!("a load needs a rate above zero, not {}", self.rate)));
        }
        let threads = place.threads.min(self.connections).max(1);
        let together = Arc::new(Barrier::new(threads));
        let handles: Vec<_> = (0..threads)
            .map(|number| {
                let (workload, place, together) = (workload.clone(), place.clone(), Arc::clone(&together));
                thread::spawn(move || {
                    place.keep_to_cores()?;
                    block_on(self.thread(&workload, threads, number, &together))
                })
            })
            .collect();
        merged(handles).map(|(outcome, _)| outcome)
    }

    async fn thread(
        self,
        workload: &Workload,
        threads: usize,
        number: usize,
        together: &Barrier,
    ) -> Result<(Outcome, Duration), Error> {
        let connected = Lane::connect_all(workload.address, share(self.connections, threads, number).max(1)).await;
        // Even who failed: the others wait for everybody.
        together.wait();
        let lanes = connected?;
        let begun = Instant::now();
        let window = Window::after(begun, self.warm_up, self.window);
        let spread = Duration::from_secs_f64(1.0 / self.rate);
        let ordinal = u32::try_from(number).unwrap_or(0);
        let count = u32::try_from(threads).unwrap_or(1);
        // The threads take turns.
        let pace = Pace { first: begun + spread * ordinal, interval: spread * count, end: window.end };
        let (announce, due) = mpsc::unbounded_channel();
        let metronome = thread::spawn(move || pace.announce(&announce));
        let tally = Rc::new(RefCell::new(Tally::new(window)?));
        let in_flight_max = share(self.in_flight_max, threads, number).max(1);
        let hung = LocalSet::new().run_until(calls(&lanes, workload, due, in_flight_max, &tally)).await;
        // It has nothing to say that is not said yet.
        let _ = metronome.join();
        let mut tally = Rc::into_inner(tally)
            .ok_or_else(|| Error::Unmeasurable("a bug: calls outlive their run".to_owned()))?
            .into_inner();
        (0..hung).for_each(|_| tally.fail(Refusal::unanswered("no answer")));
        Ok((tally.finish(), begun.elapsed()))
    }
}

/// Begins calls as they are due; how many still had no answer long after the end.
async fn calls(
    lanes: &[Lane],
    workload: &Workload,
    mut due: mpsc::UnboundedReceiver<Instant>,
    in_flight_max: usize,
    tally: &Rc<RefCell<Tally>>,
) -> usize {
    let mut tasks = JoinSet::new();
    let mut lanes = lanes.iter().cycle();
    let mut withheld = 0;
    while let (Some(begun), Some(lane)) = (due.recv().await, lanes.next()) {
        while tasks.try_join_next().is_some() {}
        if tasks.len() >= in_flight_max {
            withheld += 1;
            continue;
        }
        let (mut lane, workload, tally) = (lane.clone(), workload.clone(), Rc::clone(tally));
        tasks.spawn_local(async move {
            let result = lane.call(&workload).await.map(|_| ());
            tally.borrow_mut().record(begun, Instant::now(), result.as_ref().copied());
        });
    }
    tally.borrow_mut().fail_all(Refusal::unanswered(WITHHELD), withheld);
    hung(tasks, Instant::now() + ANSWERS_AFTER_END).await
}
