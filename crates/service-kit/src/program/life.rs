//! The life of a serving process, from telemetry up to telemetry down.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::open_files;
use super::signals::Signals;
use super::{About, BUILD_SHA, Process, Program, secrets};
use crate::exit::{Exit, ExitCode};
use crate::lanes::LaneThreads;
use crate::reload;
use crate::settings::{Loaded, Notice, SecretFile};
use crate::telemetry::{self, log, names};

/// How long the last traces and metrics may take to reach the collector. Together with the drain it must stay below the
/// time that supervisors allow.
const TELEMETRY_FLUSH_BOUND: Duration = Duration::from_secs(3);
/// How long tasks that outlive the run, such as blocking reads, may take to notice.
const LEFTOVERS_BOUND: Duration = Duration::from_millis(500);
/// Threads of the main runtime. Connections run on lanes; what is left here (accepting, following the feed, probes, timers)
/// is little and never urgent. Two, so that a task that works through a long answer of the feed holds up no other, as
/// in a process with three services.
const MAIN_THREADS: usize = 2;

/// Runs the program until it ends by itself or is told to.
///
/// The order is by what must survive: the flush comes after everything that reports, and before the runtime that carries
/// the exporters goes away. It also comes when the run fails, because that is the telemetry one wants most.
pub(super) fn live<F, Fut>(program: &Program, loaded: Loaded, run: F) -> Result<(), Exit>
where
    F: FnOnce(Process) -> Fut,
    Fut: Future<Output = Result<(), Exit>>,
{
    open_files::allow_as_many_as_possible();
    let (runtime, lanes) = (runtime()?, lanes()?);
    let telemetry = {
        // OTLP exporters start their tasks on the runtime that they are built in.
        let _entered = runtime.enter();
        let name = loaded.settings.telemetry.service_name.as_deref().unwrap_or(program.name);
        telemetry::init(&loaded.settings, name, program.version)?
    };
    let outcome = serve(program, loaded, (&runtime, &lanes), run);
    // On this plain thread, not on the runtime: there the flush would wait for a worker that waits for it.
    telemetry.shutdown(TELEMETRY_FLUSH_BOUND);
    let until = Instant::now() + LEFTOVERS_BOUND;
    // False: something still blocks a thread. It ends with the process.
    let _ = lanes.end(LEFTOVERS_BOUND);
    runtime.shutdown_timeout(until.saturating_duration_since(Instant::now()));
    // Once more, since what was left may have had something to say.
    log::flush();
    outcome
}

fn serve<F, Fut>(
    program: &Program,
    loaded: Loaded,
    (runtime, lanes): (&Runtime, &LaneThreads),
    run: F,
) -> Result<(), Exit>
where
    F: FnOnce(Process) -> Fut,
    Fut: Future<Output = Result<(), Exit>>,
{
    let shutdown = CancellationToken::new();
    let (trigger, moments) = reload::reload();
    let signals =
        Signals::watch(shutdown.clone(), trigger).map_err(|error| no_resources("watch for signals", &error))?;
    announce_start(program, &loaded);
    let Loaded { settings, provenance, notices: _ } = loaded;
    let (secrets_are_fresh, reload) = reload::reload();
    runtime.spawn(secrets::keep_fresh(SecretFile::all(&settings), moments, secrets_are_fresh));
    let process = Process {
        about: About { program: program.name, version: program.version },
        reload,
        provenance: Arc::new(provenance),
        lanes: lanes.lanes(),
        ..Process::new(settings, shutdown)
    };
    let outcome = runtime.block_on(async { run(process).await });
    announce_end(program, &outcome, &signals);
    outcome
}

fn runtime() -> Result<Runtime, Exit> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(MAIN_THREADS).enable_all().build().map_err(|error| no_resources("start its threads", &error))
}

/// A lane for each core that this process may use.
fn lanes() -> Result<LaneThreads, Exit> {
    let cores = available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    LaneThreads::start(cores).map_err(|error| no_resources("start its threads", &error))
}

fn no_resources(what: &str, error: &std::io::Error) -> Exit {
    Exit::new(ExitCode::Unavailable, format!("cannot {what}: {error}"))
}

fn announce_start(program: &Program, loaded: &Loaded) {
    let (name, version, environment) = (program.name, program.version, loaded.settings.environment.as_str());
    tracing::info!(
        name: names::SERVICE_STARTED,
        version,
        environment,
        build_sha = BUILD_SHA.unwrap_or_default(),
        "{name} {version} started in environment {environment}"
    );
    for notice in &loaded.notices {
        match notice {
            Notice::VariableNotObeyed { variable, text: _ } => {
                tracing::warn!(name: names::CONFIGURATION_NOTICE, variable, "{notice}");
            }
            Notice::SecretFileExposed { key, path } => {
                tracing::warn!(name: names::SECRET_FILE_EXPOSED, key, path = %path.display(), "{notice}");
            }
        }
    }
}

fn announce_end(program: &Program, outcome: &Result<(), Exit>, signals: &Signals) {
    let name = program.name;
    if let Err(exit) = outcome {
        let (exit_code, reason) = (exit.code.number(), exit.message.as_str());
        tracing::error!(name: names::SERVICE_FAILED, exit_code, reason, "{name} cannot go on: {reason}");
    }
    let reason = match (outcome, signals.received()) {
        (Err(_), _) => "failure",
        (Ok(()), Some(signal)) => signal,
        (Ok(()), None) => "finished",
    };
    tracing::info!(name: names::SERVICE_SHUTDOWN, reason, "{name} stopped: {reason}");
}
