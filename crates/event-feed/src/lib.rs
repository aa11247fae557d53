//! The consuming side of the event feed: follow, apply, acknowledge, resume.
//!
//! A service implements [`Consumer`] (its effect, and its position in the same transaction) and hands it to
//! [`follow`], which does the rest: it connects, checks that nothing is missing or repeated, hands over batch by batch,
//! acknowledges what is durable, connects again when the link breaks, and stops for good, loudly, when going on would
//! do harm. Delivery is at least once; with the position in the effect's transaction the effect is exactly once.

mod batch;
mod consumer;
#[cfg(feature = "fake")]
pub mod fake;
mod follow;
pub mod names;
mod progress;
mod session;
mod standing;
mod store_errors;

pub use batch::{Batch, Delivered, TRACE_AGE_MAX};
pub use consumer::{ConsumeError, Consumer, Halt, Opened, SpanNames};
pub use follow::{Feed, Timing, follow};
