//! case-command: decides and stores every change of a case, and publishes it on the event feed.
//!
//! A command goes from [`grpc`] (parse, map) through [`commands`] (log, measure) to [`writer`], which runs on the one
//! thread that writes: it looks up the idempotency key, loads the case, asks the domain, and stores state and event in
//! the transaction of its batch. [`feed`] reads what was committed.

mod commands;
mod consumers;
mod failures;
mod feed;
mod grpc;
mod idempotency;
mod lifecycle;
mod metrics;
mod names;
mod schema;
mod store;
mod stored;
mod writer;

use std::sync::Arc;

use case_api::feed_pb::case_event_feed_service_server::CaseEventFeedServiceServer;
use case_api::pb::case_command_service_server::CaseCommandServiceServer;
use service_kit::exit::Exit;
use service_kit::health::Health;
use service_kit::host::Host;
use service_kit::identity::Identity;
use service_kit::program::Process;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::commands::Commands;
use crate::feed::FeedHandler;
use crate::grpc::CommandHandler;
use crate::metrics::CommandMetrics;
use crate::store::Store;

/// This service in telemetry and as a caller.
pub const IDENTITY: Identity = Identity { name: "case-command" };

/// The services that it serves, by full name.
pub const SERVICES: [&str; 2] = ["casetracker.v1.CaseCommandService", "casetracker.feed.v1.CaseEventFeedService"];

/// Runs the service on a bound listener until it is told to end, and leaves its store closed.
///
/// Fails before anything is served where the store or the lifecycle does not permit a start.
pub async fn run(process: Process, listener: TcpListener) -> Result<(), Exit> {
    let health = Health::new(&SERVICES);
    let condition = health.condition("store");
    let store = Store::open(&process, condition.clone()).await?;
    let commands = Commands {
        writer: store.writer.clone(),
        lifecycle: Arc::clone(&store.lifecycle),
        epoch: store.epoch,
        store: condition.clone(),
        metrics: CommandMetrics::new(),
    };
    let feed = FeedHandler {
        readers: store.readers.clone(),
        epoch: store.epoch,
        head: store.head.clone(),
        lifecycle: Arc::clone(&store.lifecycle),
        consumers: Arc::clone(&store.consumers),
        store: condition.clone(),
        shutdown: drained_first(&health, process.shutdown.clone()),
    };
    let bytes_max = process.settings.limits.message_bytes;
    let routes = Routes::new(
        CaseCommandServiceServer::new(CommandHandler { commands })
            .max_decoding_message_size(bytes_max)
            .max_encoding_message_size(bytes_max),
    )
    .add_service(
        CaseEventFeedServiceServer::new(feed).max_decoding_message_size(bytes_max).max_encoding_message_size(bytes_max),
    );
    condition.pass();
    health.started();
    let host = Host {
        identity: IDENTITY,
        health,
        limits: process.settings.limits.clone(),
        auth: process.settings.auth.clone(),
        drain_timeout: process.settings.drain_timeout,
        reflection: process.settings.reflection.enabled,
    };
    let served = host.serve(listener, routes, case_api::DESCRIPTORS, process.shutdown.clone()).await;
    store.close().await;
    served
}

/// Ends the streams of the feed, but only after callers can see that the server drains.
fn drained_first(health: &Health, shutdown: CancellationToken) -> CancellationToken {
    let (health, streams) = (health.clone(), CancellationToken::new());
    let end_streams = streams.clone();
    tokio::spawn(async move {
        shutdown.cancelled().await;
        health.drain();
        end_streams.cancel();
    });
    streams
}
