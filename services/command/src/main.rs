//! The binary of case-command.

use std::process::ExitCode;

use case_command::CaseCommand;
use service_kit::exit::Exit;
use service_kit::host;
use service_kit::program::{self, Process, Program};

fn main() -> ExitCode {
    let program = Program {
        name: "case-command",
        about: "Decides and stores every change of a case, and publishes it on the event feed",
        version: env!("CARGO_PKG_VERSION"),
        lifecycle_flag: true,
        health_addresses: |settings| vec![settings.command.listen],
        check: case_command::check,
    };
    program::main(&program, serve)
}

async fn serve(process: Process) -> Result<(), Exit> {
    let listener = host::bind(process.settings.command.listen).await?;
    CaseCommand::open(process).await?.serve(listener).await
}
