//! The golden signals of a server and of the calls that go out.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram, Meter};
use opentelemetry::{InstrumentationScope, KeyValue, global};
use tonic::Code;

use crate::identity::Identity;
use crate::telemetry::code_name;
use crate::telemetry::names;

/// A meter in the name of `identity`. Before [`crate::telemetry::init`] it measures nothing, and never will.
pub fn meter(identity: Identity) -> Meter {
    let scope = InstrumentationScope::builder(identity.name).with_version(env!("CARGO_PKG_VERSION")).build();
    global::meter_with_scope(scope)
}

/// What a server measures.
#[derive(Debug, Clone)]
pub(crate) struct ServerMetrics {
    duration: Histogram<f64>,
    shed: Counter<u64>,
    active: Arc<AtomicI64>,
}

impl ServerMetrics {
    pub(crate) fn new(identity: Identity) -> Self {
        let meter = meter(identity);
        let active = Arc::new(AtomicI64::new(0));
        let observed = Arc::clone(&active);
        // Observed, not counted up and down: one atomic on the way of a call instead of two look-ups of attributes.
        let _registered = meter
            .i64_observable_up_down_counter(names::RPC_SERVER_ACTIVE_REQUESTS)
            .with_unit("{request}")
            .with_description("Calls that the server works on.")
            .with_callback(move |observer| {
                let attributes = [KeyValue::new(names::RPC_SYSTEM_NAME, names::RPC_SYSTEM_GRPC)];
                observer.observe(observed.load(Ordering::Relaxed), &attributes);
            })
            .build();
        let duration = duration(&meter, names::RPC_SERVER_CALL_DURATION, "How long the server worked on calls.");
        Self { duration, shed: shed_requests(identity), active }
    }

    /// A call has begun.
    pub(crate) fn begun(&self) {
        self.active.fetch_add(1, Ordering::Relaxed);
    }

    /// A call is over.
    pub(crate) fn finished(&self, method: &Arc<str>, code: Code, took: Duration) {
        self.active.fetch_sub(1, Ordering::Relaxed);
        self.refused(method, code, took);
    }

    /// A call is over that was never worked on.
    pub(crate) fn refused(&self, method: &Arc<str>, code: Code, took: Duration) {
        let attributes = [
            KeyValue::new(names::RPC_SYSTEM_NAME, names::RPC_SYSTEM_GRPC),
            KeyValue::new(names::RPC_METHOD, Arc::clone(method)),
            KeyValue::new(names::RPC_STATUS_CODE, code_name(code)),
        ];
        self.duration.record(took.as_secs_f64(), &attributes);
    }

    /// A call was refused because a limit was reached.
    pub(crate) fn shed(&self, cause: &'static str) {
        self.shed.add(1, &[KeyValue::new(names::SHED_CAUSE, cause)]);
    }

    /// Calls that are worked on now.
    pub(crate) fn active(&self) -> i64 {
        self.active.load(Ordering::Relaxed)
    }
}

/// Counts the calls that a server refuses because it is full, by `cause`. For the host's own limits the host does; a service
/// adds those of its queues.
pub fn shed_requests(identity: Identity) -> Counter<u64> {
    meter(identity)
        .u64_counter(names::RPC_SERVER_SHED_REQUESTS)
        .with_unit("{request}")
        .with_description("Calls that the server refused because it was full, or because their caller made too many.")
        .build()
}

/// What a caller measures.
#[derive(Debug, Clone)]
pub(crate) struct ClientMetrics {
    duration: Histogram<f64>,
}

impl ClientMetrics {
    pub(crate) fn new(identity: Identity) -> Self {
        let duration = duration(&meter(identity), names::RPC_CLIENT_CALL_DURATION, "How long calls took.");
        Self { duration }
    }

    /// A call is over.
    pub(crate) fn finished(&self, attributes: &[KeyValue], took: Duration) {
        self.duration.record(took.as_secs_f64(), attributes);
    }
}

fn duration(meter: &Meter, name: &'static str, description: &'static str) -> Histogram<f64> {
    meter
        .f64_histogram(name)
        .with_unit("s")
        .with_description(description)
        .with_boundaries(names::DURATION_BOUNDS_S.to_vec())
        .build()
}
