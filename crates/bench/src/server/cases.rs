//! The services under test, as an operator would start them.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::health::is_ready;
use super::process::{Server, Start, free_address};
use crate::error::Error;
use crate::machine::Cores;

/// The programs.
const COMMAND: &str = "case-command";
const QUERY: &str = "case-query";
const AUDIT: &str = "case-audit";

/// Nobody follows the feed in most runs; commands go on for as long as a run may last.
const AUDIT_MAX_BACKLOG: &str = "1000000000";

/// What the services tell about themselves while they are measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Telemetry {
    /// Neither logs nor metrics nor traces.
    Off,
    /// Logs at the default level into a file; metrics, and a share of the traces, to a collector.
    On {
        /// The collector.
        collector: SocketAddr,
        /// The share of traces that is kept, 0 to 1, as it stands in the configuration.
        sample_ratio: &'static str,
    },
}

/// How the services of one data folder are started.
#[derive(Debug, Clone)]
pub(crate) struct System {
    folder: PathBuf,
    programs: PathBuf,
    cores: Option<Cores>,
    telemetry: Telemetry,
    command: SocketAddr,
}

impl System {
    /// Services on a new, empty folder.
    pub(crate) fn new(
        folder: PathBuf,
        programs: &Path,
        cores: Option<Cores>,
        telemetry: Telemetry,
    ) -> Result<Self, Error> {
        fs::create_dir_all(&folder).map_err(Error::path("create", &folder))?;
        Ok(Self { folder, programs: programs.to_owned(), cores, telemetry, command: free_address()? })
    }

    /// An error if a program of the services is missing, before anything is measured.
    pub(crate) fn must_be_built(programs: &Path) -> Result<(), Error> {
        for name in [COMMAND, QUERY, AUDIT] {
            let program = programs.join(name);
            if !program.is_file() {
                let missing = format!("{} is not built: run `cargo build --release --workspace`", program.display());
                return Err(Error::Unmeasurable(missing));
            }
        }
        Ok(())
    }

    /// The same data, with other telemetry from the next start on.
    pub(crate) fn with(&self, telemetry: Telemetry) -> Self {
        Self { telemetry, ..self.clone() }
    }

    /// Starts case-command, and waits until it is ready.
    pub(crate) fn start_command(&self) -> Result<Server, Error> {
        self.start(COMMAND, "COMMAND", self.command)
    }

    /// Starts case-query, and waits until it is ready.
    pub(crate) fn start_query(&self) -> Result<Server, Error> {
        self.start(QUERY, "QUERY", free_address()?)
    }

    /// Starts case-audit, and waits until it is ready.
    pub(crate) fn start_audit(&self) -> Result<Server, Error> {
        self.start(AUDIT, "AUDIT", free_address()?)
    }

    /// Removes the read model of a case-query that has been stopped.
    pub(crate) fn forget_read_model(&self) -> Result<(), Error> {
        for name in ["query.db", "query.db-wal", "query.db-shm"] {
            let path = self.folder.join("data").join(name);
            if path.exists() {
                fs::remove_file(&path).map_err(Error::path("remove", &path))?;
            }
        }
        Ok(())
    }

    fn start(&self, name: &str, section: &str, address: SocketAddr) -> Result<Server, Error> {
        let mut environment = vec![
            (format!("CASE_TRACKER__{section}__LISTEN"), address.to_string()),
            ("CASE_TRACKER__COMMAND__AUDIT_MAX_BACKLOG".to_owned(), AUDIT_MAX_BACKLOG.to_owned()),
            ("CASE_TRACKER__LOG__FORMAT".to_owned(), "json".to_owned()),
        ];
        if section != "COMMAND" {
            environment.push((format!("CASE_TRACKER__{section}__FEED_URL"), format!("http://{}", self.command)));
        }
        match &self.telemetry {
            Telemetry::Off => environment.push(("CASE_TRACKER__LOG__LEVEL".to_owned(), "off".to_owned())),
            Telemetry::On { collector, sample_ratio } => environment.extend([
                ("CASE_TRACKER__TELEMETRY__OTLP_ENDPOINT".to_owned(), format!("http://{collector}")),
                ("CASE_TRACKER__TELEMETRY__SAMPLE_RATIO".to_owned(), (*sample_ratio).to_owned()),
            ]),
        }
        let start = Start {
            name: name.to_owned(),
            program: self.programs.join(name),
            arguments: Vec::new(),
            environment,
            folder: self.folder.clone(),
            address,
            cores: self.cores.clone(),
        };
        start.until(is_ready)
    }
}
