//! Command, query and audit in one process, on the ports that they have apart.
//!
//! Nothing is cut short: each service has its own listener, its own store and its own health, and they talk over the
//! loopback interface as they would over a network. What works here works on three machines.

mod banner;

use std::future::Future;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use case_access::FEED_FOLLOW;
use case_audit::CaseAudit;
use case_command::CaseCommand;
use case_query::CaseQuery;
use service_kit::client::Peer;
use service_kit::client::dependencies::EVENT_FEED;
use service_kit::exit::{Exit, ExitCode};
use service_kit::host;
use service_kit::program::Process;
use service_kit::settings::Settings;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use banner::banner;

/// The three services with their ports taken and their stores open, and nothing served yet.
pub struct CaseTracker {
    process: Process,
    command: (CaseCommand, TcpListener),
    query: (CaseQuery, TcpListener),
    audit: (CaseAudit, TcpListener),
}

impl CaseTracker {
    /// Takes the configured ports and opens the stores. The consumers look for the feed on the port of this very process.
    pub async fn open(mut process: Process) -> Result<Self, Exit> {
        let settings = &mut process.settings;
        check_feed(settings)?;
        let command = bind(&mut settings.command.listen).await?;
        let query = bind(&mut settings.query.listen).await?;
        let audit = bind(&mut settings.audit.listen).await?;
        let feed = feed(settings);
        feed.url().clone_into(&mut settings.query.feed_url);
        feed.url().clone_into(&mut settings.audit.feed_url);
        Ok(Self {
            command: (CaseCommand::open(process.clone()).await?, command),
            query: (CaseQuery::open_following(process.clone(), feed.clone()).await?, query),
            audit: (CaseAudit::open_following(process.clone(), feed).await?, audit),
            process,
        })
    }

    /// The settings as they have turned out: with the ports that were taken.
    pub const fn settings(&self) -> &Settings {
        &self.process.settings
    }

    /// Serves until the process is told to end, or until one service cannot go on: then the others end, too.
    pub async fn serve(self) -> Result<(), Exit> {
        let Self { process, command, query, audit } = self;
        let mut services = JoinSet::new();
        // The feed ends when the last of its consumers has: a reader who waits for what was just written gets it.
        let feed_ends = CancellationToken::new();
        let consuming = Arc::new(feed_ends.clone().drop_guard());
        start(&mut services, command.0.with_feed_until(feed_ends).serve(command.1));
        start(&mut services, holding(Arc::clone(&consuming), query.0.serve(query.1)));
        start(&mut services, holding(consuming, audit.0.serve(audit.1)));
        let mut outcome = Ok(());
        while let Some(ended) = services.join_next().await {
            let broke = |panic| Err(Exit::new(ExitCode::DiskFailed, format!("a service broke: {panic}")));
            // The first failure is the cause; what follows from it is not reported in its place.
            outcome = outcome.and(ended.unwrap_or_else(broke));
            process.shutdown.cancel();
        }
        outcome
    }
}

/// Reads what the configuration only points to, for `config check`: the lifecycle file, and what this process shows to itself.
pub fn check(settings: &Settings) -> Result<(), Exit> {
    case_command::check(settings)?;
    check_feed(settings)
}

fn check_feed(settings: &Settings) -> Result<(), Exit> {
    feed(settings).check(&EVENT_FEED, settings, &FEED_FOLLOW)
}

/// The feed of this very process.
fn feed(settings: &Settings) -> Peer {
    let scheme = if settings.tls.certificate.is_some() { "https" } else { "http" };
    Peer::Ourselves(format!("{scheme}://{}", within(settings.command.listen)))
}

fn start(services: &mut JoinSet<Result<(), Exit>>, service: impl Future<Output = Result<(), Exit>> + Send + 'static) {
    services.spawn(service);
}

/// Keeps something until a service is over.
async fn holding<T>(held: T, service: impl Future<Output = Result<(), Exit>>) -> Result<(), Exit> {
    let outcome = service.await;
    drop(held);
    outcome
}

/// Takes a port, and notes which one it has turned out to be.
async fn bind(address: &mut SocketAddr) -> Result<TcpListener, Exit> {
    let listener = host::bind(*address).await?;
    *address = listener
        .local_addr()
        .map_err(|error| Exit::new(ExitCode::CannotCreate, format!("{address} cannot be used: {error}")))?;
    Ok(listener)
}

/// Where this machine reaches an address that may stand for all of its interfaces.
fn within(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    address
}
