//! The binary of case-query.

use std::process::ExitCode;

use case_query::CaseQuery;
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
        check: case_query::check,
    };
    program::main(&program, serve)
}

async fn serve(process: Process) -> Result<(), Exit> {
    let listener = host::bind(process.settings.query.listen).await?;
    CaseQuery::open(process).await?.serve(listener).await
}
