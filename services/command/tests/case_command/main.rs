//! What case-command promises, over a real port.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod binary;
mod changes;
mod commands;
mod feed;
mod guards;
mod idempotency;
mod overload;
mod probing;
mod refusals;
mod restart;
mod start;
mod upgrade;
mod validate_only;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use case_api::pb::case_command_service_client::CaseCommandServiceClient;
use case_api::pb::{Case, CreateCaseRequest, TransitionCaseRequest};
use case_command::CaseCommand;
use service_kit::exit::Exit;
use service_kit::program::Process;
use service_kit::settings::{Settings, StoreAddress};
use tempfile::TempDir;
use test_support::{Caller, CallerChannel, FixedClock, Refusal, SeededEntropy, eventually};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// A case-command in this process, on a port of its own.
struct Running {
    address: SocketAddr,
    clock: Arc<FixedClock>,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), Exit>>,
}

/// A store on disk that servers come and go on.
struct Bench {
    folder: TempDir,
    clock: Arc<FixedClock>,
    entropy: Arc<SeededEntropy>,
    settings: Settings,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::defaults().unwrap();
        settings.command.store = store_in(folder.path());
        Self { folder, clock: Arc::default(), entropy: Arc::new(SeededEntropy::new(7)), settings }
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    async fn start(&self) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let process = Process {
            clock: Arc::clone(&self.clock) as _,
            entropy: Arc::clone(&self.entropy) as _,
            ..Process::new(self.settings.clone(), shutdown.clone())
        };
        let task = tokio::spawn(async move { CaseCommand::open(process).await?.serve(listener).await });
        Running { address, clock: Arc::clone(&self.clock), shutdown, task }
    }
}

impl Running {
    /// Somebody at the counter.
    fn client(&self, actor: &str) -> CaseCommandServiceClient<CallerChannel> {
        Caller::actor(actor).commands(self.address)
    }

    async fn stop(self) {
        self.shutdown.cancel();
        eventually("the server to end", self.task).await.unwrap().unwrap();
    }
}

fn store_in(folder: &Path) -> StoreAddress {
    StoreAddress(format!("sqlite:{}", folder.join("command.db").display()))
}

fn creation(title: &str, key: &str) -> CreateCaseRequest {
    let case = Case { title: title.to_owned(), ..Case::default() };
    CreateCaseRequest { case: Some(case), idempotency_key: key.to_owned(), ..CreateCaseRequest::default() }
}

fn transition(case_id: &str, to_status: &str) -> TransitionCaseRequest {
    TransitionCaseRequest {
        case_id: case_id.to_owned(),
        to_status: to_status.to_owned(),
        ..TransitionCaseRequest::default()
    }
}

/// Reads what a call was refused with.
fn refused<T: std::fmt::Debug>(answer: Result<T, Status>) -> Refusal {
    Refusal::of(&answer.unwrap_err())
}
