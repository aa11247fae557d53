//! What follows the feed.

use std::error::Error;
use std::fmt;

use case_api::event_pb::LifecycleDefinition;
use service_kit::exit::Exit;
use service_kit::identity::Identity;

use crate::Batch;

/// Follows the feed: has an effect for each event, and keeps its position in the same transaction as the effect.
///
/// All methods but [`Consumer::position`] may block: they are called one at a time on a blocking thread of the runtime.
pub trait Consumer: Send + Sync + 'static {
    /// Who follows. The name is that of the consumer on the feed.
    fn identity(&self) -> Identity;

    /// How its spans are called.
    fn span_names(&self) -> SpanNames;

    /// The last position whose effect is durable; 0: none. Must not block.
    fn position(&self) -> u64;

    /// The feed says which store it is of. Answers the position after which to go on: [`Consumer::position`], or another
    /// one if the consumer has just started over.
    fn opened(&self, feed: &Opened) -> Result<u64, ConsumeError>;

    /// The lifecycle in force, after each `opened` and whenever it changes.
    fn lifecycle(&self, definition: &LifecycleDefinition) -> Result<(), ConsumeError>;

    /// Applies the events of a batch in their order, in one transaction with the new position. Everything is durable when
    /// it returns `Ok`, and nothing has happened when it returns an error.
    fn apply(&self, batch: &Batch) -> Result<(), ConsumeError>;
}

/// How a consumer's spans are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanNames {
    /// Around one event, in the trace of the request that caused it: `query.project`.
    pub event: &'static str,
    /// Around a batch, a trace of its own: `query.apply_batch`.
    pub batch: &'static str,
}

/// What the feed says of itself when it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The store's random id; a restored store has another one.
    pub epoch: [u8; 16],
    /// The last committed position.
    pub head: u64,
    /// The id of the event at the consumer's own position; empty if the feed has none there. Where it is not the id of the
    /// consumer's own last event, the feed's store has lost what the consumer has followed.
    pub after_event_id: String,
}

/// Why following has to stop until somebody has looked: going on would do harm, and trying again would not help.
#[derive(Debug)]
pub struct Halt {
    /// What is wrong and what to do about it, for a stranger.
    pub reason: String,
    /// The cause.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Halt {
    /// Stops following, for `reason`.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), source: None }
    }

    /// Stops following, for `reason`, which has a cause.
    pub fn caused_by(reason: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { reason: reason.into(), source: Some(source.into()) }
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Error for Halt {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn Error + 'static))
    }
}

/// Why a consumer could not do its part. Each variant asks something else of the follower.
///
/// A `storage::Error` becomes one by `From`.
#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    /// It may work later: the same batch is tried again, with back-off, without losing the place.
    #[error("it cannot be done now")]
    Retry(#[source] Box<dyn Error + Send + Sync>),
    /// Following stops for good; the process goes on with what it has.
    #[error(transparent)]
    Halt(#[from] Halt),
    /// The process has to end.
    #[error(transparent)]
    End(#[from] Exit),
}
