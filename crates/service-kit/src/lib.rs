//! Hosts any gRPC service: configuration, the life of a process, telemetry, health, deadlines, shedding,
//! authentication, outgoing channels.
//!
//! This crate knows no cases. A service hands [`program::main`] a function that runs it; everything that is the same for
//! every binary happens here, once.

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

pub mod access;
pub mod client;
pub mod clock;
pub mod diagnostics;
pub mod exit;
pub mod health;
pub mod host;
pub mod identity;
pub mod lag;
pub mod lanes;
pub mod program;
pub mod reload;
pub mod request;
pub mod settings;
pub mod telemetry;
pub mod tls;

mod identity_provider;
mod layers;
