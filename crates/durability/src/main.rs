//! Proves that nothing acknowledged is lost.
//!
//! `case-durability all` tries everything and prints what it counted; each try has a control that must fail, or it proves
//! nothing. Exit code 0: every promise was kept and every control failed; 1: not so; 64: the command line is wrong.

mod apart;
mod damage;
mod faults;
mod hostile;
mod judge;
mod kills;
mod ledger;
mod linearizability;
mod one_case;
mod power_cuts;
mod report;
mod system;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::Report;

/// Tries whether what was acknowledged survives power cuts, failing disks, damaged files, kills and malformed input.
#[derive(Debug, Parser)]
#[command(name = "case-durability", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Clone, Subcommand)]
enum Task {
    /// Everything below, as much as its defaults say
    All(All),
    /// Cuts the power at random moments of a run under load (Q1)
    PowerCuts(power_cuts::Options),
    /// Kills each service, and all at once, under load (Q2)
    Kills(kills::Options),
    /// Sends malformed input through the ports of the running programs (Q3)
    Hostile(hostile::Options),
    /// Lets the disk be full, or fail at writes and syncs
    Faults,
    /// Flips bits in the files of a store that lies still
    Damage(damage::Options),
    /// Lets clients change the same cases at once, and looks for an order that explains every answer
    Linearizability(linearizability::Options),
    /// Serves on a disk that fails when standard input says so; used by `faults`
    #[command(hide = true)]
    Serve(faults::ServeOptions),
    /// Serves with faults that `hostile` must find
    #[command(hide = true)]
    Stub,
}

/// How much of what takes longest.
#[derive(Debug, Clone, clap::Args)]
struct All {
    /// How often each service is killed, and how often all are at once
    #[arg(long, default_value_t = kills::Options::default().kills)]
    kills: usize,
    /// How many malformed inputs are sent
    #[arg(long, default_value_t = hostile::Options::default().inputs)]
    inputs: u64,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nobody is left to tell when the stream is closed.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(64) } else { ExitCode::SUCCESS };
        }
    };
    match carry_out(arguments.task) {
        Ok(code) => code,
        Err(error) => {
            report::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn carry_out(task: Task) -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    match task {
        Task::Stub => return hostile::serve_stub(),
        Task::Serve(options) => return faults::serve(&options),
        Task::All(All { kills, inputs }) => {
            power_cuts::run(&power_cuts::Options::default(), &mut report)?;
            faults::run(&mut report)?;
            damage::run(&damage::Options::default(), &mut report)?;
            linearizability::run(&linearizability::Options::default(), &mut report)?;
            kills::run(&kills::Options { kills, ..kills::Options::default() }, &mut report)?;
            hostile::run(&hostile::Options { inputs, ..hostile::Options::default() }, &mut report)?;
        }
        Task::PowerCuts(options) => power_cuts::run(&options, &mut report)?,
        Task::Hostile(options) => hostile::run(&options, &mut report)?,
        Task::Kills(options) => kills::run(&options, &mut report)?,
        Task::Faults => faults::run(&mut report)?,
        Task::Linearizability(options) => linearizability::run(&options, &mut report)?,
        Task::Damage(options) => damage::run(&options, &mut report)?,
    }
    report.print();
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
