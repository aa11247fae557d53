//! Stored forms from outside: golden files hold every version to the bytes of the earlier ones, and events that nobody
//! thought of read back as what they were.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml admits them in tests, and these are functions that tests call"
)]

mod any;
mod erased;
mod events;
mod given;
mod golden;
mod lifecycles;
mod round_trip;
mod tokens;
