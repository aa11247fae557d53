//! A running case-audit, its feed and its folder.

use std::path::PathBuf;
use std::sync::Arc;

use case_api::event_pb::RecordedEvent;
use case_api::pb::audit_service_client::AuditServiceClient;
use case_api::pb::{
    AuditEvent, AuditEventFilter, GetAuditEventRequest, ListAuditEventsRequest, ListAuditEventsResponse,
};
use case_audit::CaseAudit;
use event_feed::fake::{Content, FakeFeed};
use service_kit::clock::Clock;
use service_kit::exit::Exit;
use service_kit::program::Process;
use service_kit::settings::{Settings, StoreAddress};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::events::TIME_UNIX_US;
use crate::telemetry;

/// One second after the first event: events are new.
struct SoonAfter;

impl Clock for SoonAfter {
    fn unix_us(&self) -> i64 {
        TIME_UNIX_US + 1_000_000
    }
}

pub(crate) const EPOCH: [u8; 16] = [1; 16];
pub(crate) const OTHER_EPOCH: [u8; 16] = [2; 16];

/// A feed and a folder, with or without a service between them.
pub(crate) struct Surroundings {
    pub(crate) feed: FakeFeed,
    pub(crate) folder: TempDir,
}

/// A service that runs.
pub(crate) struct Audit {
    pub(crate) client: AuditServiceClient<Channel>,
    health: HealthClient<Channel>,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), Exit>>,
}

impl Surroundings {
    pub(crate) async fn with(events: Vec<RecordedEvent>) -> Self {
        telemetry::keep();
        let content = Content { epoch: EPOCH, events, ..Content::default() };
        Self { feed: FakeFeed::start(content).await.unwrap(), folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("audit.db")
    }

    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::defaults().unwrap();
        settings.audit.store = StoreAddress(format!("sqlite:{}", self.database().display()));
        settings.audit.feed_url = self.feed.url();
        settings
    }

    /// Starts the service; it may not be ready yet.
    pub(crate) async fn start(&self) -> Audit {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(start(deps(self.settings(), shutdown.clone()), listener));
        let channel = Channel::from_shared(url).unwrap().connect_lazy();
        let (client, health) = (AuditServiceClient::new(channel.clone()), HealthClient::new(channel));
        Audit { client, health, shutdown, task }
    }

    /// Starts the service and waits until it has recorded everything that the feed has.
    pub(crate) async fn recorded(events: Vec<RecordedEvent>) -> (Self, Audit) {
        let head = events.len() as u64;
        let surroundings = Self::with(events).await;
        let audit = surroundings.start().await;
        surroundings.feed.acknowledged(head).await;
        audit.ready().await;
        (surroundings, audit)
    }

    /// Changes the store behind the service's back, while it does not run or while it only reads.
    pub(crate) fn tamper(&self, sql: &str) {
        rusqlite::Connection::open(self.database()).unwrap().execute_batch(sql).unwrap();
    }
}

pub(crate) fn deps(settings: Settings, shutdown: CancellationToken) -> Process {
    Process { clock: Arc::new(SoonAfter), ..Process::new(settings, shutdown) }
}

impl Audit {
    /// Waits until callers are welcome.
    pub(crate) async fn ready(&self) {
        self.readiness(ServingStatus::Serving).await;
    }

    /// Waits until callers are not.
    pub(crate) async fn not_ready(&self) {
        self.readiness(ServingStatus::NotServing).await;
    }

    async fn readiness(&self, wanted: ServingStatus) {
        let request = HealthCheckRequest { service: "readiness".to_owned() };
        let mut answers = self.health.clone().watch(request).await.unwrap().into_inner();
        while answers.message().await.unwrap().unwrap().status() != wanted {}
    }

    pub(crate) async fn list(&self, request: ListAuditEventsRequest) -> Result<ListAuditEventsResponse, Status> {
        Ok(self.client.clone().list_audit_events(as_amira(request)).await?.into_inner())
    }

    pub(crate) async fn get(&self, id: &str) -> Result<AuditEvent, Status> {
        let request = GetAuditEventRequest { audit_event_id: id.to_owned() };
        Ok(self.client.clone().get_audit_event(as_amira(request)).await?.into_inner().audit_event.unwrap())
    }

    /// Every event, in pages of the largest size.
    pub(crate) async fn all(&self) -> Vec<AuditEvent> {
        let (mut events, mut page_token) = (Vec::new(), String::new());
        loop {
            let page = self.list(ListAuditEventsRequest { page_size: 1_000, page_token, filter: None }).await.unwrap();
            events.extend(page.audit_events);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return events;
            }
        }
    }

    /// Ends the service as a supervisor does.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

pub(crate) fn of_case(case_id: &str) -> ListAuditEventsRequest {
    let filter = Some(AuditEventFilter { case_id: case_id.to_owned(), ..AuditEventFilter::default() });
    ListAuditEventsRequest { filter, ..ListAuditEventsRequest::default() }
}

fn as_amira<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-actor-id", "amira".parse().unwrap());
    request.metadata_mut().insert("x-request-id", "test-request".parse().unwrap());
    request
}

/// Opens and serves, as `main` does.
pub(crate) async fn start(process: Process, listener: TcpListener) -> Result<(), Exit> {
    CaseAudit::open(process).await?.serve(listener).await
}
