//! A running case-query, its feed and its folder.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use case_api::pb::case_query_service_client::CaseQueryServiceClient;
use case_api::pb::{CaseFilter, Consistency, GetCaseRequest, GetCaseResponse, ListCasesRequest, ListCasesResponse};
use case_api::{ConsistencyToken, Epoch};
use case_query::CaseQuery;
use event_feed::fake::{Content, FakeFeed};
use service_kit::clock::Clock;
use service_kit::exit::Exit;
use service_kit::program::Process;
use service_kit::settings::{Settings, StoreAddress};
use tempfile::TempDir;
use test_support::{Caller, CallerChannel, Refusal, eventually};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::history::{History, TIME_UNIX_US, lifecycle_definition};

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
    folder: TempDir,
}

/// A service that runs.
pub(crate) struct Query {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), Exit>>,
}

impl Surroundings {
    pub(crate) async fn with(history: &History) -> Self {
        let content = Content { epoch: EPOCH, lifecycle: lifecycle_definition(), events: history.events.clone() };
        Self { feed: FakeFeed::start(content).await.unwrap(), folder: tempfile::tempdir().unwrap() }
    }

    /// A service that has projected a history.
    pub(crate) async fn projected(history: &History) -> (Self, Query) {
        let surroundings = Self::with(history).await;
        let query = surroundings.start().await;
        query.ready().await;
        eventually("acknowledgements", surroundings.feed.acknowledged(history.head())).await;
        (surroundings, query)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("query.db")
    }

    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::defaults().unwrap();
        settings.query.store = StoreAddress(format!("sqlite:{}", self.database().display()));
        settings.query.feed_url = self.feed.url();
        settings.query.freshness_wait = Duration::from_secs(30);
        settings
    }

    pub(crate) async fn start(&self) -> Query {
        Query::start(self.settings()).await
    }

    /// The feed has got this far.
    pub(crate) fn publish(&self, history: &History) {
        self.feed.change(|content| content.events.clone_from(&history.events));
    }

    /// Changes the store behind the service's back.
    pub(crate) fn tamper(&self, sql: &str) {
        rusqlite::Connection::open(self.database()).unwrap().execute_batch(sql).unwrap();
    }
}

impl Query {
    pub(crate) async fn start(settings: Settings) -> Self {
        Self::start_at(settings, Arc::new(SoonAfter)).await
    }

    pub(crate) async fn start_at(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
        let process = Process { clock, ..Process::new(settings, shutdown.clone()) };
        let task = tokio::spawn(async move { CaseQuery::open(process).await?.serve(listener).await });
        Self { address, shutdown, task }
    }

    /// Waits until callers are welcome.
    pub(crate) async fn ready(&self) {
        eventually("readiness", self.readiness(ServingStatus::Serving)).await;
    }

    /// Waits until callers are not.
    pub(crate) async fn not_ready(&self) {
        eventually("no readiness", self.readiness(ServingStatus::NotServing)).await;
    }

    async fn readiness(&self, wanted: ServingStatus) {
        let mut health = HealthClient::new(Caller::nobody().channel(self.address));
        let request = HealthCheckRequest { service: "readiness".to_owned() };
        let mut answers = health.watch(request).await.unwrap().into_inner();
        while answers.message().await.unwrap().unwrap().status() != wanted {}
    }

    /// A channel of somebody who is believed everything.
    pub(crate) fn channel(&self) -> CallerChannel {
        Caller::actor("amira").channel(self.address)
    }

    pub(crate) fn client(&self) -> CaseQueryServiceClient<CallerChannel> {
        Caller::actor("amira").queries(self.address)
    }

    pub(crate) async fn get(&self, request: GetCaseRequest) -> Result<GetCaseResponse, Status> {
        Ok(self.client().get_case(request).await?.into_inner())
    }

    pub(crate) async fn list(&self, request: ListCasesRequest) -> Result<ListCasesResponse, Status> {
        Ok(self.client().list_cases(request).await?.into_inner())
    }

    /// The ids of all cases of a list, walked in pages of `page_size`, calling `between` after each page.
    pub(crate) async fn walk(&self, request: ListCasesRequest, mut between: impl FnMut()) -> Vec<String> {
        let (mut ids, mut page_token) = (Vec::new(), String::new());
        loop {
            let page = self.list(ListCasesRequest { page_token, ..request.clone() }).await.unwrap();
            ids.extend(page.cases.into_iter().map(|case| case.case_id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return ids;
            }
            between();
        }
    }

    /// Ends the service as a supervisor does.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// How it ended by itself.
    pub(crate) async fn ended(self) -> Result<(), Exit> {
        eventually("the end", self.task).await.unwrap()
    }
}

pub(crate) fn token(epoch: [u8; 16], position: u64) -> String {
    ConsistencyToken { epoch: Epoch(epoch), position }.encode()
}

pub(crate) fn get_case(case_id: &str) -> GetCaseRequest {
    GetCaseRequest { case_id: case_id.to_owned(), consistency: None }
}

pub(crate) fn at_least(tokens: impl IntoIterator<Item = String>) -> Consistency {
    Consistency { at_least_as_fresh: tokens.into_iter().collect() }
}

pub(crate) fn get_at_least(case_id: &str, position: u64) -> GetCaseRequest {
    GetCaseRequest { consistency: Some(at_least([token(EPOCH, position)])), ..get_case(case_id) }
}

pub(crate) fn list_of(filter: CaseFilter) -> ListCasesRequest {
    ListCasesRequest { filter: Some(filter), ..ListCasesRequest::default() }
}

pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> Refusal {
    Refusal::of(&answer.unwrap_err())
}
