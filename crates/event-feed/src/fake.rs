//! A feed server in the test's own process: serves events that the test pushes, breaks links and tells what it heard.
//!
//! It keeps no promises of its own: a test can make it repeat or leave out what it likes.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use case_api::event_pb::{LifecycleDefinition, RecordedEvent};
use case_api::feed_pb::case_event_feed_service_server::{CaseEventFeedService, CaseEventFeedServiceServer};
use case_api::feed_pb::follow_request::Message as Heard;
use case_api::feed_pb::follow_response::Message as Saying;
use case_api::feed_pb::{EventBatch, FeedHeartbeat, FeedOpened, FollowRequest, FollowResponse, FollowStart};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// Events in a batch at most: few, so that a test with some dozens of events sees several batches.
const BATCH_EVENTS_MAX: usize = 10;

/// What the feed holds.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Which store it is.
    pub epoch: [u8; 16],
    /// The lifecycle in force.
    pub lifecycle: LifecycleDefinition,
    /// Every event, as it is sent: positions are the test's business.
    pub events: Vec<RecordedEvent>,
}

/// A running feed server; it ends when it is dropped.
#[derive(Debug)]
pub struct FakeFeed {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

#[derive(Debug)]
struct Shared {
    content: watch::Sender<Content>,
    acknowledged: watch::Sender<u64>,
    starts: watch::Sender<Vec<FollowStart>>,
    credentials: Mutex<Vec<String>>,
    links: Mutex<CancellationToken>,
}

impl FakeFeed {
    /// Starts a feed on a free port of the loopback.
    pub async fn start(content: Content) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            content: watch::Sender::new(content),
            acknowledged: watch::Sender::new(0),
            starts: watch::Sender::default(),
            credentials: Mutex::default(),
            links: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let service = CaseEventFeedServiceServer::new(Service { shared: Arc::clone(&shared) });
        let server = Server::builder().add_service(service);
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            tokio::select! {
                () = stopped => {}
                _ = server.serve_with_incoming(TcpListenerStream::new(listener)) => {}
            }
        });
        Ok(Self { address, shared, _stop: stop.drop_guard() })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes what the feed holds. New events and another lifecycle reach whoever follows; for another epoch, break the
    /// links too.
    pub fn change(&self, change: impl FnOnce(&mut Content)) {
        self.shared.content.send_modify(change);
    }

    /// Breaks every open link.
    pub fn break_links(&self) {
        std::mem::take(&mut *self.shared.links()).cancel();
    }

    /// The port on which it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `authorization` of every call; "" for one without.
    pub fn credentials(&self) -> Vec<String> {
        self.shared.credentials.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every `start` that was received.
    pub fn starts(&self) -> Vec<FollowStart> {
        self.shared.starts.borrow().clone()
    }

    /// Waits until there have been so many `start`s.
    pub async fn started(&self, count: usize) {
        // The sender lives in `self`.
        let _ = self.shared.starts.subscribe().wait_for(|starts| starts.len() >= count).await;
    }

    /// Waits until a position is acknowledged.
    pub async fn acknowledged(&self, position: u64) {
        let _ = self.shared.acknowledged.subscribe().wait_for(|acknowledged| *acknowledged >= position).await;
    }

    /// The highest position that was acknowledged.
    pub fn acknowledged_now(&self) -> u64 {
        *self.shared.acknowledged.borrow()
    }
}

impl Shared {
    fn links(&self) -> MutexGuard<'_, CancellationToken> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Service {
    shared: Arc<Shared>,
}

#[tonic::async_trait]
impl CaseEventFeedService for Service {
    type FollowStream = Pin<Box<dyn Stream<Item = Result<FollowResponse, Status>> + Send>>;

    async fn follow(&self, request: Request<Streaming<FollowRequest>>) -> Result<Response<Self::FollowStream>, Status> {
        let shown = request.metadata().get("authorization").and_then(|shown| shown.to_str().ok()).unwrap_or_default();
        self.shared.credentials.lock().unwrap_or_else(PoisonError::into_inner).push(shown.to_owned());
        let mut requests = request.into_inner();
        let Some(FollowRequest { message: Some(Heard::Start(start)) }) = requests.message().await? else {
            return Err(Status::invalid_argument("start was expected"));
        };
        let link = self.shared.links().clone();
        let after = start.after_position;
        self.shared.starts.send_modify(|starts| starts.push(start));
        tokio::spawn(hear(Arc::clone(&self.shared), requests));
        let (sender, receiver) = mpsc::channel(1);
        let content = self.shared.content.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                () = link.cancelled() => drop(sender.send(Err(Status::unavailable("the link is broken"))).await),
                _ = say(content, after, &sender) => {}
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

async fn hear(shared: Arc<Shared>, mut requests: Streaming<FollowRequest>) {
    while let Some(Ok(request)) = requests.next().await {
        if let Some(Heard::Acknowledgement(acknowledgement)) = request.message {
            shared.acknowledged.send_modify(|highest| *highest = acknowledgement.position.max(*highest));
        }
    }
}

type Sender = mpsc::Sender<Result<FollowResponse, Status>>;

/// Ends when nobody listens any more.
async fn say(mut content: watch::Receiver<Content>, after: u64, sender: &Sender) -> Option<()> {
    let now = content.borrow_and_update().clone();
    let after_event_id = event_id_at(&now, after);
    let opened = FeedOpened { epoch: now.epoch.to_vec(), head_position: head(&now), after_event_id };
    send(sender, Saying::Opened(opened)).await?;
    send(sender, Saying::Lifecycle(now.lifecycle.clone())).await?;
    let mut lifecycle = now.lifecycle.clone();
    let mut sent = usize::try_from(after).ok()?;
    loop {
        let now = content.borrow_and_update().clone();
        if now.lifecycle != lifecycle {
            lifecycle = now.lifecycle.clone();
            send(sender, Saying::Lifecycle(now.lifecycle.clone())).await?;
        }
        let head_position = head(&now);
        for events in now.events.get(sent..).unwrap_or_default().chunks(BATCH_EVENTS_MAX) {
            sent += events.len();
            send(sender, Saying::Batch(EventBatch { events: events.to_vec(), head_position })).await?;
        }
        send(sender, Saying::Heartbeat(FeedHeartbeat { head_position })).await?;
        content.changed().await.ok()?;
    }
}

async fn send(sender: &Sender, message: Saying) -> Option<()> {
    sender.send(Ok(FollowResponse { message: Some(message) })).await.ok()
}

fn head(content: &Content) -> u64 {
    content.events.len() as u64
}

fn event_id_at(content: &Content, position: u64) -> String {
    let evidence = content.events.iter().filter_map(|event| event.evidence.as_ref());
    evidence.filter(|evidence| evidence.position == position).map(|evidence| evidence.event_id.clone()).collect()
}
