//! Connections that never carry a call: counted by cause, and told without letting strangers fill the log.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::identity::Identity;
use crate::telemetry::{meter, names};

/// How often, at most, a cause is told as a warning.
const WARN_INTERVAL: Duration = Duration::from_secs(10);

/// Why a connection carried no call. The set is closed: it is a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// `limits.connections` are open.
    Limit,
    /// It has not spoken within `limits.handshake_timeout`.
    Silent,
    /// It spoke something other than HTTP/2: HTTP/1, or TLS to a port without.
    NotHttp2,
    /// It spoke something other than TLS to a port that wants it.
    NotTls,
    /// Its certificate is missing, or not one that `tls.client_ca` has signed, or not valid now.
    ClientCertificate,
    /// It refused us: our certificate, most often.
    RefusedByPeer,
    /// There is no version or method of TLS that both speak.
    NothingInCommon,
    /// It went away while shaking hands, as port scanners and the checks of load balancers do.
    Gone,
}

impl Refusal {
    const ALL: [Self; 8] = [
        Self::Limit,
        Self::Silent,
        Self::NotHttp2,
        Self::NotTls,
        Self::ClientCertificate,
        Self::RefusedByPeer,
        Self::NothingInCommon,
        Self::Gone,
    ];

    /// Its name as a label.
    const fn name(self) -> &'static str {
        match self {
            Self::Limit => "connections",
            Self::Silent => "handshake_timeout",
            Self::NotHttp2 => "not_http2",
            Self::NotTls => "not_tls",
            Self::ClientCertificate => "client_certificate",
            Self::RefusedByPeer => "refused_by_peer",
            Self::NothingInCommon => "nothing_in_common",
            Self::Gone => "gone",
        }
    }

    /// What an operator should know.
    const fn advice(self) -> &'static str {
        match self {
            Self::Limit => "as many connections are open as limits.connections allows",
            Self::Silent => "the peer did not speak within limits.handshake_timeout",
            Self::NotHttp2 => "the peer does not speak HTTP/2; if it speaks TLS: this port has none (tls.certificate)",
            Self::NotTls => "the peer does not speak TLS, and this port speaks nothing else (tls.certificate)",
            Self::ClientCertificate => "the peer's certificate is missing, expired, or not signed by tls.client_ca",
            Self::RefusedByPeer => "the peer does not accept this server's certificate (tls.certificate)",
            Self::NothingInCommon => {
                "the peer speaks no version of TLS, or no protocol inside it, that this server speaks"
            }
            Self::Gone => "the peer went away before the connection was up",
        }
    }

    /// Why a handshake failed.
    pub(super) fn of_handshake(error: &std::io::Error) -> Self {
        use rustls::Error as Tls;
        let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>()) else {
            return Self::Gone;
        };
        if matches!(tls, Tls::NoCertificatesPresented | Tls::InvalidCertificate(_)) {
            Self::ClientCertificate
        } else if matches!(tls, Tls::AlertReceived(_)) {
            Self::RefusedByPeer
        } else if matches!(tls, Tls::PeerIncompatible(_) | Tls::NoApplicationProtocol) {
            Self::NothingInCommon
        } else {
            Self::NotTls
        }
    }
}

/// What a server tells about such connections.
#[derive(Debug)]
pub(super) struct Refusals {
    counter: Counter<u64>,
    told: Mutex<[Told; Refusal::ALL.len()]>,
}

/// When a cause was last told as a warning, and how many went by since.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    last: Option<Instant>,
    since: u64,
}

impl Told {
    /// Whether to tell this one; if so, how many there were since the last.
    fn turn(&mut self, now: Instant) -> Option<u64> {
        self.since += 1;
        if self.last.is_some_and(|last| now.duration_since(last) < WARN_INTERVAL) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.since))
    }
}

impl Refusals {
    pub(super) fn new(identity: Identity) -> Self {
        let counter = meter(identity)
            .u64_counter(names::SERVER_CONNECTIONS_REFUSED)
            .with_unit("{connection}")
            .with_description("Connections that were refused, or given up before they carried a call.")
            .build();
        Self { counter, told: Mutex::default() }
    }

    /// A connection from `peer` has ended so; `detail` is what the library says.
    pub(super) fn refused(&self, refusal: Refusal, peer: Option<SocketAddr>, detail: &str) {
        let (cause, advice) = (refusal.name(), refusal.advice());
        self.counter.add(1, &[KeyValue::new(names::SHED_CAUSE, cause)]);
        let peer = peer.map(|peer| peer.to_string()).unwrap_or_default();
        debug!(name: names::CONNECTION_REFUSED, cause, peer, detail, "connection from {peer} refused: {advice}");
        if refusal == Refusal::Gone {
            return;
        }
        let turn = self.told.lock().unwrap_or_else(PoisonError::into_inner)[refusal as usize].turn(Instant::now());
        if let Some(count) = turn {
            warn!(
                name: names::CONNECTION_REFUSED,
                cause,
                peer,
                detail,
                count,
                "connections refused ({count} since the last such line), lately from {peer}: {advice}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_own_label_and_place() {
        for (place, refusal) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(refusal as usize, place);
            assert_eq!(Refusal::ALL.iter().filter(|other| other.name() == refusal.name()).count(), 1);
        }
    }

    #[test]
    fn a_cause_is_told_at_once_and_then_now_and_then_with_its_count() {
        let (mut told, start) = (Told::default(), Instant::now());
        assert_eq!(told.turn(start), Some(1));
        assert_eq!(told.turn(start), None);
        assert_eq!(told.turn(start + WARN_INTERVAL / 2), None);
        assert_eq!(told.turn(start + WARN_INTERVAL), Some(3));
    }
}
