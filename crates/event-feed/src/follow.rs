//! Following: one session after the other, until the shutdown.

use std::sync::Arc;
use std::time::Duration;

use service_kit::client::dependencies::EVENT_FEED;
use service_kit::client::{Backoff, Outgoing};
use service_kit::clock::{Clock, Entropy};
use service_kit::diagnostics::{Diagnostics, Report};
use service_kit::exit::Exit;
use service_kit::health::Condition;
use service_kit::telemetry::scoped;
use store_failure::chain;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::progress::Progress;
use crate::session::Stop;
use crate::standing::Standing;
use crate::{Consumer, Halt, names};

/// What a consumer follows, and what following needs.
pub struct Feed {
    /// The channel to the feed; connected when it is first used.
    pub channel: Outgoing,
    /// Passes while the feed is connected.
    pub condition: Condition,
    /// Tells how old events are.
    pub clock: Arc<dyn Clock>,
    /// Spreads the attempts to connect.
    pub entropy: Arc<dyn Entropy>,
    /// Where operators read how far the consumer is.
    pub diagnostics: Diagnostics,
    /// Ends following, after the batch that is being applied.
    pub shutdown: CancellationToken,
    /// When to give up on a link and when to try again.
    pub timing: Timing,
}

/// When to give up on a link and when to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The upper bound of the first wait between two attempts.
    pub retry_wait_first: Duration,
    /// The upper bound of every later one.
    pub retry_wait_max: Duration,
    /// A link that says nothing for so long is broken: the server sends a heartbeat every few seconds.
    pub silence_max: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            retry_wait_first: Duration::from_millis(100),
            retry_wait_max: Duration::from_secs(5),
            silence_max: Duration::from_secs(15),
        }
    }
}

/// Follows the feed until the shutdown.
///
/// A broken link is made again, and a store that cannot be written now is tried again, for ever. After a [`Halt`] nothing
/// more is applied, readiness stays off, and the function waits for the shutdown, so that the service goes on answering
/// reads. `Err` means that the process has to end.
pub async fn follow(consumer: Arc<dyn Consumer>, feed: Feed) -> Result<(), Exit> {
    let identity = consumer.identity();
    scoped(identity, Follower::new(consumer, feed).run()).await
}

pub(crate) struct Follower {
    pub(crate) consumer: Arc<dyn Consumer>,
    pub(crate) feed: Feed,
    pub(crate) progress: Progress,
    pub(crate) standing: Arc<Standing>,
    /// The head that was announced when the consumer last began from nothing.
    pub(crate) rebuild_head: u64,
    backoff: Backoff,
}

impl Follower {
    fn new(consumer: Arc<dyn Consumer>, feed: Feed) -> Self {
        let progress = Progress::new(consumer.identity(), consumer.position(), Arc::clone(&feed.clock));
        let backoff = new_backoff(&feed);
        let standing = Arc::new(Standing::default());
        let (asked, reported) = (Arc::clone(&consumer), Arc::clone(&standing));
        feed.diagnostics.add(move || Report::Feed(reported.report(asked.identity().name, asked.position())));
        let channel = feed.channel.clone();
        feed.diagnostics.add(move || Report::Dependency(channel.report()));
        Self { consumer, feed, progress, standing, rebuild_head: 0, backoff }
    }

    async fn run(mut self) -> Result<(), Exit> {
        let mut has_moved = false;
        loop {
            let stop = self.session().await;
            let moves_again = std::mem::replace(&mut has_moved, matches!(stop, Stop::Moved));
            match stop {
                Stop::Shutdown => return Ok(()),
                Stop::End(exit) => return Err(exit),
                Stop::Halt(halt) => {
                    self.report_halt(&halt);
                    self.feed.shutdown.cancelled().await;
                    return Ok(());
                }
                // A consumer that has started over is served at once, but not in a circle.
                Stop::Moved if !moves_again => {}
                Stop::Moved => self.report_break_and_wait("the consumer keeps starting over").await,
                Stop::Broken(reason) => self.report_break_and_wait(&reason).await,
            }
        }
    }

    /// The link is good: the next attempt, whenever it is needed, comes soon.
    pub(crate) fn connected(&mut self) {
        self.backoff.reset();
        self.standing.connected(true);
        self.feed.condition.pass();
    }

    /// The feed says how long it is.
    pub(crate) fn heard(&self, head: u64) {
        self.progress.head(head);
        self.standing.heard(head, self.consumer.position());
    }

    /// A schedule of waits for something else than the link.
    pub(crate) fn new_backoff(&self) -> Backoff {
        new_backoff(&self.feed)
    }

    /// Waits, unless the shutdown comes first.
    pub(crate) async fn wait(&self, wait: Duration) -> Result<(), Stop> {
        tokio::select! {
            () = self.feed.shutdown.cancelled() => Err(Stop::Shutdown),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    async fn report_break_and_wait(&mut self, reason: &str) {
        let wait = self.backoff.next_wait();
        let (consumer, attempt) = (self.consumer.identity().name, self.backoff.attempts());
        self.standing.connected(false);
        self.feed.condition.fail(format!("the feed is not connected: {reason}"));
        warn!(
            name: names::FEED_DISCONNECTED,
            timeout_ms = millis(self.feed.timing.silence_max),
            consumer,
            dependency = EVENT_FEED.name,
            operation = "follow",
            position = self.consumer.position(),
            reason,
            attempt,
            retry_in_ms = millis(wait),
            "{consumer} has no link to the feed (attempt {attempt} failed): {reason}"
        );
        // A shutdown ends the next session before it begins.
        let _ = self.wait(wait).await;
    }

    fn report_halt(&self, halt: &Halt) {
        let (consumer, position) = (self.consumer.identity().name, self.consumer.position());
        let reason = chain(halt);
        self.standing.connected(false);
        self.feed.condition.fail(format!("following has stopped for good: {reason}"));
        error!(
            name: names::FEED_HALTED,
            dependency = EVENT_FEED.name,
            operation = "follow",
            consumer,
            position,
            reason,
            "{consumer} has stopped following the feed after position {position} and answers from what it has; \
             it goes on only after a restart, once the cause is removed: {reason}"
        );
    }
}

fn new_backoff(feed: &Feed) -> Backoff {
    Backoff::new(feed.timing.retry_wait_first, feed.timing.retry_wait_max, Arc::clone(&feed.entropy))
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
