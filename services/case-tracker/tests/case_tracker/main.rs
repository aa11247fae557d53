//! What the whole system promises, seen from outside its processes.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod canary;
mod command_line;
mod degraded;
mod health;
mod incidents;
mod journey;
mod kills;
mod limits;
mod log_policy;
mod measures;
mod outage;
mod process;
mod secured;
mod secured_callers;
mod shutdown;
mod stores;
mod system;
mod telemetry;
