//! What is sent: one method, with the bytes of each call made from its number.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::uri::PathAndQuery;

/// In whose name the benchmark calls.
pub(crate) const ACTOR: &str = "bench";

/// Makes the bytes of a call from its number.
type Body = dyn Fn(u64) -> Bytes + Send + Sync;

/// Calls of one method of one server.
#[derive(Clone)]
pub(crate) struct Workload {
    /// Who is called.
    pub(crate) address: SocketAddr,
    /// `/package.Service/Method`.
    pub(crate) path: PathAndQuery,
    body: Arc<Body>,
    /// Shared by all clones, so that no number is ever used twice: keys of idempotency must be new.
    next: Arc<AtomicU64>,
}

impl Workload {
    /// Calls `path` at `address` with what `body` makes of each number.
    pub(crate) fn new(
        address: SocketAddr,
        path: &'static str,
        body: impl Fn(u64) -> Bytes + Send + Sync + 'static,
    ) -> Self {
        let path = PathAndQuery::from_static(path);
        Self { address, path, body: Arc::new(body), next: Arc::default() }
    }

    /// The same calls to another server.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self { address, next: Arc::default(), ..self.clone() }
    }

    /// The same calls, from this number on.
    pub(crate) fn beyond(self, used: u64) -> Self {
        Self { next: Arc::new(AtomicU64::new(used)), ..self }
    }

    /// The bytes of the next call.
    pub(crate) fn next(&self) -> Bytes {
        (self.body)(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Debug for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workload").field("address", &self.address).field("path", &self.path).finish_non_exhaustive()
    }
}
