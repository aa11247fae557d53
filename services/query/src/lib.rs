//! case-query: projects the event feed into a read model, and answers questions about cases.
//!
//! [`projection`] follows the event feed and keeps each case as its events make it, with its position in the same
//! transaction. [`grpc`] answers: [`request`] says what is asked for, [`freshness`] waits for what the caller has already
//! seen, [`reads`] reads at one position, [`answers`] keeps what was read, and [`encoded`] sends it. The SQL stands in
//! [`schema`], [`indexes`] and [`row`] (cases), [`history_sql`] (timelines
//! and comments), [`link_sql`] (links from the other side) and [`list_sql`] (lists).

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

mod answers;
mod encoded;
mod filter;
mod freshness;
mod grpc;
mod history_sql;
mod indexes;
mod link_sql;
mod list_sql;
mod metrics;
mod names;
mod order;
mod page_token;
mod problems;
mod projection;
mod reads;
mod request;
mod row;
mod schema;
mod status_times;
mod store;
mod stored;
mod stored_entry;
mod view;

use std::sync::Arc;

use case_access::FEED_FOLLOW;
use event_feed::{Feed, Timing, follow};
use service_kit::client::dependencies::EVENT_FEED;
use service_kit::client::{Peer, outgoing};
use service_kit::diagnostics::Diagnostics;
use service_kit::exit::Exit;
use service_kit::health::Health;
use service_kit::host::Host;
use service_kit::identity::Identity;
use service_kit::program::Process;
use service_kit::settings::Settings;
use store_failure::{StoreName, StoreProbe};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::answers::Answers;
use crate::encoded::QueryService;
use crate::freshness::Freshness;
use crate::grpc::QueryHandler;
use crate::metrics::{StoreMetrics, observe_answers, observe_readers};
use crate::projection::{Conditions, Projection};
use crate::reads::Reads;
use crate::store::Store;

pub use names::LOGGED;

/// This service in telemetry, as a caller, and as a consumer of the feed.
pub const IDENTITY: Identity = Identity { name: "case-query" };

/// The services that it serves, by full name.
pub const SERVICES: [&str; 1] = ["casetracker.v1.CaseQueryService"];

/// The service with its store open, and nothing served yet: whatever forbids a start has been found by now.
pub struct CaseQuery {
    process: Process,
    projection: Arc<Projection>,
    reads: Reads,
    feed: Feed,
    health: Health,
    probe: StoreProbe,
}

impl CaseQuery {
    /// Opens the read model. The feed is where the settings say.
    pub async fn open(process: Process) -> Result<Self, Exit> {
        let feed = feed(&process.settings);
        Self::open_following(process, feed).await
    }

    /// [`Self::open`], with the feed at a place of the caller's choice.
    pub async fn open_following(process: Process, feed: Peer) -> Result<Self, Exit> {
        feed.check(&EVENT_FEED, &process.settings, &FEED_FOLLOW)?;
        let health = Health::new(&SERVICES);
        let condition = health.condition("feed");
        let conditions = Conditions { store: health.condition("store"), projection: health.condition("projection") };
        let settings = &process.settings;
        let store = Store::open(settings.query.store.as_str(), settings.probe.disk_free_bytes_min).await?;
        let Store { writer, points, lists, view, inspector, address } = store;
        conditions.store.pass();
        let (diagnostics, name) = (Diagnostics::new(), StoreName { owner: IDENTITY, name: "query", address });
        let damaged = conditions.store.clone();
        let probe = StoreProbe::start(&name, inspector, settings.probe.interval, (&health, damaged))?;
        diagnostics.add(probe.reporter());
        let metrics = StoreMetrics::new();
        observe_readers("query.points", points.clone());
        observe_readers("query.lists", lists.clone());
        let answers = Arc::new(Answers::new());
        observe_answers(&answers);
        let kept = Arc::clone(&answers);
        let projection = Arc::new(Projection::new(writer, (view, kept), conditions.clone(), metrics.clone()));
        let reads = Reads {
            points,
            lists,
            answers,
            freshness: Freshness { view: projection.view(), wait_max: settings.query.freshness_wait },
            store: conditions.store,
            metrics,
            message_bytes_max: settings.limits.message_bytes,
            clock: Arc::clone(&process.clock),
        };
        let feed = Feed {
            channel: outgoing(&process, IDENTITY, &EVENT_FEED, feed)?,
            condition,
            clock: Arc::clone(&process.clock),
            entropy: Arc::clone(&process.entropy),
            diagnostics,
            // Cancelled when serving is over: whoever still reads waits for the projection.
            shutdown: CancellationToken::new(),
            timing: Timing::default(),
        };
        Ok(Self { process, projection, reads, feed, health, probe })
    }

    /// Follows the feed and serves on a bound listener until the process is told to end, and leaves the store closed.
    ///
    /// Fails where the store's disk does.
    pub async fn serve(self, listener: TcpListener) -> Result<(), Exit> {
        let Self { process, projection, reads, feed, health, probe } = self;
        // Whichever of following and serving ends, for whatever reason, ends the other.
        let (following, shutdown) = (feed.shutdown.clone(), process.shutdown.child_token());
        let diagnostics = feed.diagnostics.clone();
        health.started();
        let projecting = async {
            let _ends_serving = shutdown.clone().drop_guard();
            follow(projection, feed).await
        };
        let serving = async {
            let _ends_projecting = following.drop_guard();
            let routes = routes(reads);
            host(process, health, diagnostics).serve(listener, routes, case_api::DESCRIPTORS, shutdown.clone()).await
        };
        let (projected, served) = tokio::join!(projecting, serving);
        probe.stop().await;
        projected.and(served)
    }
}

/// Reads what the configuration only points to, for `config check`: what this service shows to the feed.
pub fn check(settings: &Settings) -> Result<(), Exit> {
    feed(settings).check(&EVENT_FEED, settings, &FEED_FOLLOW)
}

fn feed(settings: &Settings) -> Peer {
    Peer::At(settings.query.feed_url.clone())
}

fn routes(reads: Reads) -> Routes {
    let message_bytes_max = reads.message_bytes_max;
    Routes::new(QueryService::new(QueryHandler { reads }, message_bytes_max))
}

fn host(process: Process, health: Health, diagnostics: Diagnostics) -> Host {
    Host { identity: IDENTITY, health, process, rules: case_access::RULES, diagnostics }
}
