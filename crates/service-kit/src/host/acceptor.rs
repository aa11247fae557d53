//! Takes connections in, and hands them round among the lanes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::warn;

use super::gate::{Gate, Place};
use super::refusals::{Refusal, Refusals};
use crate::identity::Identity;
use crate::lanes::{Lane, Mark, Tally};
use crate::telemetry::{meter, names};

/// How long to wait when no connection can be accepted: usually we are out of file descriptors, and trying on at once
/// would only burn the processor.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// A connection on its way to its lane.
pub(super) struct Accepted {
    /// Without a runtime: it is registered where it is to be served.
    pub(super) tcp: std::net::TcpStream,
    pub(super) peer: SocketAddr,
    /// Until when it must have spoken.
    pub(super) deadline: Instant,
    pub(super) stay: Stay,
}

/// What a connection occupies as long as it is there.
pub(super) struct Stay {
    _on_lane: [Mark; 2],
    /// Its place among `limits.connections`, given back last.
    _place: Place,
}

/// The way to the server of one lane.
pub(super) struct Door {
    queue: mpsc::Sender<Accepted>,
    /// Connections of this server there.
    connections: Tally,
    lane: Lane,
}

impl Door {
    /// A door, and where those who go through it arrive. The queue has room for as many as may be open at all, so that a lane
    /// that hangs does not keep connections from the others.
    pub(super) fn to(lane: Lane, connections_max: usize) -> (Self, mpsc::Receiver<Accepted>) {
        let (queue, arrivals) = mpsc::channel(connections_max.max(1));
        (Self { queue, connections: Tally::default(), lane }, arrivals)
    }

    /// How busy the lane is: with this server, and then with all.
    fn busy(&self) -> (usize, usize) {
        (self.connections.count(), self.lane.connections.count())
    }
}

/// A listener, and whom it lets in.
pub(super) struct Acceptor {
    pub(super) identity: Identity,
    pub(super) listener: TcpListener,
    /// How many may be open at once.
    pub(super) gate: Arc<Gate>,
    /// How long they may take to speak.
    pub(super) handshake_timeout: Duration,
    pub(super) refusals: Arc<Refusals>,
    /// One for each lane; at least one.
    pub(super) doors: Vec<Door>,
}

impl Acceptor {
    /// Takes in whoever comes, until this is dropped: it never ends by itself.
    pub(super) async fn run(self) -> Infallible {
        observe(self.identity, &self.gate);
        loop {
            match self.listener.accept().await {
                Ok((tcp, peer)) => self.take_in(tcp, peer),
                Err(error) => {
                    cannot_accept(&error);
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    fn take_in(&self, tcp: TcpStream, peer: SocketAddr) {
        let (Some(place), Some(door)) = (self.gate.enter(), least_busy(&self.doors, Door::busy)) else {
            self.refusals.refused(Refusal::Limit, Some(peer), "");
            return;
        };
        // Answers are small and must not wait for more to come. A failure shows at the first read.
        let _ = tcp.set_nodelay(true);
        let tcp = match tcp.into_std() {
            Ok(tcp) => tcp,
            Err(error) => return cannot_accept(&error),
        };
        let stay = Stay { _place: place, _on_lane: [door.connections.mark(), door.lane.connections.mark()] };
        let deadline = Instant::now() + self.handshake_timeout;
        // Whoever has a place at the gate has one in the queue. Closed: this server ends.
        let _ = door.queue.try_send(Accepted { tcp, peer, deadline, stay });
    }
}

pub(super) fn cannot_accept(error: &std::io::Error) {
    warn!(name: names::ACCEPT_FAILED, error = %error, "cannot accept a connection: {error}");
}

/// The first of those that have the least to do.
///
/// By connections that are open, and not in turn: clients keep theirs for hours, and whoever comes and goes in between
/// (health checks do, every few seconds) would shift the turns until all that last are on one lane. Those of this server count
/// first: two servers whose clients come alternately would else have a lane each.
fn least_busy<T>(all: &[T], busy: impl Fn(&T) -> (usize, usize)) -> Option<&T> {
    all.iter().min_by_key(|one| busy(one))
}

/// Has the connections of a server be a metric.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_fewest_of_the_same_server_is_least_busy_and_then_who_has_fewest_of_all() {
        let first = |busy: &[(usize, usize)]| {
            let numbered: Vec<_> = busy.iter().copied().enumerate().collect();
            least_busy(&numbered, |(_, busy)| *busy).map(|(number, _)| *number)
        };
        assert_eq!(first(&[(0, 0), (0, 0)]), Some(0));
        assert_eq!(first(&[(1, 1), (0, 0)]), Some(1));
        assert_eq!(first(&[(1, 3), (1, 2)]), Some(1));
        assert_eq!(first(&[(1, 9), (2, 2)]), Some(0));
        assert_eq!(first(&[]), None);
    }
}
