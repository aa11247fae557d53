//! A connection that must speak soon, and that can be cut off.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

use super::acceptor::Stay;
use super::pace::Brake;
use super::refusals::{Refusal, Refusals};
use super::sips::Sips;
use crate::tls::ConnectionInfo;

/// What every HTTP/2 connection begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long, once the server stops, a connection that has not spoken yet may still take.
const LAST_CHANCE: Duration = Duration::from_millis(500);

/// The bytes of a connection, with TLS or without.
pub(super) enum Bytes {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What ends a connection before its peer does.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    /// The server takes no more connections: who has not spoken by now has to hurry.
    pub(super) stop: CancellationToken,
    /// Everything is over.
    pub(super) cut: CancellationToken,
}

/// A connection that fails as soon as its server says so, whoever holds it: tonic spawns a task for each, and dropping
/// the server leaves them running.
pub(super) struct Connection {
    bytes: Take<Bytes>,
    info: ConnectionInfo,
    /// None once the peer has spoken.
    opening: Option<Opening>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    brake: Arc<Brake>,
    /// Wakes whoever reads it after a pause; made by the first one.
    paused: Option<Pin<Box<Sleep>>>,
    sips: Sips,
    _stay: Stay,
}

/// A peer that has not spoken yet. What comes after belongs to HTTP/2, whose pings find out who has died.
struct Opening {
    /// How much of the preface has come.
    seen: usize,
    expiry: Pin<Box<Sleep>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    stopping: bool,
    refusals: Arc<Refusals>,
}

impl Connection {
    pub(super) fn new(
        bytes: Bytes,
        deadline: Instant,
        stay: Stay,
        brake: Arc<Brake>,
        (ends, refusals): (&Ends, Arc<Refusals>),
    ) -> Self {
        let opening = Opening {
            seen: 0,
            expiry: Box::pin(tokio::time::sleep_until(deadline)),
            stop: Box::pin(ends.stop.clone().cancelled_owned()),
            stopping: false,
            refusals,
        };
        let info = bytes.info(Arc::clone(&brake));
        let cut = Box::pin(ends.cut.clone().cancelled_owned());
        let bytes = bytes.take(u64::MAX);
        Self { bytes, info, opening: Some(opening), cut, brake, paused: None, sips: Sips::default(), _stay: stay }
    }

    /// Whether it is to be read at all, for now.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(until) = self.brake.pause() else { return Poll::Ready(()) };
        let sleep = self.paused.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        self.sips.begin();
        sleep.as_mut().poll(cx)
    }

    /// Reads what there is, or a sip of it.
    fn poll_bytes(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Whoever looks at the last sip wakes the connection.
        let Some(most) = self.sips.next() else { return Poll::Pending };
        self.bytes.set_limit(most);
        let polled = Pin::new(&mut self.bytes).poll_read(cx, buffer);
        if polled.is_ready() {
            self.sips.took(cx.waker());
        }
        polled
    }

    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "cut off by the shutdown")),
            Poll::Pending => Ok(()),
        }
    }
}

impl Opening {
    /// Looks at what has come: whether it is the preface, and all of it.
    fn hear(&mut self, said: &[u8]) -> Result<bool, Refusal> {
        let rest = &PREFACE[self.seen..];
        let common = rest.len().min(said.len());
        if said[..common] != rest[..common] {
            return Err(Refusal::NotHttp2);
        }
        self.seen += common;
        Ok(self.seen == PREFACE.len())
    }

    /// Whether the peer has been silent for too long.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.stopping && self.stop.as_mut().poll(cx).is_ready() {
            self.stopping = true;
            let soon = Instant::now() + LAST_CHANCE;
            if soon < self.expiry.deadline() {
                self.expiry.as_mut().reset(soon);
            }
        }
        self.expiry.as_mut().poll(cx)
    }
}

impl Bytes {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    fn info(&self, brake: Arc<Brake>) -> ConnectionInfo {
        let certificates = match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => tls.get_ref().1.peer_certificates(),
        };
        let owned = |certificate: &rustls::pki_types::CertificateDer<'_>| certificate.clone().into_owned();
        let certificates = certificates.unwrap_or_default().iter().map(owned).collect();
        ConnectionInfo::new(self.tcp().peer_addr().ok(), certificates, brake)
    }
}

impl Connected for Connection {
    type ConnectInfo = ConnectionInfo;

    fn connect_info(&self) -> ConnectionInfo {
        self.info.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check(cx)?;
        std::task::ready!(this.poll_pause(cx));
        let before = buffer.filled().len();
        let polled = this.poll_bytes(cx, buffer);
        let Some(opening) = &mut this.opening else {
            return polled;
        };
        let refusal = match polled {
            Poll::Ready(Err(_)) => return polled,
            Poll::Ready(Ok(())) => match opening.hear(&buffer.filled()[before..]) {
                Ok(all) => {
                    if all {
                        this.opening = None;
                    }
                    return polled;
                }
                Err(refusal) => refusal,
            },
            Poll::Pending => {
                std::task::ready!(opening.poll_patience(cx));
                Refusal::Silent
            }
        };
        opening.refusals.refused(refusal, this.info.peer_address, "");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, "it does not begin as HTTP/2 does")))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(self.bytes.get_mut()).poll_write(cx, bytes)
    }

    // Not vectored, on purpose: where it is, h2 writes every message above 256 bytes by itself, one system call (and one
    // TLS record) an answer. Here it gathers answers of up to 1 KiB in its buffer of 16 KiB (`docs/adr/0018`).

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(self.bytes.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(self.bytes.get_mut()).poll_shutdown(cx)
    }
}

impl AsyncRead for Bytes {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Bytes {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
