//! Configuration: defaults < file < environment < flags < OpenTelemetry's variables, typed, and every mistake reported at
//! once.
//!
//! `default.toml` is the reference of the keys. The `config` crate lays the layers over each other, each value with its
//! source; serde makes the typed [`Settings`] of them, the schema naming beside each field what its value may be. Nothing
//! here reads the environment of the process: it is an argument.

mod configuration;
mod gather;
mod kind;
mod layers;
mod level;
mod nearest;
mod notice;
mod opentelemetry;
mod otlp_headers;
mod print;
mod problem;
mod provenance;
mod redaction;
mod rules;
mod schema;
mod secret;
mod secret_file;
mod secret_key;
mod source;
mod toml_text;

pub use configuration::{Configuration, Loaded, load};
pub use gather::{Flags, Sources};
pub use layers::DEFAULT_TOML;
pub use notice::Notice;
pub use otlp_headers::otlp_headers;
pub(crate) use print::count;
pub use problem::{Fault, Problem};
pub use provenance::{KeyInForce, Provenance};
pub(crate) use redaction::without_passwords;
pub use rules::Served;
pub use schema::{
    AuditSettings, AuthMode, AuthSettings, CommandSettings, IdempotencySettings, Jwks, LifecycleSettings,
    LimitSettings, LogFormat, LogSettings, ProbeSettings, QuerySettings, ReflectionSettings, Settings, StoreAddress,
    TelemetrySettings, TlsSettings,
};
pub use secret::Secret;
pub use secret_file::{SecretFile, SecretFileError};
pub use source::Source;

impl Settings {
    /// What an empty folder and an empty environment give. Fails only if `default.toml` does not fit the schema, which a
    /// test excludes.
    pub fn defaults() -> Result<Self, Vec<Problem>> {
        load(&Sources::default(), |_| Vec::new()).map(|loaded| loaded.settings)
    }
}
