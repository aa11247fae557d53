//! The command line and the life of a binary.
//!
//! A `main` is one call of [`main`]; the binary adds only the function that runs its services. Everything that may fail
//! returns an [`Exit`] up to here, where it becomes one line on standard error and an exit code.

mod command_line;
mod healthcheck;
mod life;
mod open_files;
mod report;
mod secrets;
mod signals;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Entropy, SystemClock, SystemEntropy};
use crate::exit::{Exit, ExitCode, print_line};
use crate::identity_provider;
use crate::lanes::Lanes;
use crate::reload::Reload;
use crate::settings::{self, Configuration, Loaded, Provenance, Settings, Sources};
use crate::tls;
use command_line::{Invocation, Task};

/// The commit that this binary was built from, if the build knew it.
pub const BUILD_SHA: Option<&str> = option_env!("CASE_TRACKER_BUILD_SHA");

/// What distinguishes one binary from the others, as seen from its command line.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The binary's name, which is also its telemetry `service.name`.
    pub name: &'static str,
    /// One line for `--help`.
    pub about: &'static str,
    /// `env!("CARGO_PKG_VERSION")` of the binary.
    pub version: &'static str,
    /// Whether it reads a lifecycle and so takes `--lifecycle`.
    pub lifecycle_flag: bool,
    /// The addresses that it serves: what `healthcheck` dials, and what may not be insecure beyond loopback.
    pub health_addresses: fn(&Settings) -> Vec<SocketAddr>,
    /// What `config check` looks at beyond the configuration itself: files that it points to.
    pub check: fn(&Settings) -> Result<(), Exit>,
}

/// What the run of a binary is given.
#[derive(Clone)]
pub struct Process {
    /// Valid.
    pub settings: Settings,
    /// Cancelled by the first SIGINT or SIGTERM: drain, then return.
    pub shutdown: CancellationToken,
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// The machine's random source.
    pub entropy: Arc<dyn Entropy>,
    /// What runs.
    pub about: About,
    /// When to look again at files that can change; by then the secrets in [`Process::settings`] are fresh.
    pub reload: Reload,
    /// Where each setting comes from, secrets hidden.
    pub provenance: Arc<Provenance>,
    /// Where servers run their connections.
    pub lanes: Lanes,
}

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The binary's name.
    pub program: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Process {
    /// A process with these settings, on the machine's clock and random source, whose files never change,
    /// without lanes. A test that needs more sets more: `Process { clock, ..Process::new(settings, shutdown) }`.
    pub fn new(settings: Settings, shutdown: CancellationToken) -> Self {
        Self {
            settings,
            shutdown,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            about: About { program: "test", version: env!("CARGO_PKG_VERSION") },
            reload: Reload::never(),
            provenance: Arc::default(),
            lanes: Lanes::default(),
        }
    }
}

/// What a process is started with. It has no `Debug`: whatever stands in an environment may be a secret.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// The command line; the first is the name of the program.
    pub arguments: Vec<OsString>,
    /// The environment: names and values.
    pub environment: BTreeMap<String, String>,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        // A value that is not Unicode keeps its place with replacement characters, and is refused as what it is.
        let unicode = |(name, value): (OsString, OsString)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        };
        Self { arguments: std::env::args_os().collect(), environment: std::env::vars_os().map(unicode).collect() }
    }
}

/// The whole of a binary's `main`. `run` returns when the process is to end: after `shutdown` was cancelled and
/// everything has drained, or because it cannot go on.
pub fn main<F, Fut>(program: &Program, run: F) -> std::process::ExitCode
where
    F: FnOnce(Process) -> Fut,
    Fut: Future<Output = Result<(), Exit>>,
{
    start(program, Surroundings::of_this_process(), run).into()
}

/// [`main`] with the surroundings as an argument.
pub fn start<F, Fut>(program: &Program, surroundings: Surroundings, run: F) -> ExitCode
where
    F: FnOnce(Process) -> Fut,
    Fut: Future<Output = Result<(), Exit>>,
{
    let invocation = match command_line::parse(program, surroundings.arguments) {
        Ok(invocation) => invocation,
        Err(answer) => return command_line::answer(&answer),
    };
    match carry_out(program, invocation, surroundings.environment, run) {
        Ok(()) => ExitCode::Done,
        Err(exit) => {
            print_line(program.name, &exit.message);
            exit.code
        }
    }
}

fn carry_out<F, Fut>(
    program: &Program,
    invocation: Invocation,
    environment: BTreeMap<String, String>,
    run: F,
) -> Result<(), Exit>
where
    F: FnOnce(Process) -> Fut,
    Fut: Future<Output = Result<(), Exit>>,
{
    let sources = Sources { file: invocation.file, environment, flags: invocation.flags };
    let configuration = Configuration::read(&sources, program.health_addresses);
    match invocation.task {
        Task::PrintConfiguration => {
            report::print(&configuration.with_secrets().print());
            Ok(())
        }
        Task::CheckConfiguration => {
            let loaded = valid(program, configuration.with_secrets())?;
            tls::check(&loaded.settings)?;
            identity_provider::check(&loaded.settings)?;
            (program.check)(&loaded.settings)?;
            report::print(&format!("configuration is valid: {}\n", loaded.provenance.summary()));
            for notice in &loaded.notices {
                report::print(&format!("note: {notice}\n"));
            }
            Ok(())
        }
        Task::CheckHealth => {
            // Without secrets: a running program keeps those whose files have gone away, and is no less healthy.
            let settings = valid(program, configuration)?.settings;
            healthcheck::check((program.health_addresses)(&settings), &settings)
        }
        Task::Run => {
            let loaded = valid(program, configuration.with_secrets())?;
            // Before anything is opened or served.
            tls::check(&loaded.settings)?;
            identity_provider::check(&loaded.settings)?;
            life::live(program, loaded, run)
        }
    }
}

/// The configuration, or all its problems on standard error, one a line.
fn valid(program: &Program, configuration: Configuration) -> Result<Loaded, Exit> {
    configuration.into_loaded().map_err(|problems| {
        for problem in &problems {
            print_line(program.name, &problem.to_string());
        }
        let text = format!("the configuration is not valid: {}, see above", settings::count(&problems));
        Exit::new(ExitCode::Configuration, text)
    })
}
