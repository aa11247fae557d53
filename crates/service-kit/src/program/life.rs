//! The life of a serving process, from telemetry up to telemetry down.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::signals::Signals;
use super::{About, BUILD_SHA, Process, Program};
use crate::exit::{Exit, ExitCode};
use crate::settings::{Loaded, Settings};
use crate::telemetry;

/// How long the last traces and metrics may take to reach the collector. Together with the drain it must stay below the
/// time that supervisors allow.
const TELEMETRY_FLUSH_BOUND: Duration = Duration::from_secs(3);
/// How long tasks that outlive the run, such as blocking reads, may take to notice.
const LEFTOVERS_BOUND: Duration = Duration::from_millis(500);

/// Runs the program until it ends by itself or is told to.
///
/// The order is by what must survive: the flush comes after everything that reports, and before the runtime that carries
/// the exporters goes away. It also comes when the run fails, because that is the telemetry one wants most.
pub(super) fn live<F, Fut>(program: &Program, loaded: Loaded, run: F) -> Result<(), Exit>
where
    F: FnOnce(Process) -> Fut,
    Fut: Future<Output = Result<(), Exit>>,
{
    let runtime = runtime()?;
    let telemetry = {
        // OTLP exporters start their tasks on the runtime that they are built in.
        let _entered = runtime.enter();
        telemetry::init(&loaded.settings, program.name, program.version)?
    };
    let outcome = serve(program, loaded, &runtime, run);
    // On this plain thread, not on the runtime: there the flush would wait for a worker that waits for it.
    telemetry.shutdown(TELEMETRY_FLUSH_BOUND);
    runtime.shutdown_timeout(LEFTOVERS_BOUND);
    outcome
}

fn serve<F, Fut>(program: &Program, loaded: Loaded, runtime: &Runtime, run: F) -> Result<(), Exit>
where
    F: FnOnce(Process) -> Fut,
    Fut: Future<Output = Result<(), Exit>>,
{
    let shutdown = CancellationToken::new();
    let signals = Signals::watch(shutdown.clone()).map_err(|error| no_resources("watch for signals", &error))?;
    announce_start(program, &loaded.settings);
    let Loaded { settings, provenance } = loaded;
    let process = Process {
        about: About { program: program.name, version: program.version },
        provenance: Arc::new(provenance),
        ..Process::new(settings, shutdown)
    };
    let outcome = runtime.block_on(async { run(process).await });
    announce_end(program, &outcome, &signals);
    outcome
}

fn runtime() -> Result<Runtime, Exit> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().build().map_err(|error| no_resources("start its threads", &error))
}

fn no_resources(what: &str, error: &std::io::Error) -> Exit {
    Exit::new(ExitCode::Unavailable, format!("cannot {what}: {error}"))
}

fn announce_start(program: &Program, settings: &Settings) {
    let (name, version, environment) = (program.name, program.version, settings.environment.as_str());
    tracing::info!(
        name: "service_started",
        version,
        environment,
        build_sha = BUILD_SHA.unwrap_or_default(),
        "{name} {version} started in environment {environment}"
    );
}

fn announce_end(program: &Program, outcome: &Result<(), Exit>, signals: &Signals) {
    let name = program.name;
    if let Err(exit) = outcome {
        let (exit_code, reason) = (exit.code.number(), exit.message.as_str());
        tracing::error!(name: "service_failed", exit_code, reason, "{name} cannot go on: {reason}");
    }
    let reason = match (outcome, signals.received()) {
        (Err(_), _) => "failure",
        (Ok(()), Some(signal)) => signal,
        (Ok(()), None) => "finished",
    };
    tracing::info!(name: "service_shutdown", reason, "{name} stopped: {reason}");
}
