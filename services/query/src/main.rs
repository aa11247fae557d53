//! The binary of case-query.

use std::process::ExitCode;

use case_query::{Deps, run};
use service_kit::exit::Exit;
use service_kit::host;
use service_kit::program::{self, Process, Program};

fn main() -> ExitCode {
    let program = Program {
        name: "case-query",
        about: "Projects the event feed into a read model, and answers questions about cases",
        version: env!("CARGO_PKG_VERSION"),
        lifecycle_flag: false,
        health_addresses: |settings| vec![settings.query.listen],
    };
    program::main(&program, serve)
}

async fn serve(process: Process) -> Result<(), Exit> {
    let Process { settings, shutdown, clock, entropy } = process;
    let listener = host::bind(settings.query.listen).await?;
    run(Deps { settings, clock, entropy, shutdown }, listener).await
}
