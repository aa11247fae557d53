//! `casectl`: the command line of the case tracker.

use std::io::Write;
use std::process::ExitCode;

use casectl::{Surroundings, run};

fn main() -> ExitCode {
    // One thread is enough for one person; a replay waits for the servers, not for this process.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "casectl: cannot start: {error}");
            return service_kit::exit::ExitCode::Unavailable.into();
        }
    };
    runtime.block_on(run(std::env::args_os().collect(), Surroundings::of_process())).into()
}
