//! The closed set of error reasons, and the one place that builds a gRPC status.
//!
//! Domain and storage know neither statuses nor codes. What they report becomes a [`Failure`] at the very end, and a
//! [`Failure`] becomes a `tonic::Status` only in [`Failure::into_status`], so that every error that leaves a server
//! carries `ErrorInfo` and `RequestInfo`.

mod failure;
mod prepared;
mod reason;
mod shortened;

pub use failure::{ERROR_DOMAIN, FailedCall, Failure};
pub use prepared::Prepared;
pub use reason::Reason;
