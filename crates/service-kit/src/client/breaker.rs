//! The circuit breaker: a dependency that keeps failing is left alone for a while.
//!
//! Of our own, because what the ecosystem has knows no call without a verdict (given up by its own caller) and no single
//! trial, and takes its time from a clock that tests cannot move.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge};
use tokio::time::Instant;
use tracing::{info, warn};

use super::circuit::{Change, Circuit, State, Ticket, Verdict};
use super::policy::{Breaking, Policy};
use crate::identity::Identity;
use crate::telemetry::{meter, names};

/// The breaker of one dependency. Clones share it.
#[derive(Debug, Clone)]
pub struct Breaker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    policy: &'static Policy,
    /// None where the policy wants no breaker: it stays closed.
    circuit: Option<Mutex<Circuit>>,
    state: Gauge<u64>,
    transitions: Counter<u64>,
}

/// The circuit is open: the call is not to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the circuit is open: it has failed too often in a row to be asked now")]
pub struct CircuitOpen {
    /// When it may be worth asking again.
    pub retry_after: Duration,
}

/// Leave to make one call. Dropped without a verdict, the call has none.
#[derive(Debug)]
pub struct Permit {
    breaker: Breaker,
    ticket: Option<Ticket>,
}

impl Breaker {
    /// A closed circuit; its metrics are in the name of `identity`.
    pub fn new(identity: Identity, policy: &'static Policy) -> Self {
        let meter = meter(identity);
        let state = meter
            .u64_gauge(names::CLIENT_BREAKER_STATE)
            .with_unit("1")
            .with_description("Whether calls go through: 0 closed, 1 open, 2 half-open.")
            .build();
        let transitions = meter
            .u64_counter(names::CLIENT_BREAKER_TRANSITIONS)
            .with_unit("{transition}")
            .with_description("Changes of the state of circuit breakers.")
            .build();
        let circuit = match policy.breaking {
            Breaking::After(thresholds) => Some(Mutex::new(Circuit::new(thresholds))),
            Breaking::Never(_) => None,
        };
        state.record(State::CLOSED_NUMBER, &[KeyValue::new(names::DEPENDENCY, policy.name)]);
        Self { shared: Arc::new(Shared { policy, circuit, state, transitions }) }
    }

    /// Asks for leave to make a call.
    pub fn admit(&self) -> Result<Permit, CircuitOpen> {
        let Some(mut circuit) = self.circuit() else { return Ok(Permit { breaker: self.clone(), ticket: None }) };
        let admission = circuit.admit(Instant::now());
        drop(circuit);
        let (ticket, change) = admission.map_err(|retry_after| CircuitOpen { retry_after })?;
        self.tell(change);
        Ok(Permit { breaker: self.clone(), ticket: Some(ticket) })
    }

    /// `closed`, `open` or `half-open`.
    pub fn state(&self) -> &'static str {
        self.circuit().map_or(State::CLOSED_NAME, |circuit| circuit.state().name())
    }

    fn circuit(&self) -> Option<MutexGuard<'_, Circuit>> {
        self.shared.circuit.as_ref().map(|circuit| circuit.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn settle(&self, ticket: Ticket, verdict: Verdict) {
        let change = self.circuit().and_then(|mut circuit| circuit.settle(ticket, verdict, Instant::now()));
        self.tell(change);
    }

    /// Tells metrics and log of a change.
    fn tell(&self, change: Option<Change>) {
        let Some(change) = change else { return };
        let dependency = self.shared.policy.name;
        let label = KeyValue::new(names::DEPENDENCY, dependency);
        self.shared.state.record(change.to.number(), std::slice::from_ref(&label));
        self.shared.transitions.add(1, &[label, KeyValue::new(names::BREAKER_STATE, change.to.name())]);
        match change.to {
            State::Open { .. } => {
                let (failures, open_ms) = (change.failures, millis(change.open_for));
                let (operation, reason) = ("call", format!("{failures} failures in a row"));
                warn!(
                    name: names::CIRCUIT_OPENED,
                    dependency,
                    operation,
                    reason,
                    failures,
                    open_ms,
                    "{dependency} has failed {failures} times in a row; it is not asked for {open_ms} ms"
                );
            }
            State::Closed => {
                info!(name: names::CIRCUIT_CLOSED, dependency, "{dependency} answers again");
            }
            // One trial, which opens or closes it in a moment.
            State::HalfOpen { .. } => {}
        }
    }
}

impl Permit {
    /// The dependency did its part; a refusal is that too.
    pub fn succeeded(self) {
        self.settle(Verdict::Good);
    }

    /// The dependency failed.
    pub fn failed(self) {
        self.settle(Verdict::Bad);
    }

    fn settle(mut self, verdict: Verdict) {
        if let Some(ticket) = self.ticket.take() {
            self.breaker.settle(ticket, verdict);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.breaker.settle(ticket, Verdict::None);
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
