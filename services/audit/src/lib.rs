//! case-audit: keeps one canonical audit record for each event, and shows them.
//!
//! [`recorder`] follows the event feed. It makes an [`entry`] of each event (the canonical [`leaf`] of its evidence, and
//! beside it the free text that can be forgotten) and adds it to the log in the transaction that moves its position in
//! the feed. [`grpc`] reads: [`request`] and [`filter`] say what is asked for, [`store`] and [`list_sql`] have the SQL,
//! [`wire`] makes of a stored record what clients see.

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

mod content;
mod digest;
mod entry;
mod failures;
mod filter;
mod grpc;
pub mod leaf;
mod list_sql;
mod log_file;
mod metrics;
mod names;
mod page_token;
mod problems;
mod recorder;
mod request;
mod store;
mod wire;

use std::sync::Arc;

use case_access::FEED_FOLLOW;
use case_api::pb::audit_service_server::AuditServiceServer;
use event_feed::{Feed, Timing, follow};
use service_kit::client::dependencies::EVENT_FEED;
use service_kit::client::{Peer, outgoing};
use service_kit::diagnostics::Diagnostics;
use service_kit::exit::Exit;
use service_kit::health::{Condition, Health};
use service_kit::host::Host;
use service_kit::identity::Identity;
use service_kit::program::Process;
use service_kit::settings::Settings;
use storage::Readers;
use store_failure::{StoreName, StoreProbe};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::grpc::AuditHandler;
use crate::log_file::LogFile;
use crate::metrics::observe_readers;
use crate::recorder::Recorder;

pub use names::LOGGED;

/// This service in telemetry, as a caller, and as a consumer of the feed.
pub const IDENTITY: Identity = Identity { name: "case-audit" };

/// The services that it serves, by full name.
pub const SERVICES: [&str; 1] = ["casetracker.v1.AuditService"];

/// The service with its log open, and nothing served yet: whatever forbids a start has been found by now.
pub struct CaseAudit {
    process: Process,
    recorder: Arc<Recorder>,
    readers: Readers,
    store: Condition,
    feed: Feed,
    health: Health,
    probe: StoreProbe,
}

impl CaseAudit {
    /// Opens the log and looks at it. The feed is where the settings say.
    pub async fn open(process: Process) -> Result<Self, Exit> {
        let feed = feed(&process.settings);
        Self::open_following(process, feed).await
    }

    /// [`Self::open`], with the feed at a place of the caller's choice.
    pub async fn open_following(process: Process, feed: Peer) -> Result<Self, Exit> {
        feed.check(&EVENT_FEED, &process.settings, &FEED_FOLLOW)?;
        let health = Health::new(&SERVICES);
        let (store, condition) = (health.condition("store"), health.condition("feed"));
        let (settings, diagnostics) = (&process.settings, Diagnostics::new());
        let log = LogFile::open(settings.audit.store.as_str(), settings.probe.disk_free_bytes_min).await?;
        store.pass();
        observe_readers(log.readers.clone());
        let name = StoreName { owner: IDENTITY, name: "audit", address: log.address };
        let probe = StoreProbe::start(&name, log.inspector, settings.probe.interval, (&health, store.clone()))?;
        diagnostics.add(probe.reporter());
        let recorder = Arc::new(Recorder::new(log.writer, log.position, store.clone()));
        let feed = Feed {
            channel: outgoing(&process, IDENTITY, &EVENT_FEED, feed)?,
            condition,
            clock: Arc::clone(&process.clock),
            entropy: Arc::clone(&process.entropy),
            diagnostics: diagnostics.clone(),
            // Cancelled when serving is over: what is committed until then is recorded, too.
            shutdown: CancellationToken::new(),
            timing: Timing::default(),
        };
        Ok(Self { process, recorder, readers: log.readers, store, feed, health, probe })
    }

    /// Follows the feed and serves on a bound listener until the process is told to end, and leaves the log closed.
    ///
    /// Fails where the log's disk does.
    pub async fn serve(self, listener: TcpListener) -> Result<(), Exit> {
        let Self { process, recorder, readers, store, feed, health, probe } = self;
        // Whichever of following and serving ends, for whatever reason, ends the other.
        let (following, shutdown) = (feed.shutdown.clone(), process.shutdown.child_token());
        let diagnostics = feed.diagnostics.clone();
        health.started();
        let recording = async {
            let _ends_serving = shutdown.clone().drop_guard();
            follow(recorder, feed).await
        };
        let serving = async {
            let _ends_recording = following.drop_guard();
            let routes = routes(&process.settings, readers, store);
            host(process, health, diagnostics).serve(listener, routes, case_api::DESCRIPTORS, shutdown.clone()).await
        };
        let (followed, served) = tokio::join!(recording, serving);
        probe.stop().await;
        followed.and(served)
    }
}

/// Reads what the configuration only points to, for `config check`: what this service shows to the feed.
pub fn check(settings: &Settings) -> Result<(), Exit> {
    feed(settings).check(&EVENT_FEED, settings, &FEED_FOLLOW)
}

fn feed(settings: &Settings) -> Peer {
    Peer::At(settings.audit.feed_url.clone())
}

fn routes(settings: &Settings, readers: Readers, store: Condition) -> Routes {
    let message_bytes_max = settings.limits.message_bytes;
    let server = AuditServiceServer::new(AuditHandler { readers, store, message_bytes_max })
        .max_decoding_message_size(message_bytes_max)
        .max_encoding_message_size(message_bytes_max);
    Routes::new(server)
}

fn host(process: Process, health: Health, diagnostics: Diagnostics) -> Host {
    Host { identity: IDENTITY, health, process, rules: case_access::RULES, diagnostics }
}
