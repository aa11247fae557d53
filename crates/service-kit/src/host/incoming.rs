//! The connections that arrive at a listener, ready to speak HTTP/2.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;
use tracing::warn;

use super::connection::{Bytes, Connection, Ends};
use super::gate::Gate;
use super::refusals::{Refusal, Refusals};
use crate::identity::Identity;
use crate::telemetry::{meter, names, scoped};
use crate::tls::ServerTls;

/// How long to wait when no connection can be accepted: usually we are out of file descriptors, and trying on at once
/// would only burn the processor.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// A listener, and what becomes of those who come.
pub(super) struct Incoming {
    pub(super) identity: Identity,
    pub(super) listener: TcpListener,
    /// None: without TLS.
    pub(super) tls: Option<Arc<ServerTls>>,
    /// How many may be open at once.
    pub(super) gate: Arc<Gate>,
    /// How long they may take to speak.
    pub(super) handshake_timeout: Duration,
    pub(super) ends: Ends,
    pub(super) refusals: Arc<Refusals>,
    /// Each in a task of its own: one peer that takes its time holds up nobody. They end with the listener.
    pub(super) handshakes: JoinSet<Option<Connection>>,
}

impl Incoming {
    /// The connections, until this is dropped.
    pub(super) fn connections(self) -> impl Stream<Item = Result<Connection, Infallible>> {
        observe(self.identity, &self.gate);
        stream::unfold(self, |mut incoming| async move {
            let connection = incoming.next().await;
            Some((Ok(connection), incoming))
        })
    }

    async fn next(&mut self) -> Connection {
        loop {
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    // One that panicked is a bug, logged as such, and of no consequence to the others.
                    if let Ok(Some(connection)) = done {
                        return connection;
                    }
                }
                accepted = self.listener.accept() => match accepted {
                    Ok((tcp, peer)) => {
                        if let Some(connection) = self.begin(tcp, peer) {
                            return connection;
                        }
                    }
                    Err(error) => {
                        warn!(name: names::ACCEPT_FAILED, error = %error, "cannot accept a connection: {error}");
                        tokio::time::sleep(ACCEPT_RETRY).await;
                    }
                },
            }
        }
    }

    /// Takes a connection in: it is there at once without TLS, and after its handshake with.
    fn begin(&mut self, tcp: TcpStream, peer: SocketAddr) -> Option<Connection> {
        let Some(place) = self.gate.enter() else {
            self.refusals.refused(Refusal::Limit, Some(peer), "");
            return None;
        };
        // Answers are small and must not wait for more to come. A failure shows at the first read.
        let _ = tcp.set_nodelay(true);
        let deadline = Instant::now() + self.handshake_timeout;
        let (ends, refusals) = (self.ends.clone(), Arc::clone(&self.refusals));
        let Some(tls) = &self.tls else {
            return Some(Connection::new(Bytes::Plain(tcp), deadline, place, &ends, refusals));
        };
        let handshake = TlsAcceptor::from(tls.current()).accept(tcp);
        let handshake = async move {
            let refusal = match timeout_at(deadline, handshake).await {
                Ok(Ok(tls)) => {
                    return Some(Connection::new(Bytes::Tls(Box::new(tls)), deadline, place, &ends, refusals));
                }
                Ok(Err(error)) => (Refusal::of_handshake(&error), error.to_string()),
                Err(_) => (Refusal::Silent, String::new()),
            };
            refusals.refused(refusal.0, Some(peer), &refusal.1);
            None
        };
        self.handshakes.spawn(scoped(self.identity, handshake));
        None
    }
}

fn observe(identity: Identity, gate: &Arc<Gate>) {
    let gate = Arc::downgrade(gate);
    let _registered = meter(identity)
        .u64_observable_gauge(names::SERVER_CONNECTIONS)
        .with_unit("{connection}")
        .with_description("Connections that the server has open.")
        .with_callback(move |observer| {
            let Some(gate) = gate.upgrade() else { return };
            observer.observe(u64::try_from(gate.used()).unwrap_or(u64::MAX), &[]);
        })
        .build();
}
