//! What an operator wants to know about a running service: [`Report`]s of its parts, gathered in [`Diagnostics`], and
//! served with what the process knows about itself as `casetracker.admin.v1.DiagnosticsService`.

mod service;
mod wire;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use service::{DESCRIPTORS, server};

/// The protocol: messages, client and server of package `casetracker.admin.v1`.
#[expect(clippy::pedantic, reason = "generated")]
pub mod pb {
    tonic::include_proto!("casetracker.admin.v1");
}

/// What the parts of one server say about themselves, when they are asked. Clones share it.
#[derive(Clone, Default)]
pub struct Diagnostics {
    reporters: Arc<Mutex<Vec<Reporter>>>,
}

type Reporter = Box<dyn Fn() -> Vec<Report> + Send>;

/// What one part says. Never free text of cases, never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A store.
    Store(StoreReport),
    /// A bounded queue.
    Queue(QueueReport),
    /// The feed: as its source sees a consumer, or as a consumer sees its source.
    Feed(FeedReport),
    /// Another service, or a provider, that this one calls.
    Dependency(DependencyReport),
}

/// A store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreReport {
    /// For instance `command`.
    pub name: &'static str,
    /// Where it lies, passwords hidden.
    pub address: String,
    /// The version of its schema; 0 if that cannot be read now.
    pub schema_version: u32,
    /// The version that this binary knows.
    pub schema_version_supported: u32,
    /// The size of its files, in bytes.
    pub size_bytes: u64,
    /// What is wrong with it; empty if nothing is.
    pub problem: String,
}

/// A bounded queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueReport {
    /// For instance `commands`.
    pub name: &'static str,
    /// What waits in it.
    pub depth: u64,
    /// What can wait in it.
    pub capacity: u64,
}

/// A consumer and the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedReport {
    /// For instance `case-query`.
    pub consumer: String,
    /// The last event that is durable at the consumer.
    pub position: u64,
    /// The last event of the feed.
    pub head: u64,
    /// How long the oldest event that is missing has waited, in milliseconds; 0 if none is missing.
    pub lag_ms: u64,
    /// Whether the consumer is connected.
    pub connected: bool,
}

/// Something that this service calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyReport {
    /// For instance `case-command`.
    pub name: String,
    /// Where it is.
    pub address: String,
    /// `closed` (calls go through), `open` (calls fail at once) or `half-open` (one call tries).
    pub breaker: &'static str,
    /// The last failure; empty if there was none.
    pub last_failure: String,
}

impl Diagnostics {
    /// Nobody reports yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part. It is asked on a thread of the runtime, so it must not block.
    pub fn add(&self, reporter: impl Fn() -> Report + Send + 'static) {
        self.add_all(move || vec![reporter()]);
    }

    /// Adds parts whose number changes, such as whoever follows a feed. They are asked as in [`Self::add`].
    pub fn add_all(&self, reporter: impl Fn() -> Vec<Report> + Send + 'static) {
        self.lock().push(Box::new(reporter));
    }

    /// What all parts say now.
    pub fn reports(&self) -> Vec<Report> {
        self.lock().iter().flat_map(|report| report()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Reporter>> {
        self.reporters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagnostics").field("parts", &self.lock().len()).finish()
    }
}
