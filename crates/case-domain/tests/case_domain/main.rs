//! What the domain promises, from outside: first by example, then for any lifecycle and any sequence of commands.

#![expect(clippy::unwrap_used, reason = "clippy.toml admits it in tests, and these are functions that tests call")]

mod any;
mod create;
mod evolving;
mod given;
mod histories;
mod history;
mod lifecycle;
mod rules;
mod transition;
mod truth;
