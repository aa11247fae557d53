//! A system of processes: all in one, or each service apart.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use case_api::pb::audit_service_client::AuditServiceClient;
use case_api::pb::case_command_service_client::CaseCommandServiceClient;
use case_api::pb::case_query_service_client::CaseQueryServiceClient;
use case_api::pb::{Case, CreateCaseRequest, TransitionCaseRequest};
use tempfile::TempDir;
use test_support::{Caller, CallerChannel, ServerProcess, Spec};

pub(crate) const COMMAND: &str = "case-command";
pub(crate) const QUERY: &str = "case-query";
pub(crate) const AUDIT: &str = "case-audit";

const ALL_IN_ONE: &str = env!("CARGO_BIN_EXE_case-tracker");

/// Running processes on one folder of data.
pub(crate) struct System {
    pub(crate) folder: TempDir,
    specs: BTreeMap<&'static str, Spec>,
    processes: BTreeMap<&'static str, ServerProcess>,
    addresses: BTreeMap<&'static str, SocketAddr>,
}

impl System {
    /// `case-tracker`: one process.
    pub(crate) async fn all_in_one(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spec = all_in_one(folder.path().to_owned(), settings);
        let mut system = Self::empty(folder);
        system.specs.insert(ALL_IN_ONE, spec);
        system.start(ALL_IN_ONE).await;
        system
    }

    /// Three processes, as on three machines.
    pub(crate) async fn apart(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
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
        let spec = self.specs.get_mut(name).unwrap();
        let process = spec.start().await;
        for service in spec.services.clone() {
            let address = process.address(&service);
            let known = [COMMAND, QUERY, AUDIT].into_iter().find(|known| *known == service).unwrap();
            self.addresses.insert(known, address);
            // The next start listens where this one did: others have the address.
            let key = format!("CASE_TRACKER__{}__LISTEN", known.trim_start_matches("case-").to_uppercase());
            spec.environment.retain(|(set, _)| *set != key);
            spec.environment.push((key, address.to_string()));
        }
        self.processes.insert(name, process);
    }

    /// Ends one service in good order; the others go on.
    pub(crate) async fn stop_one(&mut self, name: &'static str) {
        assert_eq!(self.processes.remove(name).unwrap().terminate().await.code(), Some(0), "{name}");
    }

    /// Starts again what [`Self::stop_one`] has ended, and waits until it is ready.
    pub(crate) async fn start_one(&mut self, name: &'static str) {
        self.start(name).await;
    }

    /// What one service has logged so far.
    pub(crate) fn lines_of(&self, name: &str) -> Vec<String> {
        self.processes[name].lines()
    }

    /// The database file of a service.
    pub(crate) fn store(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name.trim_start_matches("case-")).with_extension("db")
    }

    /// `kill -9`, and starts it again.
    pub(crate) async fn kill_and_restart(&mut self, name: &'static str) {
        self.processes.remove(name).unwrap().kill().await;
        self.start(name).await;
    }

    /// Ends every process in good order; each exits with 0.
    pub(crate) async fn stop(&mut self) {
        while let Some((name, process)) = self.processes.pop_first() {
            let status = process.terminate().await;
            assert_eq!(status.code(), Some(0), "{name}");
        }
    }

    /// The one process of a system that is all in one, to be ended by whoever takes it.
    pub(crate) fn process(&mut self) -> ServerProcess {
        self.processes.remove(ALL_IN_ONE).unwrap()
    }

    /// Starts all that was stopped.
    pub(crate) async fn start_again(&mut self) {
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

    pub(crate) fn address(&self, service: &str) -> SocketAddr {
        self.addresses[service]
    }

    pub(crate) fn commands(&self, caller: Caller) -> CaseCommandServiceClient<CallerChannel> {
        caller.commands(self.addresses[COMMAND])
    }

    pub(crate) fn queries(&self, caller: Caller) -> CaseQueryServiceClient<CallerChannel> {
        caller.queries(self.addresses[QUERY])
    }

    pub(crate) fn audit(&self, caller: Caller) -> AuditServiceClient<CallerChannel> {
        caller.audit(self.addresses[AUDIT])
    }

    /// Everything that every running process has logged.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.processes.values().flat_map(ServerProcess::lines).collect()
    }
}

/// How to start all services in one process, on ports of its own.
pub(crate) fn all_in_one(folder: PathBuf, settings: &[(&str, &str)]) -> Spec {
    let mut spec = spec(ALL_IN_ONE.into(), folder, settings);
    for service in [COMMAND, QUERY, AUDIT] {
        spec.services.push(service.to_owned());
    }
    spec
}

pub(crate) fn one(folder: PathBuf, name: &str, settings: &[(&str, &str)]) -> Spec {
    let mut spec = spec(Spec::sibling(ALL_IN_ONE, name), folder, settings);
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

pub(crate) fn creation(title: &str, key: &str) -> CreateCaseRequest {
    let case = Case { title: title.to_owned(), ..Case::default() };
    CreateCaseRequest { case: Some(case), idempotency_key: key.to_owned(), ..CreateCaseRequest::default() }
}

pub(crate) fn transition(case_id: &str, to_status: &str, key: &str) -> TransitionCaseRequest {
    TransitionCaseRequest {
        case_id: case_id.to_owned(),
        to_status: to_status.to_owned(),
        idempotency_key: key.to_owned(),
        ..TransitionCaseRequest::default()
    }
}
