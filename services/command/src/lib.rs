//! case-command: decides and stores every change of a case, and publishes it on the event feed.
//!
//! A command goes from [`grpc`] (parse, map) through [`commands`] (log, measure) to [`writer`], which runs on the one
//! thread that writes: it looks up the idempotency key, loads the case, asks the domain, and stores state and event in
//! the transaction of its batch. [`feed`] reads what was committed.

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

mod commands;
mod consumers;
mod failures;
mod feed;
mod fingerprint;
mod grpc;
mod head_file;
mod idempotency;
mod lifecycle;
mod metrics;
mod names;
mod random;
mod schema;
mod store;
mod stored;
mod writer;

use std::sync::Arc;

use case_api::feed_pb::case_event_feed_service_server::CaseEventFeedServiceServer;
use case_api::pb::case_command_service_server::CaseCommandServiceServer;
use service_kit::diagnostics::Diagnostics;
use service_kit::exit::Exit;
use service_kit::health::{Condition, Health};
use service_kit::host::Host;
use service_kit::identity::Identity;
use service_kit::program::Process;
use service_kit::settings::Settings;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::commands::Commands;
use crate::feed::FeedHandler;
use crate::grpc::CommandHandler;
use crate::metrics::CommandMetrics;
use crate::store::Store;

pub use names::LOGGED;

/// This service in telemetry and as a caller.
pub const IDENTITY: Identity = Identity { name: "case-command" };

/// The services that it serves, by full name.
pub const SERVICES: [&str; 2] = ["casetracker.v1.CaseCommandService", "casetracker.feed.v1.CaseEventFeedService"];

/// The service with its store open, and nothing served yet: whatever forbids a start has been found by now.
pub struct CaseCommand {
    process: Process,
    store: Store,
    condition: Condition,
    health: Health,
    /// When the streams of the feed end.
    feed_ends: CancellationToken,
}

impl CaseCommand {
    /// Opens the store and puts the lifecycle in force.
    pub async fn open(process: Process) -> Result<Self, Exit> {
        let health = Health::new(&SERVICES);
        let condition = health.condition("store");
        let store = Store::open(&process, &health, condition.clone()).await?;
        let feed_ends = process.shutdown.clone();
        Ok(Self { process, store, condition, health, feed_ends })
    }

    /// Keeps the streams of the feed open beyond the end of everything else, until a moment of its own: for consumers in the
    /// same process, whose last readers wait for the last events. It is the drain that bounds them.
    #[must_use]
    pub fn with_feed_until(self, feed_ends: CancellationToken) -> Self {
        Self { feed_ends, ..self }
    }

    /// Serves on a bound listener until the process is told to end, and leaves the store closed.
    pub async fn serve(self, listener: TcpListener) -> Result<(), Exit> {
        let routes = self.routes(self.process.settings.limits.message_bytes);
        let diagnostics = Diagnostics::new();
        self.store.report_to(&diagnostics);
        self.health.started();
        let host = Host {
            identity: IDENTITY,
            health: self.health.clone(),
            process: self.process.clone(),
            rules: case_access::RULES,
            diagnostics,
        };
        let served = host.serve(listener, routes, case_api::DESCRIPTORS, self.process.shutdown.clone()).await;
        self.store.close().await;
        served
    }

    fn routes(&self, message_bytes_max: usize) -> Routes {
        let store = &self.store;
        let commands = Commands {
            writer: store.writer.clone(),
            lifecycle: Arc::clone(&store.lifecycle),
            epoch: store.epoch,
            store: self.condition.clone(),
            metrics: CommandMetrics::new(),
        };
        let feed = FeedHandler {
            readers: store.readers.clone(),
            epoch: store.epoch,
            head: store.head.clone(),
            lifecycle: Arc::clone(&store.lifecycle),
            consumers: Arc::clone(&store.consumers),
            store: self.condition.clone(),
            shutdown: drained_first(&self.health, self.feed_ends.clone()),
        };
        let commands = CaseCommandServiceServer::new(CommandHandler { commands })
            .max_decoding_message_size(message_bytes_max)
            .max_encoding_message_size(message_bytes_max);
        let feed = CaseEventFeedServiceServer::new(feed)
            .max_decoding_message_size(message_bytes_max)
            .max_encoding_message_size(message_bytes_max);
        Routes::new(commands).add_service(feed)
    }
}

/// Reads what the configuration only points to, for `config check`: the lifecycle file.
pub fn check(settings: &Settings) -> Result<(), Exit> {
    lifecycle::read(settings.lifecycle.path.as_deref()).map(|_| ())
}

/// Ends the streams of the feed, but only after callers can see that the server drains.
fn drained_first(health: &Health, feed_ends: CancellationToken) -> CancellationToken {
    let (health, streams) = (health.clone(), CancellationToken::new());
    let end_streams = streams.clone();
    tokio::spawn(async move {
        feed_ends.cancelled().await;
        health.drain();
        end_streams.cancel();
    });
    streams
}
