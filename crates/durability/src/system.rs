//! case-command in this process, on a port of its own.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, anyhow};
use case_api::event_pb::RecordedEvent;
use case_api::feed_pb::follow_request::Message as Saying;
use case_api::feed_pb::follow_response::Message as Heard;
use case_api::feed_pb::{FollowRequest, FollowResponse, FollowStart};
use case_command::CaseCommand;
use service_kit::exit::Exit;
use service_kit::program::Process;
use service_kit::settings::{Settings, StoreAddress};
use test_support::{Caller, PATIENCE};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

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
        events(self.address).await
    }
}

/// Every event that a service has, in order.
pub(crate) async fn events(address: SocketAddr) -> anyhow::Result<Vec<RecordedEvent>> {
    let (mut feed, head) = follow(address, "judge", 0, tokio_stream::pending()).await?;
    let mut events = Vec::new();
    while events.len() < usize::try_from(head)? {
        if let Heard::Batch(batch) = next(&mut feed).await? {
            events.extend(batch.events);
        }
    }
    Ok(events)
}

/// Follows the feed: the open stream, and the head that it announced.
pub(crate) async fn follow(
    address: SocketAddr,
    consumer: &str,
    after_position: u64,
    more: impl Stream<Item = FollowRequest> + Send + 'static,
) -> anyhow::Result<(Streaming<FollowResponse>, u64)> {
    let start = FollowStart { consumer: consumer.to_owned(), after_position };
    let start = FollowRequest { message: Some(Saying::Start(start)) };
    let mut client = Caller::actor("judge").feed(address).max_decoding_message_size(64 * 1024 * 1024);
    let mut feed =
        client.follow(tokio_stream::once(start).chain(more)).await.context("following the feed")?.into_inner();
    let Heard::Opened(opened) = next(&mut feed).await? else {
        return Err(anyhow!("the feed does not begin with its head"));
    };
    Ok((feed, opened.head_position))
}

async fn next(feed: &mut Streaming<FollowResponse>) -> anyhow::Result<Heard> {
    let message = tokio::time::timeout(PATIENCE, feed.message()).await.context("the feed is silent")??;
    message.and_then(|message| message.message).ok_or_else(|| anyhow!("the feed has ended"))
}
