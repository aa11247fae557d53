//! `case-bench`: measures the case tracker.

use std::io::Write;
use std::process::ExitCode;

use case_bench::{Cli, Found, run};
use clap::Parser;
use service_kit::exit::ExitCode as Code;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way, too. Nobody is left to tell when the streams are closed.
            let _ = error.print();
            return if error.use_stderr() { Code::Usage.into() } else { Code::Done.into() };
        }
    };
    match run(&cli, &mut std::io::stdout()) {
        Ok(Found::Well) => Code::Done.into(),
        Ok(Found::Problems | Found::MissedTargets) => Code::Refused.into(),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "case-bench: {}", error.line());
            Code::Unavailable.into()
        }
    }
}
