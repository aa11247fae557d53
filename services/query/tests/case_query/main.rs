//! case-query over a real port, fed by a feed server in the test's own process.

#![expect(clippy::unwrap_used, reason = "what is set up for a test may fail it")]

mod batch;
mod comments;
mod diagnostics;
mod freshness;
mod history;
mod lifecycle;
mod links;
mod listing;
mod orders;
mod reading;
mod rebuilding;
mod refusals;
mod remembering;
mod resuming;
mod spans;
mod stage;
mod system;
mod timeline;
mod upgrade;
