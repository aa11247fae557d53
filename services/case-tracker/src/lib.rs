//! Command, query and audit in one process, on the ports that they have apart.
//!
//! Nothing is cut short: each service has its own listener, its own store and its own health, and they talk over the
//! loopback interface as they would over a network. What works here works on three machines.

mod banner;

use std::future::Future;
use std::net::SocketAddr;

use service_kit::exit::{Exit, ExitCode};
use service_kit::host;
use service_kit::program::Process;
use service_kit::settings::Settings;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use banner::banner;

/// The listeners of the three services.
#[derive(Debug)]
pub struct Listeners {
    command: TcpListener,
    query: TcpListener,
    audit: TcpListener,
}

impl Listeners {
    /// Takes the configured ports, and tells the consumers where the feed is: on the port of this very process.
    pub async fn bind(settings: &mut Settings) -> Result<Self, Exit> {
        let command = host::bind(settings.command.listen).await?;
        let query = host::bind(settings.query.listen).await?;
        let audit = host::bind(settings.audit.listen).await?;
        for (listen, listener) in [
            (&mut settings.command.listen, &command),
            (&mut settings.query.listen, &query),
            (&mut settings.audit.listen, &audit),
        ] {
            *listen = listener.local_addr().map_err(|error| {
                Exit::new(ExitCode::CannotCreate, format!("a listener does not know its address: {error}"))
            })?;
        }
        let feed_url = format!("http://{}", within(settings.command.listen));
        settings.query.feed_url.clone_from(&feed_url);
        settings.audit.feed_url = feed_url;
        Ok(Self { command, query, audit })
    }
}

/// Where this machine reaches an address that may stand for all of its interfaces.
fn within(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback = if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    address
}

/// Runs the three services until they are told to end, or until one of them cannot go on: then the others end, too.
pub async fn run(process: Process, listeners: Listeners) -> Result<(), Exit> {
    let shutdown = process.shutdown.clone();
    let mut services = JoinSet::new();
    start(&mut services, case_command::run(process.clone(), listeners.command));
    start(&mut services, case_query::run(query_deps(process.clone()), listeners.query));
    start(&mut services, case_audit::run(process, listeners.audit));
    let mut outcome = Ok(());
    while let Some(ended) = services.join_next().await {
        let ended =
            ended.unwrap_or_else(|panic| Err(Exit::new(ExitCode::DiskFailed, format!("a service broke: {panic}"))));
        // The first failure is the cause; what follows from it is not reported in its place.
        outcome = outcome.and(ended);
        shutdown.cancel();
    }
    outcome
}

fn start(services: &mut JoinSet<Result<(), Exit>>, service: impl Future<Output = Result<(), Exit>> + Send + 'static) {
    services.spawn(service);
}

fn query_deps(process: Process) -> case_query::Deps {
    case_query::Deps {
        settings: process.settings,
        clock: process.clock,
        entropy: process.entropy,
        shutdown: process.shutdown,
    }
}
