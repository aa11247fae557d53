//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Measures the case tracker on this machine: real servers, a real client, and the machine's own limits beside every figure.
#[derive(Debug, Parser)]
#[command(name = "case-bench", version)]
pub struct Cli {
    /// What to measure.
    #[command(subcommand)]
    pub subject: Subject,
    /// How.
    #[command(flatten)]
    pub options: Options,
}

/// What can be measured.
#[derive(Debug, Clone, Subcommand)]
pub enum Subject {
    /// The machine: a sync of the disk, a bare tonic echo, SQLite on its own
    Limits,
    /// `CreateCase`: the peak, one client, the tail at half of the peak, and both against load (P1, P3, P4, P5)
    Write,
    /// `GetCase` and pages of `ListCases` (P2, and the 1,000th page of P7)
    Read {
        /// Cases in the store: enough for the 1,000th page of 50
        #[arg(long, default_value_t = 60_000)]
        cases: u64,
    },
    /// From an acknowledged command until case-query shows it (P8)
    Visible,
    /// The price of telemetry (P6), and of a collector that is dead, silent or slow (Q5)
    Telemetry {
        /// How long each collector is endured: beyond the 10 s after which a delivery is given up
        #[arg(long, default_value = "30s", value_parser = humantime::parse_duration)]
        outage: Duration,
    },
    /// Three times what saturates it (Q6)
    Overload {
        /// How long
        #[arg(long, default_value = "60s", value_parser = humantime::parse_duration)]
        duration: Duration,
    },
    /// From 1,000 cases to many: speed, start, memory, rebuild (P7, P9, P11, P12)
    Scale {
        /// How many are many
        #[arg(long, default_value_t = 1_000_000)]
        cases: u64,
    },
    /// etcd with the same payload from the same client
    Peers,
    /// Everything, one after the other, each with its defaults
    All {
        /// How many cases are many
        #[arg(long, default_value_t = 1_000_000)]
        cases: u64,
    },
    /// Serves recorded answers: the limit of the transport. Started by the benchmark itself
    #[command(hide = true)]
    EchoServer {
        /// Where to listen
        #[arg(long)]
        listen: SocketAddr,
        /// Syncs each `CreateCase` before it is answered
        #[arg(long)]
        sync: bool,
    },
    /// Takes telemetry and throws it away. Started by the benchmark itself
    #[command(hide = true)]
    Collector {
        /// Where to listen
        #[arg(long)]
        listen: SocketAddr,
        /// What to wait before each answer
        #[arg(long, value_parser = humantime::parse_duration)]
        delay: Duration,
    },
}

/// How to measure.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Where stores and logs are put, each run in a new folder: on the disk that is to be measured
    #[arg(long, global = true, default_value = "data/bench")]
    pub data: PathBuf,
    /// The folder of the servers [default: that of this program]
    #[arg(long, global = true)]
    pub programs: Option<PathBuf>,
    /// etcd's program [default: the first one on the PATH]
    #[arg(long, global = true)]
    pub etcd: Option<PathBuf>,
    /// How often each rival runs, in turns
    #[arg(long, global = true, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeats: u32,
    /// How long each run counts
    #[arg(long, global = true, default_value = "5s", value_parser = humantime::parse_duration)]
    pub window: Duration,
    /// How long each run lasts before it counts
    #[arg(long, global = true, default_value = "2s", value_parser = humantime::parse_duration)]
    pub warm_up: Duration,
    /// Connections of the client where it has many calls in flight
    #[arg(long, global = true, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub connections: u16,
    /// Threads of the client [default: one for each core it may use]
    #[arg(long, global = true)]
    pub threads: Option<usize>,
    /// Keeps the client to the last core and every server to the others
    #[arg(long, global = true)]
    pub pin: bool,
    /// Writes everything that was found, as JSON
    #[arg(long, global = true, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Draws throughput and latency against load, as SVG (`write` and `all`)
    #[arg(long, global = true, value_name = "FILE")]
    pub picture: Option<PathBuf>,
    /// Fails when a target is missed, too
    #[arg(long, global = true)]
    pub check: bool,
    /// Keeps stores and logs
    #[arg(long, global = true)]
    pub keep: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_stand_before_or_after_the_subject() {
        let before = Cli::try_parse_from(["case-bench", "--repeats", "5", "write"]).expect("before");
        let after = Cli::try_parse_from(["case-bench", "write", "--repeats", "5"]).expect("after");
        assert_eq!((before.options.repeats, after.options.repeats), (5, 5));
    }
}
