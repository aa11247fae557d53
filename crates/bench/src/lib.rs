//! The benchmark: what the case tracker does on a machine, beside what the machine allows.
//!
//! Servers are release builds in processes of their own, found beside this program; the client is this process. Rivals run in
//! turns (A B C A B C), and a figure is the median of its runs. Every part measures a sync of the disk in the same session,
//! because nothing here means anything without it. A failed call is a problem, not a result; slowness is no problem unless
//! `--check` says so.

mod bench;
mod cli;
mod codec;
mod error;
mod load;
mod machine;
mod measure;
mod report;
mod run;
mod server;

pub use cli::{Cli, Options, Subject};
pub use error::Error;
pub use load::{Failure, Outcome, Refusal, classify};
pub use machine::Machine;
pub use report::{Figure, Point, Report, Section, Target, Verdict, median};
pub use run::{Found, run};
pub use server::{Behaviour, serve_collector, serve_echo};
