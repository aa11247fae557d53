//! What the whole system promises, seen from outside its processes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod command_line;
mod degraded;
mod health;
mod incidents;
mod journey;
mod kills;
mod ledger;
mod process;
mod shutdown;
mod stores;
mod system;
mod telemetry;
