//! One link to the feed, from the first message to the break.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use case_api::event_pb::LifecycleDefinition;
use case_api::feed_pb::case_event_feed_service_client::CaseEventFeedServiceClient;
use case_api::feed_pb::follow_request::Message as Saying;
use case_api::feed_pb::follow_response::Message as Heard;
use case_api::feed_pb::{EventBatch, FeedOpened, FollowAcknowledgement, FollowRequest, FollowResponse, FollowStart};
use service_kit::client::CallError;
use service_kit::exit::Exit;
use service_kit::telemetry::scoped;
use store_failure::chain;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Status, Streaming};
use tracing::{info, warn};

use crate::batch::{Batch, TRACE_AGE_MAX, Tracing};
use crate::follow::{Follower, millis};
use crate::{ConsumeError, Consumer, Halt, Opened, names};

/// The largest batch that is read, in bytes. The server decides how much it sends: this only bounds memory.
const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Messages that are decoded while one is being applied: one waits, and one is held until there is room for it.
const MESSAGES_AHEAD: usize = 1;

/// Why a session is over.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The process ends.
    Shutdown,
    /// The link broke, for this reason.
    Broken(String),
    /// The consumer goes on at another position than the one that the session began with.
    Moved,
    /// Nothing more may be applied.
    Halt(Halt),
    /// The process has to end.
    End(Exit),
}

impl From<ConsumeError> for Stop {
    fn from(error: ConsumeError) -> Self {
        match error {
            ConsumeError::Retry(cause) => Self::Broken(format!("the consumer is not ready: {}", chain(&*cause))),
            ConsumeError::Halt(halt) => Self::Halt(halt),
            ConsumeError::End(exit) => Self::End(exit),
        }
    }
}

impl From<Halt> for Stop {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

/// The open stream.
struct Link {
    /// What the feed says, read and decoded while the batch before is being applied.
    heard: mpsc::Receiver<Result<FollowResponse, Status>>,
    /// Ends with the link.
    _reading_ahead: JoinSet<()>,
    /// The last durable position. Only the latest counts, so a slow reader at the other end costs nothing.
    durable: watch::Sender<u64>,
}

impl Follower {
    /// Opens the feed and follows it until something ends that.
    pub(crate) async fn session(&mut self) -> Stop {
        match self.follow_once().await {
            Ok(never) => match never {},
            Err(stop) => stop,
        }
    }

    async fn follow_once(&mut self) -> Result<Infallible, Stop> {
        let after = self.consumer.position();
        let mut link = self.open(after).await?;
        match self.hear(&mut link).await? {
            Heard::Opened(opened) => self.take_opened(&opened, after).await?,
            Heard::Lifecycle(_) | Heard::Batch(_) | Heard::Heartbeat(_) => return Err(out_of_turn("`opened`")),
        }
        match self.hear(&mut link).await? {
            Heard::Lifecycle(definition) => self.take_lifecycle(definition).await?,
            Heard::Opened(_) | Heard::Batch(_) | Heard::Heartbeat(_) => return Err(out_of_turn("the lifecycle")),
        }
        self.connected();
        // Again, because the last acknowledgement may have been lost with the link before. Not earlier: until the epoch is
        // known it could be one of another store.
        link.durable.send_replace(after);
        let consumer = self.consumer.identity().name;
        info!(name: names::FEED_CONNECTED, consumer, position = after, "{consumer} follows the feed after position {after}");
        loop {
            match self.hear(&mut link).await? {
                Heard::Batch(batch) => self.take_batch(batch, &link).await?,
                Heard::Lifecycle(definition) => self.take_lifecycle(definition).await?,
                Heard::Heartbeat(beat) => self.heard(beat.head_position),
                Heard::Opened(_) => return Err(out_of_turn("anything else")),
            }
        }
    }

    async fn open(&self, after: u64) -> Result<Link, Stop> {
        let (durable, acknowledged) = watch::channel(after);
        let requests = requests(self.consumer.identity().name, after, acknowledged);
        let channel = self.feed.channel.clone();
        let mut client = CaseEventFeedServiceClient::new(channel).max_decoding_message_size(BATCH_BYTES_MAX);
        let response = self.in_time(client.follow(requests)).await?.map_err(|status| broken(&status))?;
        let (ahead, heard) = mpsc::channel(MESSAGES_AHEAD);
        let mut reading_ahead = JoinSet::new();
        reading_ahead.spawn(scoped(self.consumer.identity(), read_ahead(response.into_inner(), ahead)));
        Ok(Link { heard, _reading_ahead: reading_ahead, durable })
    }

    async fn hear(&self, link: &mut Link) -> Result<Heard, Stop> {
        let response = self.in_time(link.heard.recv()).await?;
        let response = response.ok_or_else(|| Stop::Broken("the feed ended the stream".to_owned()))?;
        let response = response.map_err(|status| broken(&status))?;
        response.message.ok_or_else(|| Stop::Broken("the feed sent a message that is not known here".to_owned()))
    }

    /// What the other end does within the bounded silence.
    async fn in_time<T>(&self, doing: impl Future<Output = T>) -> Result<T, Stop> {
        let silence_max = self.feed.timing.silence_max;
        tokio::select! {
            biased;
            () = self.feed.shutdown.cancelled() => Err(Stop::Shutdown),
            done = tokio::time::timeout(silence_max, doing) => done.map_err(|_| {
                Stop::Broken(format!("the feed has said nothing for {} ms", millis(silence_max)))
            }),
        }
    }

    async fn take_opened(&mut self, opened: &FeedOpened, after: u64) -> Result<(), Stop> {
        let head = opened.head_position;
        let Ok(epoch) = <[u8; 16]>::try_from(opened.epoch.as_slice()) else {
            return Err(Stop::Broken(format!("the feed's epoch has {} bytes, not 16", opened.epoch.len())));
        };
        let told = Opened { epoch, head, after_event_id: opened.after_event_id.clone() };
        let go_on = self.blocking(move |consumer| consumer.opened(&told)).await?;
        self.progress.at(go_on);
        self.standing.opened();
        self.heard(head);
        if go_on == 0 {
            self.rebuild_head = head;
        }
        if go_on == after { Ok(()) } else { Err(Stop::Moved) }
    }

    async fn take_lifecycle(&self, definition: LifecycleDefinition) -> Result<(), Stop> {
        Ok(self.blocking(move |consumer| consumer.lifecycle(&definition)).await?)
    }

    async fn take_batch(&self, batch: EventBatch, link: &Link) -> Result<(), Stop> {
        self.heard(batch.head_position);
        let batch = Arc::new(Batch::new(batch.events, self.consumer.position())?.traced(self.tracing()));
        self.apply(&batch).await?;
        let position = batch.last_position();
        if self.consumer.position() != position {
            let kept = self.consumer.position();
            let reason = format!("the consumer is at {kept} after a batch that ends at {position}, which is a bug");
            return Err(Halt::new(reason).into());
        }
        self.progress.applied(batch.len(), position, batch.last_unix_us());
        link.durable.send_replace(position);
        Ok(())
    }

    /// Applies a batch, again and again while the consumer says that it may work later.
    async fn apply(&self, batch: &Arc<Batch>) -> Result<(), Stop> {
        let mut backoff = self.new_backoff();
        loop {
            let shared = Arc::clone(batch);
            match self.blocking(move |consumer| shared.in_span(|| consumer.apply(&shared))).await {
                Ok(()) => break,
                Err(ConsumeError::Retry(cause)) => {
                    let wait = backoff.next_wait();
                    self.report_postponed(&chain(&*cause), backoff.attempts(), wait);
                    self.wait(wait).await?;
                }
                Err(error @ (ConsumeError::Halt(_) | ConsumeError::End(_))) => return Err(error.into()),
            }
        }
        if backoff.attempts() > 0 {
            self.feed.condition.pass();
        }
        Ok(())
    }

    /// Runs a method of the consumer where it may block, in its name.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Consumer) -> Result<T, ConsumeError> + Send + 'static,
    ) -> Result<T, ConsumeError> {
        let consumer = Arc::clone(&self.consumer);
        let context = opentelemetry::Context::current();
        let task = tokio::task::spawn_blocking(move || {
            let _in_the_consumers_name = context.attach();
            work(&*consumer)
        });
        task.await.unwrap_or_else(|error| {
            Err(Halt::caused_by("the consumer panicked, which is a bug; the log says where", error).into())
        })
    }

    fn tracing(&self) -> Tracing {
        let age_max_us = i64::try_from(TRACE_AGE_MAX.as_micros()).unwrap_or(i64::MAX);
        Tracing {
            identity: self.consumer.identity(),
            names: self.consumer.span_names(),
            above_position: self.rebuild_head,
            since_unix_us: self.feed.clock.unix_us().saturating_sub(age_max_us),
        }
    }

    fn report_postponed(&self, reason: &str, attempt: u32, wait: Duration) {
        let consumer = self.consumer.identity().name;
        self.feed.condition.fail(format!("events cannot be applied now: {reason}"));
        warn!(
            name: names::FEED_APPLY_POSTPONED,
            dependency = "store",
            operation = "apply",
            consumer,
            position = self.consumer.position(),
            reason,
            attempt,
            retry_in_ms = millis(wait),
            "{consumer} cannot apply events now (attempt {attempt} failed): {reason}"
        );
    }
}

/// Hands on what comes until the stream ends or nobody listens. Beyond what is read ahead, HTTP/2 holds the feed back.
async fn read_ahead(mut stream: Streaming<FollowResponse>, ahead: mpsc::Sender<Result<FollowResponse, Status>>) {
    while let Some(message) = stream.message().await.transpose() {
        let is_broken = message.is_err();
        if ahead.send(message).await.is_err() || is_broken {
            return;
        }
    }
}

/// First the start, then each durable position.
fn requests(
    consumer: &str,
    after_position: u64,
    durable: watch::Receiver<u64>,
) -> impl Stream<Item = FollowRequest> + use<> {
    let start = Saying::Start(FollowStart { consumer: consumer.to_owned(), after_position });
    let acknowledgements =
        WatchStream::from_changes(durable).map(|position| Saying::Acknowledgement(FollowAcknowledgement { position }));
    tokio_stream::once(start).chain(acknowledgements).map(|message| FollowRequest { message: Some(message) })
}

fn out_of_turn(expected: &str) -> Stop {
    Stop::Broken(format!("the feed spoke out of turn: {expected} was expected"))
}

/// The failed call tells more than the status that callers are given of it; without the innermost cause, "connection
/// refused" would read "transport error".
fn broken(status: &Status) -> Stop {
    if let Some(error) = CallError::of(status) {
        return Stop::Broken(if error.reason.is_empty() {
            error.to_string()
        } else {
            format!("{error}: {}", error.reason)
        });
    }
    let causes = std::iter::successors(std::error::Error::source(status), |cause| cause.source());
    let detail = causes.last().map_or_else(|| status.message().to_owned(), ToString::to_string);
    Stop::Broken(format!("{:?}: {detail}", status.code()))
}
