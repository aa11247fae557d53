//! The binary of case-audit.

use std::process::ExitCode;

use case_audit::CaseAudit;
use service_kit::exit::Exit;
use service_kit::host;
use service_kit::program::{self, Process, Program};

fn main() -> ExitCode {
    let program = Program {
        name: "case-audit",
        about: "Keeps one canonical audit record for each event, and shows them",
        version: env!("CARGO_PKG_VERSION"),
        lifecycle_flag: false,
        health_addresses: |settings| vec![settings.audit.listen],
        check: case_audit::check,
    };
    program::main(&program, serve)
}

async fn serve(process: Process) -> Result<(), Exit> {
    let listener = host::bind(process.settings.audit.listen).await?;
    CaseAudit::open(process).await?.serve(listener).await
}
