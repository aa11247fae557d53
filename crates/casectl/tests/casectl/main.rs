//! The command line, against fake servers and as pure functions.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml admits them in tests, and these are functions that tests call"
)]

mod deriving;
mod front;
mod log_reading;
mod replay;
mod tls_gate;
