//! A system of processes: all in one, or each service apart.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use case_api::pb::audit_service_client::AuditServiceClient;
use case_api::pb::case_command_service_client::CaseCommandServiceClient;
use case_api::pb::case_query_service_client::CaseQueryServiceClient;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{Caller, CallerChannel, ServerProcess, Spec};

/// The program and service that decides and stores.
pub const COMMAND: &str = "case-command";
/// The program and service of the read model.
pub const QUERY: &str = "case-query";
/// The program and service of the audit log.
pub const AUDIT: &str = "case-audit";

/// The program that is all three.
const ALL_IN_ONE: &str = "case-tracker";

/// Running processes on one folder of data.
#[derive(Debug)]
pub struct System {
    /// Where the stores lie, in `data`.
    pub folder: TempDir,
    specs: BTreeMap<&'static str, Spec>,
    processes: BTreeMap<&'static str, ServerProcess>,
    addresses: BTreeMap<&'static str, SocketAddr>,
}

impl System {
    /// `case-tracker`: one process.
    pub async fn all_in_one(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let spec = all_in_one(folder.path().to_owned(), settings);
        let mut system = Self::empty(folder);
        system.specs.insert(ALL_IN_ONE, spec);
        system.start(ALL_IN_ONE).await;
        system
    }

    /// Three processes, as on three machines.
    pub async fn apart(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_owned();
        let mut system = Self::empty(folder);
        system.specs.insert(COMMAND, one(path.clone(), COMMAND, settings));
        system.start(COMMAND).await;
        let feed_url = format!("http://{}", system.addresses[COMMAND]);
        for (name, key) in [(QUERY, "CASE_TRACKER__QUERY__FEED_URL"), (AUDIT, "CASE_TRACKER__AUDIT__FEED_URL")] {
            let mut spec = one(path.clone(), name, settings);
            spec.environment.push((key.to_owned(), feed_url.clone()));
            system.specs.insert(name, spec);
            system.start(name).await;
        }
        system
    }

    fn empty(folder: TempDir) -> Self {
        Self { folder, specs: BTreeMap::new(), processes: BTreeMap::new(), addresses: BTreeMap::new() }
    }

    async fn start(&mut self, name: &'static str) {
        let process = self.specs[name].start().await;
        self.remember(name, process);
    }

    /// Keeps a process and where it listens.
    fn remember(&mut self, name: &'static str, process: ServerProcess) {
        let spec = self.specs.get_mut(name).expect("a process of this system");
        for service in spec.services.clone() {
            let address = process.address(&service);
            let known = [COMMAND, QUERY, AUDIT].into_iter().find(|known| *known == service).expect("a known service");
            self.addresses.insert(known, address);
            // The next start listens where this one did: others have the address.
            let key = format!("CASE_TRACKER__{}__LISTEN", known.trim_start_matches("case-").to_uppercase());
            spec.environment.retain(|(set, _)| *set != key);
            spec.environment.push((key, address.to_string()));
        }
        self.processes.insert(name, process);
    }

    /// Ends one service in good order; the others go on.
    pub async fn stop_one(&mut self, name: &'static str) {
        assert_eq!(self.processes.remove(name).expect("it runs").terminate().await.code(), Some(0), "{name}");
    }

    /// Starts again what [`Self::stop_one`] has ended, and waits until it is ready.
    pub async fn start_one(&mut self, name: &'static str) {
        self.start(name).await;
    }

    /// What one service has logged so far.
    pub fn lines_of(&self, name: &str) -> Vec<String> {
        self.processes[name].lines()
    }

    /// The database file of a service.
    pub fn store(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name.trim_start_matches("case-")).with_extension("db")
    }

    /// `kill -9`, and starts it again.
    pub async fn kill_and_restart(&mut self, name: &'static str) {
        self.kill_together(&[name]).await;
        self.ready(name).await;
    }

    /// `kill -9` of several at once, and starts them again. They listen then, and need not be ready yet.
    pub async fn kill_together(&mut self, names: &[&'static str]) {
        let mut dying = JoinSet::new();
        for name in names {
            dying.spawn(self.processes.remove(name).expect("it runs").kill());
        }
        while let Some(dead) = dying.join_next().await {
            dead.expect("the process can be killed");
        }
        let mut starting = JoinSet::new();
        for name in names.iter().copied() {
            let spec = self.specs[name].clone();
            starting.spawn(async move { (name, spec.spawn().await) });
        }
        while let Some(started) = starting.join_next().await {
            let (name, process) = started.expect("the process starts again");
            self.remember(name, process);
        }
    }

    /// Waits until a service is ready.
    pub async fn ready(&self, name: &str) {
        self.processes[name].ready(name).await;
    }

    /// Whether a service says that it is ready, now.
    pub async fn is_ready(&self, name: &str) -> bool {
        self.processes[name].is_ready(name).await
    }

    /// The processes that have ended without being told to, each with how.
    pub fn ended(&mut self) -> Vec<String> {
        let how = |(name, process): (&&'static str, &mut ServerProcess)| {
            process.exit_status().map(|status| format!("{name} ended by itself: {status}"))
        };
        self.processes.iter_mut().filter_map(how).collect()
    }

    /// Ends every process in good order; each exits with 0.
    pub async fn stop(&mut self) {
        while let Some((name, process)) = self.processes.pop_first() {
            let status = process.terminate().await;
            assert_eq!(status.code(), Some(0), "{name}");
        }
    }

    /// The one process of a system that is all in one, to be ended by whoever takes it.
    pub fn process(&mut self) -> ServerProcess {
        self.processes.remove(ALL_IN_ONE).expect("all in one")
    }

    /// Starts all that was stopped.
    pub async fn start_again(&mut self) {
        // Alphabetical order would start consumers first, which is fine, too: they wait for the feed to be there.
        for name in self.specs.keys().copied().collect::<Vec<_>>().into_iter().rev() {
            if name == COMMAND || name == ALL_IN_ONE {
                self.start(name).await;
            }
        }
        for name in [QUERY, AUDIT] {
            if self.specs.contains_key(name) {
                self.start(name).await;
            }
        }
    }

    /// Where a service listens.
    pub fn address(&self, service: &str) -> SocketAddr {
        self.addresses[service]
    }

    /// A client of the command service.
    pub fn commands(&self, caller: Caller) -> CaseCommandServiceClient<CallerChannel> {
        caller.commands(self.addresses[COMMAND])
    }

    /// A client of the query service.
    pub fn queries(&self, caller: Caller) -> CaseQueryServiceClient<CallerChannel> {
        caller.queries(self.addresses[QUERY])
    }

    /// A client of the audit service.
    pub fn audit(&self, caller: Caller) -> AuditServiceClient<CallerChannel> {
        caller.audit(self.addresses[AUDIT])
    }

    /// Everything that every running process has logged.
    pub fn lines(&self) -> Vec<String> {
        self.processes.values().flat_map(ServerProcess::lines).collect()
    }
}

/// How to start all services in one process, on ports of its own.
pub fn all_in_one(folder: PathBuf, settings: &[(&str, &str)]) -> Spec {
    let mut spec = spec(Spec::beside_us(ALL_IN_ONE), folder, settings);
    for service in [COMMAND, QUERY, AUDIT] {
        spec.services.push(service.to_owned());
    }
    spec
}

/// How to start one service in a process of its own.
pub fn one(folder: PathBuf, name: &str, settings: &[(&str, &str)]) -> Spec {
    let mut spec = spec(Spec::beside_us(name), folder, settings);
    spec.services.push(name.to_owned());
    spec
}

fn spec(program: PathBuf, folder: PathBuf, settings: &[(&str, &str)]) -> Spec {
    let ports =
        ["COMMAND", "QUERY", "AUDIT"].map(|name| (format!("CASE_TRACKER__{name}__LISTEN"), "127.0.0.1:0".to_owned()));
    let mut environment = Vec::from(ports);
    environment.push(("CASE_TRACKER__LOG__FORMAT".to_owned(), "json".to_owned()));
    environment.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    Spec { program, folder, environment, arguments: Vec::new(), services: Vec::new() }
}
