//! `case-bench`: measures the case tracker.

use std::io::Write;
use std::process::ExitCode;

use case_bench::{Cli, Found, run};
use clap::Parser;
use service_kit::exit::ExitCode as Code;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli, &mut std::io::stdout()) {
        Ok(Found::Well) => Code::Done.into(),
        Ok(Found::Problems | Found::MissedTargets) => Code::Refused.into(),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "case-bench: {}", error.line());
            Code::Unavailable.into()
        }
    }
}
