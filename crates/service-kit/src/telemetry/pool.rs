//! Pools of connections, as metrics.

use opentelemetry::KeyValue;

use crate::identity::Identity;
use crate::telemetry::{meter, names};

/// What the connections of a pool do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUsage {
    /// Connections that work.
    pub used: usize,
    /// Open connections that wait for work.
    pub idle: usize,
    /// Those who wait for a connection.
    pub waiting: usize,
    /// Connections that there can be.
    pub max: usize,
}

/// Measures the pool `name` (one of a few) of a service from now on: how far it is from its bound, and who waits.
pub fn observe_pool(
    identity: Identity,
    name: &'static str,
    usage: impl Fn() -> PoolUsage + Clone + Send + Sync + 'static,
) {
    let meter = meter(identity);
    let pool = KeyValue::new(names::DB_POOL_NAME, name);
    let state = |state: &'static str| [pool.clone(), KeyValue::new(names::DB_CONNECTION_STATE, state)];
    let (used, idle, read) = (state("used"), state("idle"), usage.clone());
    let _count = meter
        .i64_observable_up_down_counter(names::DB_CONNECTION_COUNT)
        .with_unit("{connection}")
        .with_description("Open connections that read.")
        .with_callback(move |observer| {
            let usage = read();
            observer.observe(signed(usage.used), &used);
            observer.observe(signed(usage.idle), &idle);
        })
        .build();
    let (attributes, read) = ([pool.clone()], usage.clone());
    let _max = meter
        .i64_observable_up_down_counter(names::DB_CONNECTION_MAX)
        .with_unit("{connection}")
        .with_description("How many connections that read there can be.")
        .with_callback(move |observer| observer.observe(signed(read().max), &attributes))
        .build();
    let _waiting = meter
        .i64_observable_up_down_counter(names::DB_CONNECTION_PENDING)
        .with_unit("{request}")
        .with_description("Reads that wait for a connection.")
        .with_callback(move |observer| observer.observe(signed(usage().waiting), std::slice::from_ref(&pool)))
        .build();
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
