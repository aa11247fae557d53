//! case-audit over a real port, fed by a feed server in the test's own process.

#![expect(clippy::unwrap_used, reason = "clippy.toml admits it in tests, and these are functions that tests call")]

mod erasing;
mod events;
mod filtering;
mod halting;
mod reading;
mod recording;
mod refusals;
mod spans;
mod starting;
mod system;
mod telemetry;
mod varied;
