//! Serves the routes of one service on one port, behind the layers, until it is told to stop.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tracing::info;

use crate::access::Rule;
use crate::diagnostics::{self, Diagnostics};
use crate::exit::{Exit, ExitCode};
use crate::health::{self, Health};
use crate::identity::Identity;
use crate::layers::{self, CallerTraces, Gatekeeper, Methods, Offer, Shared};
use crate::program::Process;
use crate::telemetry::{ServerMetrics, Throttle, names, scoped};
use crate::tls::ServerTls;
use acceptor::{Acceptor, Door};
use connection::Ends;
use drain::Drain;
use gate::Gate;
use incoming::Incoming;
use pace::Pace;
use refusals::Refusals;

mod acceptor;
mod connection;
mod drain;
pub(crate) mod gate;
mod incoming;
pub(crate) mod pace;
mod refusals;
mod sips;

/// How often a silent connection is asked whether its peer is alive, and how long the peer may take to answer.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest header block of a call, in bytes.
const HEADER_BYTES_MAX: u32 = 16 * 1024;

/// Streams that a connection may have beyond the configured limits: for health, and for the refusals.
const STREAMS_SPARE: usize = 64;

/// Everything about a server but its routes.
#[derive(Clone)]
pub struct Host {
    /// In whose name spans, metrics and log lines of the calls are.
    pub identity: Identity,
    /// Served as `grpc.health.v1`; it drains when the server does.
    pub health: Health,
    /// What it is part of: settings, shutdown, clock. `limits.message_bytes` is for the services themselves
    /// (`max_decoding_message_size`).
    pub process: Process,
    /// Who may call what: a rule for each method of the routes. What every server has brings its own.
    pub rules: &'static [Rule],
    /// What operators can ask for.
    pub diagnostics: Diagnostics,
}

/// Takes a port. In use: [`ExitCode::InUse`], which names the address; anything else: [`ExitCode::CannotCreate`].
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Exit> {
    TcpListener::bind(address).await.map_err(|error| {
        if error.kind() == std::io::ErrorKind::AddrInUse {
            Exit::new(ExitCode::InUse, format!("{address} is in use by another process: stop it, or listen elsewhere"))
        } else {
            Exit::new(ExitCode::CannotCreate, format!("cannot listen on {address}: {error}"))
        }
    })
}

impl Host {
    /// Serves until `shutdown`, then drains: not ready any more, no new connections, calls in flight may finish for
    /// `drain_timeout`, and what is left then is cut off.
    ///
    /// `descriptors` is an encoded `FileDescriptorSet` with the services of the routes: methods that are not in it, or whose
    /// service is not one of `health`'s, count as unknown. A method without a rule is a bug that forbids the start.
    /// Streams that should end by themselves when the server drains watch `shutdown`.
    pub async fn serve(
        self,
        listener: TcpListener,
        routes: Routes,
        descriptors: &'static [u8],
        shutdown: CancellationToken,
    ) -> Result<(), Exit> {
        // Boxed: everything that a server is made of is in there, and whoever awaits this should not carry it around.
        scoped(self.identity, Box::pin(self.serve_here(listener, routes, descriptors, shutdown))).await
    }

    async fn serve_here(
        self,
        listener: TcpListener,
        routes: Routes,
        descriptors: &'static [u8],
        shutdown: CancellationToken,
    ) -> Result<(), Exit> {
        let (tls, keeping) = self.tls()?;
        let shared = Arc::new(self.shared(descriptors)?);
        if let Ok(address) = listener.local_addr() {
            let with = if tls.is_some() { " (TLS)" } else { "" };
            let name = self.identity.name;
            info!(name: names::LISTENING, address = %address, tls = tls.is_some(), "{name} listens on {address}{with}");
            shared.gatekeeper.announce(self.identity, address);
        }
        let routes = self.standard_services(routes, descriptors)?;
        let ends = Ends { stop: CancellationToken::new(), cut: CancellationToken::new() };
        // Whatever ends this future ends the connections with it.
        let _cut = ends.cut.clone().drop_guard();
        let mut drain = Drain::new(&self, &shared);
        let outcome = tokio::select! {
            outcome = self.serve_on_lanes((listener, tls), routes, &shared, &ends) => outcome,
            () = drain.run(&shutdown, &ends) => Ok(()),
            () = keeping => Ok(()),
        };
        drain.log();
        outcome
    }

    /// Takes connections in here and serves them on the lanes, until `ends.stop` and then until the last has ended.
    async fn serve_on_lanes(
        &self,
        (listener, tls): (TcpListener, Option<Arc<ServerTls>>),
        routes: Routes,
        shared: &Arc<Shared>,
        ends: &Ends,
    ) -> Result<(), Exit> {
        let (identity, limits) = (self.identity, &self.process.settings.limits);
        let gate = Arc::new(Gate::new(identity, "connections", limits.connections));
        let refusals = Arc::new(Refusals::new(identity));
        let pace = Pace::new(identity, limits.refusals_per_second, Instant::now());
        let (server, routes) = (self.transport().layer(layers::stack(Arc::clone(shared))), routes.prepare());
        // The servers end with this future.
        let (mut servers, mut doors) = (JoinSet::new(), Vec::new());
        for lane in self.process.lanes.or_here() {
            let runtime = lane.runtime.clone();
            let (door, arrivals) = Door::to(lane, gate.limit);
            doors.push(door);
            let (tls, ends) = (tls.clone(), ends.clone());
            let (refusals, pace) = (Arc::clone(&refusals), Arc::clone(&pace));
            let stop = ends.stop.clone().cancelled_owned();
            let incoming = Incoming { identity, arrivals, tls, ends, refusals, pace, handshakes: JoinSet::new() };
            let running = server.clone().serve_with_incoming_shutdown(routes.clone(), incoming.connections(), stop);
            servers.spawn_on(scoped(identity, running), &runtime);
        }
        let handshake_timeout = limits.handshake_timeout;
        let acceptor = Acceptor { identity, listener, gate, handshake_timeout, refusals, doors };
        let accepting = async {
            ends.stop.run_until_cancelled(acceptor.run()).await;
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            outcome = all_end(&mut servers, identity) => outcome,
            never = accepting => match never {},
        }
    }

    /// What connections shake hands with, and what keeps that up to date; without TLS neither does anything.
    fn tls(&self) -> Result<(Option<Arc<ServerTls>>, impl Future<Output = ()> + use<>), Exit> {
        let Process { settings, clock, reload, .. } = &self.process;
        let (tls, keeping) = ServerTls::start(settings, self.identity, Arc::clone(clock), reload.clone())?.unzip();
        let keeping = async {
            match keeping {
                Some(keeping) => keeping.await,
                None => std::future::pending().await,
            }
        };
        Ok((tls, keeping))
    }

    fn shared(&self, descriptors: &[u8]) -> Result<Shared, Exit> {
        let standard = [
            health::DESCRIPTORS,
            diagnostics::DESCRIPTORS,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ];
        let offer =
            Offer { routes: descriptors, served: self.health.services(), standard: &standard, rules: self.rules };
        let methods = Methods::of(offer).map_err(|error| unservable(&error))?;
        Ok(Shared {
            identity: self.identity,
            methods,
            metrics: ServerMetrics::new(self.identity),
            refusal_lines: Throttle::default(),
            caller_traces: CallerTraces::new(self.identity, self.process.settings.telemetry.caller_traces_per_second),
            limits: self.process.settings.limits.clone(),
            gatekeeper: Gatekeeper::start(self)?,
            health: self.health.clone(),
            draining: CancellationToken::new(),
        })
    }

    /// Adds what every server has.
    fn standard_services(&self, routes: Routes, descriptors: &'static [u8]) -> Result<Routes, Exit> {
        let routes = routes.add_service(health::server(self.health.clone())).add_service(diagnostics::server(self));
        if !self.process.settings.reflection.enabled {
            return Ok(routes);
        }
        let builder = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(descriptors)
                .register_encoded_file_descriptor_set(health::DESCRIPTORS)
                .register_encoded_file_descriptor_set(diagnostics::DESCRIPTORS)
                // Tools print the details of errors only if they can look up their types.
                .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        };
        let v1 = builder().build_v1().map_err(|error| unservable(&error))?;
        let v1alpha = builder().build_v1alpha().map_err(|error| unservable(&error))?;
        Ok(routes.add_service(v1).add_service(v1alpha))
    }

    fn transport(&self) -> Server {
        let limits = &self.process.settings.limits;
        let streams = limits.requests_in_flight.saturating_add(limits.streams_in_flight);
        let streams = u32::try_from(streams.saturating_add(STREAMS_SPARE)).unwrap_or(u32::MAX);
        Server::builder()
            .http2_keepalive_interval(Some(KEEP_ALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEP_ALIVE_TIMEOUT))
            .http2_max_header_list_size(HEADER_BYTES_MAX)
            // Calls may wait in a connection that is not read for a moment, and be taken back there when their deadline passes:
            // that is no flood.
            .http2_max_pending_accept_reset_streams(Some(streams as usize))
            // Above the limits of admission: whoever reaches one is told so, instead of waiting without a word.
            .max_concurrent_streams(streams)
    }
}

/// Waits until the servers of all lanes have ended; the first that fails ends it for all.
async fn all_end(servers: &mut JoinSet<Result<(), tonic::transport::Error>>, identity: Identity) -> Result<(), Exit> {
    let failed = |error: &dyn std::error::Error| {
        Exit::new(ExitCode::Unavailable, format!("{} cannot serve: {error}", identity.name))
    };
    while let Some(ended) = servers.join_next().await {
        ended.map_err(|broke| failed(&broke))?.map_err(|error| failed(&error))?;
    }
    Ok(())
}

fn unservable(error: &dyn std::error::Error) -> Exit {
    Exit::new(ExitCode::Configuration, format!("a bug: the services cannot be served: {error}"))
}
