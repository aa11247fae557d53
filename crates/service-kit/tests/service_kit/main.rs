//! The integration tests of this crate: one binary, so that it is linked once.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of tests fails like a test")]

mod access;
mod certificates;
mod client;
mod collector;
mod diagnostics;
mod health;
mod host;
mod host_connections;
mod host_lanes;
mod host_tls;
mod layers;
mod looking;
mod probe;
mod program;
mod settings;
mod telemetry;
mod telemetry_left_out;
mod telemetry_limits;
mod telemetry_policy;
