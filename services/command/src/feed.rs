//! The event feed: every event in the order of commitment, to any number of named consumers.

mod pace;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use case_api::Epoch;
use case_api::feed_pb::case_event_feed_service_server::CaseEventFeedService;
use case_api::feed_pb::{
    EventBatch, FeedHeartbeat, FeedOpened, FollowRequest, FollowResponse, FollowStart, follow_request::Message as Said,
    follow_response::Message as Say,
};
use rpc_error::{Failure, Reason};
use service_kit::health::Condition;
use service_kit::request::RequestMeta;
use service_kit::telemetry::in_call_context;
use storage::Readers;
use tokio::sync::{mpsc, watch};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};
use tracing::{error, info, warn};

use self::pace::Pace;
use crate::consumers::{Connected, Consumers};
use crate::lifecycle::LifecycleInForce;
use crate::{names, schema};

/// Events in one message.
const BATCH_EVENTS_MAX: usize = 4_096;
/// Encoded size of one message's events after which no further one is added: far below the message limit of 4 MiB.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// How long a consumer hears nothing when nothing happens.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);
/// Messages that are read ahead of a slow consumer. Beyond that, HTTP/2 holds the feed back.
const MESSAGES_AHEAD: usize = 2;
/// The longest name of a consumer, in characters.
const CONSUMER_CHARS_MAX: usize = 64;
/// How long a consumer may take to say who it is.
const INTRODUCTION_TIMEOUT: Duration = Duration::from_secs(5);
/// When a consumer should come back after a shutdown.
const RETRY_DRAINING: Duration = Duration::from_secs(1);

/// Serves `casetracker.feed.v1.CaseEventFeedService`.
#[derive(Clone)]
pub(crate) struct FeedHandler {
    pub(crate) readers: Readers,
    pub(crate) epoch: Epoch,
    pub(crate) head: watch::Receiver<u64>,
    pub(crate) lifecycle: Arc<LifecycleInForce>,
    pub(crate) consumers: Arc<Consumers>,
    pub(crate) store: Condition,
    pub(crate) shutdown: CancellationToken,
}

type Outbox = mpsc::Sender<Result<FollowResponse, Status>>;

/// Why a stream of the feed ends.
enum End {
    /// The consumer went away.
    Gone,
    /// The server must end it.
    Failed(Failure),
}

#[tonic::async_trait]
impl CaseEventFeedService for FeedHandler {
    type FollowStream = Pin<Box<dyn Stream<Item = Result<FollowResponse, Status>> + Send>>;

    async fn follow(&self, request: Request<Streaming<FollowRequest>>) -> Result<Response<Self::FollowStream>, Status> {
        let meta = RequestMeta::of(&request);
        let mut inbound = request.into_inner();
        let first = self.first(&mut inbound).await.map_err(|failure| meta.status(failure))?;
        let start = started(first).map_err(|failure| meta.status(failure))?;
        let (outbox, outgoing) = mpsc::channel(MESSAGES_AHEAD);
        let ended = CancellationToken::new();
        // Nobody is behind by less than nothing.
        let after_position = start.after_position.min(*self.head.borrow());
        // Both halves hold it: whichever ends last, no acknowledgement comes after the consumer is forgotten.
        let connected = Arc::new(self.consumers.connect(&start.consumer, after_position));
        let hear = self.clone().hear(inbound, (start.consumer.clone(), Arc::clone(&connected)), ended.clone());
        let speak = self.clone().speak(outbox, (start, connected), meta, ended);
        // Their log lines carry the ids of the call.
        tokio::spawn(in_call_context(hear));
        tokio::spawn(in_call_context(speak));
        Ok(Response::new(Box::pin(ReceiverStream::new(outgoing))))
    }
}

impl FeedHandler {
    /// What the consumer says first. It has a bounded time: a stream that says nothing would keep its place for ever.
    async fn first(&self, inbound: &mut Streaming<FollowRequest>) -> Result<Option<Said>, Failure> {
        tokio::select! {
            first = inbound.message() => match first {
                Ok(first) => Ok(first.and_then(|request| request.message)),
                Err(_) => Err(Failure::new(Reason::Cancelled, "the consumer went away before it said who it is")),
            },
            () = tokio::time::sleep(INTRODUCTION_TIMEOUT) => Ok(None),
            () = self.shutdown.cancelled() => Err(draining()),
        }
    }

    /// Notes acknowledgements until the stream ends. An unread half would keep the connection open, and the drain waiting.
    async fn hear(
        self,
        mut inbound: Streaming<FollowRequest>,
        (consumer, connected): (String, Arc<Connected>),
        ended: CancellationToken,
    ) {
        let mut next = async || ended.run_until_cancelled(inbound.message()).await;
        while let Some(Ok(Some(request))) = next().await {
            let Some(Said::Acknowledgement(acknowledgement)) = request.message else {
                continue;
            };
            // Nobody can have made durable what does not exist.
            let position = acknowledgement.position.min(*self.head.borrow());
            if !connected.acknowledge(position) {
                warn!(name: names::FEED_CONSUMER_IGNORED, consumer, "the acknowledgements of {consumer} are not kept: there are too many consumers");
                return;
            }
        }
    }

    /// Sends everything after the start, and then what comes.
    async fn speak(
        mut self,
        outbox: Outbox,
        (start, _connected): (FollowStart, Arc<Connected>),
        meta: RequestMeta,
        ended: CancellationToken,
    ) {
        let _ended = ended.drop_guard();
        let FollowStart { consumer, after_position } = start;
        self.notice_lost_history(&consumer, after_position);
        info!(name: names::FEED_CONSUMER_CONNECTED, consumer, after_position, "{consumer} follows the feed after position {after_position}");
        let reason = match self.run(&outbox, after_position).await {
            End::Gone => "the consumer went away".to_owned(),
            End::Failed(failure) => {
                let reason = failure.message().to_owned();
                // The consumer may be gone by now: then nobody needs the status.
                let _ = outbox.send(Err(meta.status(failure))).await;
                reason
            }
        };
        info!(name: names::FEED_CONSUMER_DISCONNECTED, consumer, reason, "{consumer} no longer follows the feed: {reason}");
    }

    /// A required consumer acknowledges what it has made durable: if it is ahead of this store, this store has lost commits.
    /// Going on would give their positions and numbers to other events.
    fn notice_lost_history(&self, consumer: &str, after_position: u64) {
        let head = *self.head.borrow();
        if after_position <= head || !self.consumers.is_required(consumer) {
            return;
        }
        let reason = format!("{consumer} has events up to position {after_position}, this store only up to {head}");
        self.store.fail(reason.clone());
        error!(
            name: names::FEED_HISTORY_LOST,
            dependency = "store", operation = "follow", reason,
            consumer, position = after_position, head,
            "the store has lost events: {consumer} has them up to position {after_position}, this store only up to {head}. \
             Commands are refused. Stop case-command and restore its store from a back-up"
        );
    }

    async fn run(&mut self, outbox: &Outbox, after_position: u64) -> End {
        let opened = match self.opened(after_position).await {
            Ok(opened) => opened,
            Err(failure) => return End::Failed(failure),
        };
        let lifecycle = self.lifecycle.definition.clone();
        for message in [Say::Opened(opened), Say::Lifecycle(lifecycle)] {
            if send(outbox, message).await.is_err() {
                return End::Gone;
            }
        }
        let (mut sent, mut pace) = (after_position, Pace::default());
        loop {
            let next = match self.next(sent, &mut pace).await {
                Ok(next) => next,
                Err(end) => return end,
            };
            if let Say::Batch(batch) = &next {
                let last = batch.events.last().and_then(|event| event.evidence.as_ref());
                sent = last.map_or(sent, |evidence| evidence.position);
                pace.read(batch.events.len(), sent < batch.head_position);
            }
            tokio::select! {
                gone = send(outbox, next) => if gone.is_err() { return End::Gone },
                () = self.shutdown.cancelled() => return End::Failed(draining()),
            }
        }
    }

    /// What the feed says of itself to a consumer at this position.
    async fn opened(&self, after_position: u64) -> Result<FeedOpened, Failure> {
        let head_position = *self.head.borrow();
        let read = self.readers.read_blocking(move |connection| schema::event_id_at(connection, after_position)).await;
        let failed = |error| store_failure::failure(&error, "read of the feed", &self.store);
        Ok(FeedOpened { epoch: self.epoch.0.to_vec(), head_position, after_event_id: read.map_err(failed)? })
    }

    /// Waits for events after a position, or for the time of a sign of life.
    async fn next(&mut self, sent: u64, pace: &mut Pace) -> Result<Say, End> {
        let shutdown = self.shutdown.clone();
        let ahead = async {
            let ahead = self.head.wait_for(|head| *head > sent).await.is_ok();
            pace.wait().await;
            ahead
        };
        let waited = tokio::select! {
            ahead = ahead => Some(ahead),
            () = tokio::time::sleep(HEARTBEAT_INTERVAL) => None,
            () = shutdown.cancelled() => Some(false),
        };
        let head_position = *self.head.borrow();
        match waited {
            Some(true) => {}
            // The server is told to end, or the writer has ended.
            Some(false) => return Err(End::Failed(draining())),
            None => return Ok(Say::Heartbeat(FeedHeartbeat { head_position })),
        }
        let read = move |connection: &_| {
            schema::read_events(connection, (sent, head_position), BATCH_EVENTS_MAX, BATCH_BYTES_MAX)
        };
        let events = self.readers.read_blocking(read).await;
        let events =
            events.map_err(|error| End::Failed(store_failure::failure(&error, "read of the feed", &self.store)))?;
        Ok(Say::Batch(EventBatch { events, head_position }))
    }
}

async fn send(outbox: &Outbox, message: Say) -> Result<(), mpsc::error::SendError<Result<FollowResponse, Status>>> {
    outbox.send(Ok(FollowResponse { message: Some(message) })).await
}

fn draining() -> Failure {
    let failure = Failure::new(Reason::Draining, "the feed is shutting down; follow it again from the last position");
    failure.with_retry_after(RETRY_DRAINING)
}

fn started(first: Option<Said>) -> Result<FollowStart, Failure> {
    let invalid = |field: &str, description: &str| {
        Failure::new(Reason::ValidationFailed, format!("1 field is invalid: {field}: {description}"))
            .with_metadata("fields", field)
            .with_violation(field, description, "INVALID")
    };
    let Some(Said::Start(start)) = first else {
        return Err(invalid("start", "must be the first message"));
    };
    let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if start.consumer.is_empty() || start.consumer.len() > CONSUMER_CHARS_MAX || !start.consumer.chars().all(named) {
        return Err(invalid("start.consumer", "must be 1 to 64 of a-z, 0-9 and -"));
    }
    Ok(start)
}
