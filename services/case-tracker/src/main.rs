//! The binary of case-tracker.

use std::io::Write;
use std::process::ExitCode;

use case_tracker::{CaseTracker, banner};
use service_kit::exit::Exit;
use service_kit::program::{self, Process, Program};

fn main() -> ExitCode {
    let program = Program {
        name: "case-tracker",
        about: "Keeps cases: commands, queries and audit events in one process, on SQLite",
        version: env!("CARGO_PKG_VERSION"),
        lifecycle_flag: true,
        health_addresses: |settings| vec![settings.command.listen, settings.query.listen, settings.audit.listen],
        check: case_tracker::check,
    };
    program::main(&program, serve)
}

async fn serve(process: Process) -> Result<(), Exit> {
    let system = CaseTracker::open(process).await?;
    // On standard error: standard output is for log lines, which may be JSON. Nobody to read it is no reason to stop.
    let _ = write!(std::io::stderr(), "{}", banner(system.settings()));
    system.serve().await
}
