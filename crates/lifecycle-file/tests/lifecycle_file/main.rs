//! The file form of a lifecycle, from outside.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml admits them in tests, and these are functions that tests call"
)]

mod any_lifecycle;
mod any_text;
mod default;
mod files;
mod limits;
mod mistakes;
