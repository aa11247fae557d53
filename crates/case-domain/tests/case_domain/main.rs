//! What the domain promises, from outside: first by example, then for any lifecycle and any sequence of commands.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml admits them in tests, and these are functions that tests call"
)]

mod any;
mod asks;
mod assign;
mod create;
mod evolving;
mod given;
mod histories;
mod history;
mod lifecycle;
mod links;
mod remark;
mod requirements;
mod rules;
mod transition;
mod truth;
mod update;
