//! Lanes: current-thread runtimes that serve connections, one a core, beside the main runtime.
//!
//! Everything of a connection happens on one lane: its handshake, its timers, its handlers and what they spawn. Nothing of it
//! is stolen by another thread, and no thread is woken to look for work. A handler that blocks its thread holds up its lane, so
//! whatever takes longer than a read by key goes to `spawn_blocking`.

use std::convert::Infallible;
use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How many threads a lane may have for what blocks. More at once wait for one of them: what blocks here are reads of a store,
/// which has far fewer connections than this, so more threads would only wait for those instead.
const BLOCKING_THREADS_MAX: usize = 32;

/// The lanes of a process. Clones share them. The default is to have none: then servers run on the runtime that starts them.
#[derive(Debug, Clone, Default)]
pub struct Lanes {
    lanes: Arc<[Lane]>,
}

/// One lane, as seen from outside.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    /// Where it runs.
    pub(crate) runtime: Handle,
    /// Its connections, of all servers of the process.
    pub(crate) connections: Tally,
}

impl Lane {
    fn on(runtime: Handle) -> Self {
        Self { runtime, connections: Tally::default() }
    }
}

impl Lanes {
    /// The lanes, or in place of none the present runtime. At least one. To be called in a runtime.
    pub(crate) fn or_here(&self) -> Vec<Lane> {
        if self.lanes.is_empty() { vec![Lane::on(Handle::current())] } else { self.lanes.to_vec() }
    }
}

/// How many there are of something: one for each [`Mark`]. Clones count the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Arc<AtomicUsize>);

/// Counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Mark(Arc<AtomicUsize>);

impl Tally {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn mark(&self) -> Mark {
        self.0.fetch_add(1, Ordering::Relaxed);
        Mark(Arc::clone(&self.0))
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The threads of the lanes. When this is dropped they end by themselves, and nobody waits for them.
#[derive(Debug)]
pub struct LaneThreads {
    lanes: Lanes,
    end: DropGuard,
    /// Disconnected when the last thread has ended.
    ended: Receiver<Infallible>,
}

impl LaneThreads {
    /// Starts so many. Fails if the system has no room for another thread, or for what a runtime waits on.
    pub fn start(count: NonZero<usize>) -> io::Result<Self> {
        let end = CancellationToken::new();
        let (ends, ended) = channel();
        let threads = Self { lanes: Lanes::default(), end: end.clone().drop_guard(), ended };
        let lanes: io::Result<_> = (0..count.get()).map(|number| lane(number, end.clone(), ends.clone())).collect();
        Ok(Self { lanes: Lanes { lanes: lanes? }, ..threads })
    }

    /// What servers need of them.
    pub fn lanes(&self) -> Lanes {
        self.lanes.clone()
    }

    /// Drops whatever still runs on the lanes, and waits until they have ended, for `bound` at most. False if a task was
    /// not to be ended: it blocks its thread. Blocks.
    pub fn end(self, bound: Duration) -> bool {
        drop(self.end);
        self.ended.recv_timeout(bound) == Err(RecvTimeoutError::Disconnected)
    }
}

fn lane(number: usize, end: CancellationToken, ends: Sender<Infallible>) -> io::Result<Lane> {
    let name = format!("lane-{number}");
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name(format!("{name}-blocking"))
        .build()?;
    let lane = Lane::on(runtime.handle().clone());
    let run = move || {
        runtime.block_on(end.cancelled());
        // Waits for what blocks.
        drop(runtime);
        drop(ends);
    };
    thread::Builder::new().name(name).spawn(run)?;
    Ok(lane)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: NonZero<usize> = NonZero::new(2).unwrap();
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn each_lane_is_a_thread_of_its_own_and_all_end_together() {
        let threads = LaneThreads::start(TWO).unwrap();
        let (tell, told) = channel();
        for lane in threads.lanes().lanes.iter() {
            let tell = tell.clone();
            lane.runtime.spawn(async move { tell.send(thread::current().name().map(str::to_owned)) });
        }
        let mut names = [told.recv_timeout(LONG).unwrap(), told.recv_timeout(LONG).unwrap()];
        names.sort();
        assert_eq!(names, [Some("lane-0".to_owned()), Some("lane-1".to_owned())]);
        // Never ends by itself: the end of the lanes drops it, and so what it holds.
        let (held, dropped) = channel::<()>();
        threads.lanes().lanes[0].runtime.spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        assert!(threads.end(LONG));
        assert_eq!(dropped.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected));
    }

    #[test]
    fn a_lane_that_is_blocked_is_not_waited_for_beyond_the_bound() {
        let threads = LaneThreads::start(TWO).unwrap();
        let ((release, blocked), (tell, told)) = (channel::<()>(), channel());
        threads.lanes().lanes[1].runtime.spawn(async move {
            tell.send(()).unwrap();
            let _ = blocked.recv();
        });
        told.recv_timeout(LONG).unwrap();
        assert!(!threads.end(Duration::from_millis(10)));
        drop(release);
    }

    #[test]
    fn lanes_that_are_dropped_end_by_themselves() {
        let LaneThreads { lanes: _, end, ended } = LaneThreads::start(TWO).unwrap();
        assert_eq!(ended.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty), "they run");
        drop(end);
        assert_eq!(ended.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    }

    #[test]
    fn a_tally_counts_its_marks_until_they_are_dropped() {
        let tally = Tally::default();
        let marks = [tally.mark(), tally.clone().mark()];
        assert_eq!(tally.count(), 2);
        drop(marks);
        assert_eq!(tally.count(), 0);
    }
}
