//! Whether this server takes calls, and why not.
//!
//! The answers come from a state that the parts of a service keep up to date, never from work per question:
//!
//! | name | SERVING |
//! |---|---|
//! | `liveness` | always: a process that cannot answer does not |
//! | `startup` | from [`Health::started`] on |
//! | `readiness`, `""`, every service's full name | started, every condition passes, and not draining |

mod probe;
mod protocol;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tracing::{info, warn};

use crate::telemetry::names;

pub use probe::{Probe, ProbeTiming, Problem};
pub(crate) use protocol::{DESCRIPTORS, server};

/// The health of one server. Clones share it.
#[derive(Clone)]
pub struct Health {
    shared: Arc<Shared>,
}

struct Shared {
    services: Vec<&'static str>,
    state: Mutex<State>,
    published: watch::Sender<Phase>,
}

#[derive(Default)]
struct State {
    started: bool,
    draining: bool,
    conditions: Vec<(&'static str, Result<(), String>)>,
}

/// What callers can learn about a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not started yet.
    Starting,
    /// Started, and some condition fails.
    NotReady,
    /// Takes calls.
    Ready,
    /// Takes no more calls; `started` as before.
    Draining { started: bool },
}

/// Something that must hold for a server to be ready. Fails until it first passes.
#[derive(Clone)]
pub struct Condition {
    name: &'static str,
    shared: Arc<Shared>,
}

impl Health {
    /// The health of a server of these services, by full name (`casetracker.v1.CaseQueryService`).
    pub fn new(services: &[&'static str]) -> Self {
        let (published, _) = watch::channel(Phase::Starting);
        let shared = Shared { services: services.to_vec(), state: Mutex::default(), published };
        Self { shared: Arc::new(shared) }
    }

    /// Adds a condition, which fails as "starting" until it is said to pass.
    pub fn condition(&self, name: &'static str) -> Condition {
        self.shared.change(|state| state.conditions.push((name, Err("starting".to_owned()))));
        Condition { name, shared: Arc::clone(&self.shared) }
    }

    /// The service is set up; from now on the conditions decide.
    pub fn started(&self) {
        self.shared.change(|state| state.started = true);
    }

    /// The server takes no more calls, and never will again: the first act of a shutdown.
    pub fn drain(&self) {
        self.shared.change(|state| state.draining = true);
    }

    /// The services that this is the health of, by full name.
    pub(crate) fn services(&self) -> &[&'static str] {
        &self.shared.services
    }

    /// Whether calls are taken now.
    pub fn is_ready(&self) -> bool {
        self.phase() == Phase::Ready
    }

    /// Whether the shutdown has begun.
    pub fn is_draining(&self) -> bool {
        matches!(self.phase(), Phase::Draining { .. })
    }

    /// The conditions that fail now, each with its reason.
    pub fn failing(&self) -> Vec<(&'static str, String)> {
        self.shared.lock().failing()
    }

    /// All conditions, in the order in which they were added; those that fail with their reason.
    pub fn conditions(&self) -> Vec<(&'static str, Result<(), String>)> {
        self.shared.lock().conditions.clone()
    }

    /// Whether the service has been set up: what the name `startup` says.
    pub fn has_started(&self) -> bool {
        match self.phase() {
            Phase::Starting => false,
            Phase::NotReady | Phase::Ready => true,
            Phase::Draining { started } => started,
        }
    }

    fn phase(&self) -> Phase {
        *self.shared.published.borrow()
    }
}

impl Condition {
    /// It holds.
    pub fn pass(&self) {
        self.set(Ok(()));
    }

    /// It does not hold; operators read the reason.
    pub fn fail(&self, reason: impl Into<String>) {
        self.set(Err(reason.into()));
    }

    /// Whether it holds now.
    pub fn passes(&self) -> bool {
        self.shared.lock().conditions.iter().any(|(name, outcome)| *name == self.name && outcome.is_ok())
    }

    fn set(&self, outcome: Result<(), String>) {
        self.shared.change(|state| {
            if let Some((_, current)) = state.conditions.iter_mut().find(|(name, _)| *name == self.name) {
                *current = outcome;
            }
        });
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, tells the watchers, and logs if readiness is another one now.
    fn change(&self, change: impl FnOnce(&mut State)) {
        // Held until the watchers know: two changes at once must not be published in the wrong order.
        let mut state = self.lock();
        change(&mut state);
        let phase = state.phase();
        let before = self.published.send_replace(phase);
        if (before == Phase::Ready) != (phase == Phase::Ready) {
            self.log(phase, &state.failing());
        }
    }

    fn log(&self, phase: Phase, failing: &[(&'static str, String)]) {
        let services = self.services.join(",");
        let causes = failing.iter().map(|(name, reason)| format!("{name}: {reason}")).collect::<Vec<_>>().join("; ");
        match phase {
            Phase::Ready => info!(name: names::READINESS_CHANGED, ready = true, services, "ready: {services}"),
            Phase::Draining { .. } => {
                info!(name: names::READINESS_CHANGED, ready = false, services, reason = "draining", "draining: {services}");
            }
            Phase::Starting | Phase::NotReady => {
                warn!(name: names::READINESS_CHANGED, ready = false, services, reason = causes, "not ready: {services}");
            }
        }
    }
}

impl State {
    fn phase(&self) -> Phase {
        match (self.draining, self.started) {
            (true, started) => Phase::Draining { started },
            (false, false) => Phase::Starting,
            (false, true) if self.conditions.iter().all(|(_, outcome)| outcome.is_ok()) => Phase::Ready,
            (false, true) => Phase::NotReady,
        }
    }

    fn failing(&self) -> Vec<(&'static str, String)> {
        let failing = |(name, outcome): &(&'static str, Result<(), String>)| {
            outcome.as_ref().err().map(|reason| (*name, reason.clone()))
        };
        self.conditions.iter().filter_map(failing).collect()
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("services", &self.shared.services).field("phase", &self.phase()).finish()
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("name", &self.name).finish_non_exhaustive()
    }
}
