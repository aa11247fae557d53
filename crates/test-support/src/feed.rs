//! The event feed, as any consumer follows it.

use std::net::SocketAddr;

use case_api::event_pb::RecordedEvent;
use case_api::feed_pb::follow_request::Message as Saying;
use case_api::feed_pb::follow_response::Message as Heard;
use case_api::feed_pb::{FollowRequest, FollowResponse, FollowStart};
use tokio_stream::{Stream, StreamExt};
use tonic::{Status, Streaming};

use crate::{Caller, PATIENCE};

/// The longest message of a feed, far beyond what a server sends.
const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Every event that a service has, in order. `DATA_LOSS` if the feed ends or is silent before its head.
pub async fn history(address: SocketAddr) -> Result<Vec<RecordedEvent>, Status> {
    let (mut feed, head) = follow(address, "judge", 0, tokio_stream::pending()).await?;
    let mut events = Vec::new();
    while u64::try_from(events.len()).unwrap_or(u64::MAX) < head {
        if let Heard::Batch(batch) = next(&mut feed).await? {
            events.extend(batch.events);
        }
    }
    Ok(events)
}

/// Follows the feed: the open stream, and the head that it announced.
pub async fn follow(
    address: SocketAddr,
    consumer: &str,
    after_position: u64,
    more: impl Stream<Item = FollowRequest> + Send + 'static,
) -> Result<(Streaming<FollowResponse>, u64), Status> {
    let start = FollowStart { consumer: consumer.to_owned(), after_position };
    let start = FollowRequest { message: Some(Saying::Start(start)) };
    let mut client = Caller::actor("judge").feed(address).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let mut feed = client.follow(tokio_stream::once(start).chain(more)).await?.into_inner();
    let Heard::Opened(opened) = next(&mut feed).await? else {
        return Err(Status::data_loss("the feed does not begin with its head"));
    };
    Ok((feed, opened.head_position))
}

async fn next(feed: &mut Streaming<FollowResponse>) -> Result<Heard, Status> {
    let silent = |_| Status::data_loss("the feed is silent");
    let message = tokio::time::timeout(PATIENCE, feed.message()).await.map_err(silent)??;
    message.and_then(|message| message.message).ok_or_else(|| Status::data_loss("the feed has ended"))
}
