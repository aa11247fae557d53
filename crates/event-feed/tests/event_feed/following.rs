use std::sync::{Arc, mpsc};
use std::time::Duration;

use case_api::event_pb::{Evidence, LifecycleDefinition, RecordedEvent};
use event_feed::fake::{Content, FakeFeed};
use event_feed::{ConsumeError, Feed, Halt, Timing, follow};
use service_kit::client::dependencies::EVENT_FEED;
use service_kit::client::outgoing;
use service_kit::clock::{SystemClock, SystemEntropy};
use service_kit::diagnostics::Diagnostics;
use service_kit::exit::{Exit, ExitCode};
use service_kit::health::Health;
use service_kit::identity::Identity;
use service_kit::program::Process;
use service_kit::settings::Settings;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::notebook::{Notebook, Script};

/// A consumer that follows a fake feed.
pub(crate) struct Following {
    pub(crate) health: Health,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<Result<(), Exit>>,
}

/// Impatient, so that a test of a broken link takes milliseconds.
pub(crate) const TIMING: Timing = Timing {
    retry_wait_first: Duration::from_millis(1),
    retry_wait_max: Duration::from_millis(10),
    silence_max: Duration::from_secs(20),
};

pub(crate) fn event(position: u64) -> RecordedEvent {
    RecordedEvent { evidence: Some(Evidence { position, ..Evidence::default() }), content: None }
}

pub(crate) fn events(positions: impl IntoIterator<Item = u64>) -> Content {
    let events = positions.into_iter().map(event).collect();
    Content { epoch: [1; 16], lifecycle: LifecycleDefinition { version: 1, ..Default::default() }, events }
}

fn process() -> Process {
    Process::new(Settings::defaults().unwrap(), CancellationToken::new())
}

fn start(notebook: &Arc<Notebook>, url: &str, timing: Timing) -> Following {
    start_as(&process(), notebook, url, timing)
}

pub(crate) fn start_as(process: &Process, notebook: &Arc<Notebook>, url: &str, timing: Timing) -> Following {
    let (health, shutdown) = (Health::new(&[]), CancellationToken::new());
    let feed = Feed {
        channel: outgoing(process, Identity { name: "notebook" }, &EVENT_FEED, url).unwrap(),
        condition: health.condition("feed"),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        diagnostics: Diagnostics::new(),
        shutdown: shutdown.clone(),
        timing,
    };
    health.started();
    Following { health, shutdown, task: tokio::spawn(follow(notebook.clone(), feed)) }
}

pub(crate) fn begin(notebook: &Arc<Notebook>, feed: &FakeFeed) -> Following {
    start(notebook, &feed.url(), TIMING)
}

impl Following {
    pub(crate) async fn end(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// Waits until the reason for which the consumer is not ready contains `text`.
    pub(crate) async fn fails_with(&self, text: &str) {
        while !self.health.failing().iter().any(|(_, reason)| reason.contains(text)) {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn events_are_applied_in_order_and_acknowledged() {
    let feed = FakeFeed::start(events(1..=25)).await.unwrap();
    let notebook = Notebook::new([]);
    let following = begin(&notebook, &feed);
    notebook.reached(25).await;
    feed.acknowledged(25).await;
    assert_eq!(notebook.positions(), (1..=25).collect::<Vec<_>>());
    assert!(following.health.is_ready());
    feed.change(|content| content.events.push(event(26)));
    feed.acknowledged(26).await;
    following.end().await;
}

#[tokio::test]
async fn a_broken_link_is_made_again_and_nothing_is_doubled() {
    let feed = FakeFeed::start(events(1..=5)).await.unwrap();
    let notebook = Notebook::new([]);
    let following = begin(&notebook, &feed);
    feed.acknowledged(5).await;
    feed.break_links();
    feed.started(2).await;
    feed.change(|content| content.events.push(event(6)));
    feed.acknowledged(6).await;
    assert_eq!(notebook.positions(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(feed.starts()[1].after_position, 5);
    assert_eq!(feed.starts()[1].consumer, "notebook");
    following.end().await;
}

#[tokio::test]
async fn a_gap_halts_and_the_events_before_it_stay() {
    let feed = FakeFeed::start(events([1, 2])).await.unwrap();
    let notebook = Notebook::new([]);
    let following = begin(&notebook, &feed);
    feed.acknowledged(2).await;
    feed.change(|content| content.events.push(event(4)));
    following.fails_with("from position 2 to 4").await;
    assert_eq!(notebook.positions(), [1, 2]);
    assert!(!following.health.is_ready());
    // Halted, it neither ends nor tries again.
    assert_eq!(feed.starts().len(), 1);
    following.end().await;
}

#[tokio::test]
async fn a_repeat_halts() {
    let feed = FakeFeed::start(events([1, 2, 2])).await.unwrap();
    let notebook = Notebook::new([]);
    let following = begin(&notebook, &feed);
    following.fails_with("from position 2 to 2").await;
    assert_eq!(notebook.positions(), [] as [u64; 0]);
    following.end().await;
}

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_durable() {
    let feed = FakeFeed::start(events([1])).await.unwrap();
    let (go_on, wait) = mpsc::channel();
    let notebook = Notebook::new([Script::Wait(wait)]);
    let following = begin(&notebook, &feed);
    notebook.applications.subscribe().wait_for(|count| *count == 1).await.unwrap();
    assert_eq!(feed.acknowledged_now(), 0);
    go_on.send(()).unwrap();
    feed.acknowledged(1).await;
    following.end().await;
}

#[tokio::test]
async fn what_was_durable_before_is_acknowledged_again() {
    let feed = FakeFeed::start(events(1..=5)).await.unwrap();
    let notebook = Notebook::new([]);
    notebook.applied.send_replace((1..=5).collect());
    let following = begin(&notebook, &feed);
    feed.acknowledged(5).await;
    assert_eq!(*notebook.applications.borrow(), 0);
    following.end().await;
}

#[tokio::test]
async fn another_epoch_lets_the_consumer_start_over() {
    let feed = FakeFeed::start(events(1..=5)).await.unwrap();
    let notebook = Notebook::new([]);
    let following = begin(&notebook, &feed);
    feed.acknowledged(5).await;
    feed.change(|content| *content = Content { epoch: [2; 16], ..events(1..=3) });
    feed.break_links();
    notebook.reached(3).await;
    assert_eq!(notebook.positions(), [1, 2, 3]);
    let starts: Vec<u64> = feed.starts().iter().map(|start| start.after_position).collect();
    assert_eq!(starts, [0, 5, 0]);
    assert_eq!(*notebook.epochs.lock().unwrap(), [[1; 16], [2; 16], [2; 16]]);
    following.end().await;
}

#[tokio::test]
async fn a_store_that_comes_back_loses_no_place() {
    let feed = FakeFeed::start(events(1..=3)).await.unwrap();
    let retry = || Script::Fail(storage::Error::unavailable("locked").into());
    let notebook = Notebook::new([retry(), retry()]);
    let following = begin(&notebook, &feed);
    feed.acknowledged(3).await;
    assert_eq!(notebook.positions(), [1, 2, 3]);
    assert_eq!(feed.starts().len(), 1, "the link was kept");
    assert!(following.health.is_ready());
    following.end().await;
}

#[tokio::test]
async fn a_consumer_that_halts_stays_halted() {
    let feed = FakeFeed::start(events([1])).await.unwrap();
    let notebook = Notebook::new([Script::Fail(Halt::new("an action that is not known here").into())]);
    let following = begin(&notebook, &feed);
    following.fails_with("an action that is not known here").await;
    assert_eq!(*notebook.applications.borrow(), 1);
    following.end().await;
}

#[tokio::test]
async fn a_failed_disk_ends_the_process() {
    let feed = FakeFeed::start(events([1])).await.unwrap();
    let failed = storage::Error::DiskFailed { reason: "a sync failed".to_owned(), source: None };
    let notebook = Notebook::new([Script::Fail(ConsumeError::from(failed))]);
    let following = begin(&notebook, &feed);
    let exit = following.task.await.unwrap().unwrap_err();
    assert_eq!(exit.code, ExitCode::DiskFailed);
}

#[tokio::test]
async fn silence_breaks_the_link() {
    let feed = FakeFeed::start(events([1])).await.unwrap();
    let notebook = Notebook::new([]);
    // The fake sends no heartbeats by itself.
    let following = start(&notebook, &feed.url(), Timing { silence_max: Duration::from_millis(50), ..TIMING });
    feed.started(3).await;
    following.end().await;
}

#[tokio::test]
async fn a_changed_lifecycle_reaches_the_consumer() {
    let feed = FakeFeed::start(events([])).await.unwrap();
    let notebook = Notebook::new([]);
    let following = begin(&notebook, &feed);
    notebook.lifecycles.subscribe().wait_for(|versions| *versions == [1]).await.unwrap();
    feed.change(|content| content.lifecycle.version = 2);
    notebook.lifecycles.subscribe().wait_for(|versions| *versions == [1, 2]).await.unwrap();
    following.end().await;
}

#[tokio::test]
async fn nobody_at_the_other_end_is_no_end() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let following = start(&Notebook::new([]), &url, TIMING);
    following.fails_with("refused").await;
    following.end().await;
}
