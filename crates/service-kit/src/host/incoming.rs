//! The connections that arrive on a lane, ready to speak HTTP/2.

use std::convert::Infallible;
use std::sync::Arc;

use futures_util::{Stream, stream};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout_at;
use tokio_rustls::TlsAcceptor;

use super::acceptor::{Accepted, cannot_accept};
use super::connection::{Bytes, Connection, Ends};
use super::pace::{Brake, Pace};
use super::refusals::{Refusal, Refusals};
use crate::identity::Identity;
use crate::telemetry::scoped;
use crate::tls::ServerTls;

/// Who comes to a lane, and what becomes of them.
pub(super) struct Incoming {
    pub(super) identity: Identity,
    pub(super) arrivals: mpsc::Receiver<Accepted>,
    /// None: without TLS.
    pub(super) tls: Option<Arc<ServerTls>>,
    pub(super) ends: Ends,
    pub(super) refusals: Arc<Refusals>,
    /// What the server can afford to refuse.
    pub(super) pace: Arc<Pace>,
    /// Each in a task of its own: one peer that takes its time holds up nobody. They end with this.
    pub(super) handshakes: JoinSet<Option<Connection>>,
}

impl Incoming {
    /// The connections, until this is dropped or nobody lets in any more. To be read on the lane.
    pub(super) fn connections(self) -> impl Stream<Item = Result<Connection, Infallible>> {
        stream::unfold(self, |mut incoming| async move {
            let connection = incoming.next().await?;
            Some((Ok(connection), incoming))
        })
    }

    async fn next(&mut self) -> Option<Connection> {
        loop {
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    // One that panicked is a bug, logged as such, and of no consequence to the others.
                    if let Ok(Some(connection)) = done {
                        return Some(connection);
                    }
                }
                accepted = self.arrivals.recv() => {
                    if let Some(connection) = self.begin(accepted?) {
                        return Some(connection);
                    }
                }
            }
        }
    }

    /// Takes a connection in: it is there at once without TLS, and after its handshake with.
    fn begin(&mut self, accepted: Accepted) -> Option<Connection> {
        let Accepted { tcp, peer, deadline, stay } = accepted;
        let tcp = TcpStream::from_std(tcp).inspect_err(cannot_accept).ok()?;
        let (ends, refusals) = (self.ends.clone(), Arc::clone(&self.refusals));
        let brake = Brake::new(Arc::clone(&self.pace));
        let Some(tls) = &self.tls else {
            return Some(Connection::new(Bytes::Plain(tcp), deadline, stay, brake, (&ends, refusals)));
        };
        let handshake = TlsAcceptor::from(tls.current()).accept(tcp);
        let handshake = async move {
            let refusal = match timeout_at(deadline, handshake).await {
                Ok(Ok(tls)) => {
                    let bytes = Bytes::Tls(Box::new(tls));
                    return Some(Connection::new(bytes, deadline, stay, brake, (&ends, refusals)));
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
