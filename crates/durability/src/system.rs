//! case-command in this process, on a port of its own.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, anyhow};
use case_api::event_pb::RecordedEvent;
use case_command::CaseCommand;
use service_kit::exit::Exit;
use service_kit::program::Process;
use service_kit::settings::{Settings, StoreAddress};
use test_support::PATIENCE;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The consumer whose position holds back commands.
pub(crate) const CONSUMER: &str = "case-audit";

/// A running service.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), Exit>>,
}

/// The settings of a service whose store lies in a folder.
pub(crate) fn settings(folder: &Path) -> anyhow::Result<Settings> {
    let mut settings = Settings::defaults().map_err(|problems| anyhow!("{problems:?}"))?;
    settings.command.store = StoreAddress(format!("sqlite:{}", folder.join("command.db").display()));
    settings.command.required_consumers = vec![CONSUMER.to_owned()];
    Ok(settings)
}

impl Running {
    /// Opens the store and serves; the error is why it cannot be opened.
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Result<Self, Exit>> {
        let (settings, shutdown) = (settings(folder)?, CancellationToken::new());
        let service = match Box::pin(CaseCommand::open(Process::new(settings, shutdown.clone()))).await {
            Ok(service) => service,
            Err(exit) => return Ok(Err(exit)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a free port")?;
        let address = listener.local_addr().context("the port")?;
        let task = tokio::spawn(service.serve(listener));
        Ok(Ok(Self { address, shutdown, task }))
    }

    /// Ends it in good order.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.task).await.context("the service does not end")?;
        ended.context("the service panicked")?.map_err(|exit| anyhow!("the service failed: {exit}"))
    }

    /// Every event, in order.
    pub(crate) async fn events(&self) -> anyhow::Result<Vec<RecordedEvent>> {
        test_support::history(self.address).await.context("reading the history")
    }
}
