//! case-query over a real port, fed by a feed server in the test's own process.

#![expect(clippy::unwrap_used, reason = "what is set up for a test may fail it")]

mod freshness;
mod history;
mod listing;
mod reading;
mod refusals;
mod resuming;
mod spans;
mod system;
