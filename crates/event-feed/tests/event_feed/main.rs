//! Following a feed over a real port: resuming, acknowledging, halting, starting over.

#![expect(clippy::unwrap_used, reason = "what is set up for a test may fail it")]

mod following;
mod notebook;
mod secured;
mod spans;
