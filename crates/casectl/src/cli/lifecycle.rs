//! Lifecycles and logs.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use crate::replay::{CONCURRENCY_DEFAULT, CONCURRENCY_MAX};

/// `lifecycle`
#[derive(Debug, Subcommand)]
pub(crate) enum LifecycleCommand {
    /// The lifecycle in force: what leads where, and what it needs.
    Show,
    /// Report every mistake in a lifecycle file.
    Check {
        /// The file (TOML).
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Write the lifecycle that a log of real cases needs, with counts, to standard output.
    Derive {
        /// JSON lines, plain or gzip.
        #[arg(value_hint = ValueHint::FilePath)]
        log: PathBuf,
    },
}

/// `replay`
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// JSON lines, plain or gzip.
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) log: PathBuf,
    /// How many cases at once: 1 to 1024.
    #[arg(long, value_name = "N", default_value_t = CONCURRENCY_DEFAULT, value_parser = concurrency)]
    pub(crate) concurrency: usize,
    /// How long one command is tried again while a service is away.
    #[arg(long, value_name = "TIME", default_value = "2m")]
    pub(crate) patience: humantime::Duration,
    /// Check the timeline of every case, too.
    #[arg(long)]
    pub(crate) timelines: bool,
}

fn concurrency(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=CONCURRENCY_MAX).contains(number));
    number.ok_or_else(|| format!("it is a number from 1 to {CONCURRENCY_MAX}"))
}
