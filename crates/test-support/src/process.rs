//! Servers as processes of their own: started, killed and started again, as in production.

use std::collections::HashMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::{Caller, eventually};

/// What to start.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The program.
    pub program: PathBuf,
    /// Its working directory; the stores lie in `data` below it.
    pub folder: PathBuf,
    /// Configuration by environment, such as `CASE_TRACKER__COMMAND__LISTEN`. Nothing else of the test's environment
    /// reaches the process.
    pub environment: Vec<(String, String)>,
    /// The command line.
    pub arguments: Vec<OsString>,
    /// Which services say where they listen before the process counts as started, such as `case-command`.
    pub services: Vec<String>,
}

/// A running server. Killed when it is dropped.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    addresses: HashMap<String, SocketAddr>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Spec {
    /// A sibling of the test's own binary: `cargo test --workspace` builds them all into one folder.
    pub fn sibling(own: &str, name: &str) -> PathBuf {
        let program = Path::new(own).with_file_name(name);
        assert!(program.is_file(), "{} is not built: run the tests with `cargo test --workspace`", program.display());
        program
    }

    /// A program that lies where this one does; of a test: where all programs of the build do.
    pub fn beside_us(name: &str) -> PathBuf {
        let own = std::env::current_exe().expect("a program knows where it lies");
        let folder = own.parent().expect("a program lies in a folder");
        // The tests themselves lie one deeper.
        let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
        let program = folder.join(name);
        assert!(program.is_file(), "{} is not built: run the tests with `cargo test --workspace`", program.display());
        program
    }

    /// Starts the process and waits until each service is ready.
    pub async fn start(&self) -> ServerProcess {
        let server = self.spawn().await;
        for service in &self.services {
            server.ready(service).await;
        }
        server
    }

    /// Starts the process and waits until each service has said where it listens.
    pub async fn spawn(&self) -> ServerProcess {
        let mut child = self.command().spawn().expect("the program can be started");
        let stdout = child.stdout.take().expect("stdout is piped");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (listening, mut listened) = watch::channel(HashMap::new());
        let kept = Arc::clone(&lines);
        tokio::spawn(async move {
            let mut stdout = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = stdout.next_line().await {
                if let Some((service, address)) = listening_line(&line) {
                    listening.send_modify(|addresses| {
                        addresses.insert(service, address);
                    });
                }
                kept.lock().expect("no reader panics").push(line);
            }
        });
        let all = |addresses: &HashMap<_, _>| self.services.iter().all(|service| addresses.contains_key(service));
        let listened = eventually("the services to listen", listened.wait_for(all)).await.map(|seen| seen.clone());
        let Ok(addresses) = listened else { panic!("{} ended: {}", self.program.display(), rest(&mut child).await) };
        ServerProcess { child, addresses, lines }
    }

    /// Runs the process to its end: exit status, standard output and standard error.
    pub async fn run(&self) -> (ExitStatus, String, String) {
        let output =
            eventually("the program to end", self.command().output()).await.expect("the program can be started");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status, text(&output.stdout), text(&output.stderr))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

impl ServerProcess {
    /// Where a service listens.
    pub fn address(&self, service: &str) -> SocketAddr {
        *self.addresses.get(service).unwrap_or_else(|| panic!("{service} is not part of this process"))
    }

    /// Waits until a service says that it is ready.
    pub async fn ready(&self, service: &str) {
        let mut health = HealthClient::new(Caller::nobody().channel(self.address(service)));
        let watching = async {
            let request = HealthCheckRequest { service: "readiness".to_owned() };
            let mut statuses = health.watch(request).await.expect("health can be watched").into_inner();
            while let Some(answer) = statuses.message().await.expect("the watch goes on") {
                if answer.status() == ServingStatus::Serving {
                    return;
                }
            }
            panic!("{service} ended its health watch");
        };
        eventually(&format!("{service} to be ready"), watching).await;
    }

    /// Whether a service says that it is ready, now. No answer is none.
    pub async fn is_ready(&self, service: &str) -> bool {
        let mut health = HealthClient::new(Caller::nobody().channel(self.address(service)));
        let request = HealthCheckRequest { service: "readiness".to_owned() };
        let answer = eventually("a health check", health.check(request)).await;
        answer.is_ok_and(|answer| answer.into_inner().status() == ServingStatus::Serving)
    }

    /// `kill -9`.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("the process can be killed");
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn terminate(self) -> ExitStatus {
        self.signal("TERM").await;
        self.ended().await
    }

    /// Sends a signal by name, and waits for nothing.
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().expect("the process runs");
        let sent = Command::new("kill").args(["-s", name, &id.to_string()]).status().await;
        assert!(sent.expect("kill can be started").success(), "the signal was sent");
    }

    /// Waits for the end.
    pub async fn ended(mut self) -> ExitStatus {
        eventually("the process to end", self.child.wait()).await.expect("the process can be waited for")
    }

    /// How it has ended, if it has.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the process can be asked")
    }

    /// What it has logged so far.
    pub fn lines(&self) -> Vec<String> {
        self.transcript().lines()
    }

    /// What it logs, also after its end.
    pub fn transcript(&self) -> Transcript {
        Transcript(Arc::clone(&self.lines))
    }
}

/// The lines of a process.
#[derive(Debug, Clone)]
pub struct Transcript(Arc<Mutex<Vec<String>>>);

impl Transcript {
    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no writer panics").clone()
    }

    /// The lines of one event so far.
    pub fn of(&self, event: &str) -> Vec<serde_json::Value> {
        let lines = self.lines();
        let parsed = lines.iter().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        parsed.filter(|line| line["event"] == event).collect()
    }
}

async fn rest(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(stderr) = child.stderr.as_mut() {
        // What can be read is shown: the test fails anyway.
        let _ = stderr.read_to_string(&mut text).await;
    }
    text
}

/// The service and address of a `listening` line.
fn listening_line(line: &str) -> Option<(String, SocketAddr)> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    if line.get("event")? != "listening" {
        return None;
    }
    let text = |key: &str| line.get(key).and_then(serde_json::Value::as_str);
    Some((text("service")?.to_owned(), text("address")?.parse().ok()?))
}
