//! Looks at something in the background, again and again, so that health answers cost nothing and are never older than
//! one interval.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use opentelemetry::Context;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info};

use super::Condition;
use crate::exit::{Exit, ExitCode};
use crate::identity::Identity;
use crate::telemetry::{names, renamed, scoped};

/// How long a look may take before whoever waits for its outcome is told that there is none.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// What a look has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The kind of trouble, a stable word: a new kind is logged, another reason of the same kind is not.
    pub kind: &'static str,
    /// What operators read.
    pub reason: String,
}

/// When to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeTiming {
    /// From the end of one look to the next, at least.
    pub interval: Duration,
    /// How long a look may take: after it the condition fails, and passes again when the look comes to a good end.
    pub look_max: Duration,
}

impl ProbeTiming {
    /// Looks that take no longer than is decent.
    pub const fn every(interval: Duration) -> Self {
        Self { interval, look_max: LOOK_MAX }
    }
}

/// A running probe. It ends when this is dropped.
#[derive(Debug)]
pub struct Probe {
    stop: DropGuard,
    ended: oneshot::Receiver<()>,
}

impl Probe {
    /// Begins to look: at once, and then again and again. `condition` fails while a look finds something wrong, or does
    /// not come to an end.
    ///
    /// `look` may block: it has a thread of its own, and only one. While one look hangs (a network disk that is gone) no
    /// other is begun. The thread is not waited for when the process ends.
    pub fn start(
        identity: Identity,
        name: &'static str,
        (condition, timing): (Condition, ProbeTiming),
        look: impl FnMut() -> Result<(), Problem> + Send + 'static,
    ) -> Result<Self, Exit> {
        let (requests, requested) = sync_channel(1);
        let (has_ended, ended) = oneshot::channel();
        let context = renamed(identity).unwrap_or_else(Context::current);
        let run = move || {
            let _in_its_name = context.attach();
            look_when_asked(&requested, look);
            drop(has_ended);
        };
        std::thread::Builder::new()
            .name(format!("probe-{name}"))
            .spawn(run)
            .map_err(|error| Exit::new(ExitCode::Unavailable, format!("no thread for the probe of {name}: {error}")))?;
        let stopped = CancellationToken::new();
        let state = Looks { name, condition, timing, requests, trouble: None };
        tokio::spawn(scoped(identity, stopped.clone().run_until_cancelled_owned(state.run())));
        Ok(Self { stop: stopped.drop_guard(), ended })
    }

    /// Ends the probe, and waits until what it looked with is closed; not for a look that hangs.
    pub async fn stop(self) {
        drop(self.stop);
        let _ = timeout(LOOK_MAX, self.ended).await;
    }
}

type Outcome = Result<(), Problem>;

/// The thread's side: what it looks with is dropped here, before anybody is told that the thread is done.
fn look_when_asked(requested: &Receiver<oneshot::Sender<Outcome>>, mut look: impl FnMut() -> Outcome) {
    while let Ok(answer) = requested.recv() {
        // Nobody waits any more when the probe was stopped meanwhile.
        let _ = answer.send(look());
    }
}

/// The runtime's side.
struct Looks {
    name: &'static str,
    condition: Condition,
    timing: ProbeTiming,
    requests: SyncSender<oneshot::Sender<Outcome>>,
    trouble: Option<&'static str>,
}

impl Looks {
    async fn run(mut self) {
        let mut turns = interval(self.timing.interval);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            let (answer, mut answered) = oneshot::channel();
            // There is room: the one before was answered.
            let asked = self.requests.try_send(answer).is_ok();
            let outcome = if let Ok(outcome) = timeout(self.timing.look_max, &mut answered).await {
                outcome
            } else {
                self.report(Err(self.hangs()));
                answered.await
            };
            let Ok(outcome) = outcome else {
                self.report(Err(broke(asked)));
                return;
            };
            self.report(outcome);
        }
    }

    fn hangs(&self) -> Problem {
        let reason = format!("the look at the {} has not come to an end in {:?}", self.name, self.timing.look_max);
        Problem { kind: "no_answer", reason }
    }

    fn report(&mut self, outcome: Outcome) {
        let (probe, before) = (self.name, self.trouble);
        self.trouble = outcome.as_ref().err().map(|problem| problem.kind);
        match outcome {
            Ok(()) => {
                if let Some(kind) = before {
                    info!(name: names::PROBE_PASSED, probe, error.type = kind, "the {probe} is in order again");
                }
                self.condition.pass();
            }
            Err(Problem { kind, reason }) => {
                if before != Some(kind) {
                    error!(name: names::PROBE_FAILED, probe, dependency = probe, operation = "probe", error.type = kind, reason, "the {probe} is not in order: {reason}");
                }
                self.condition.fail(reason);
            }
        }
    }
}

fn broke(asked: bool) -> Problem {
    let what = if asked { "broke off" } else { "cannot be begun" };
    Problem { kind: "bug", reason: format!("the look {what}, which is a bug; the log says where") }
}
