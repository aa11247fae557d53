//! What can be configured, typed and valid: the last stage of loading.
//!
//! One schema for all binaries; each reads its sections. What a key means, its unit, limits and default stand in
//! `default.toml`, the reference.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::kind;
use super::secret::Secret;
use crate::access::Role;

/// The whole configuration. `deserialize_with` names what each value may be.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where this installation stands: the telemetry resource `deployment.environment.name`.
    #[serde(deserialize_with = "kind::environment")]
    pub environment: String,
    /// The folder of everything that is not placed elsewhere.
    #[serde(deserialize_with = "kind::path")]
    pub data_dir: PathBuf,
    /// How long a shutdown waits for calls in flight.
    #[serde(deserialize_with = "kind::drain_timeout")]
    pub drain_timeout: Duration,
    /// The write side.
    pub command: CommandSettings,
    /// The read model.
    pub query: QuerySettings,
    /// The audit log.
    pub audit: AuditSettings,
    /// The lifecycle of cases.
    pub lifecycle: LifecycleSettings,
    /// Idempotency keys.
    pub idempotency: IdempotencySettings,
    /// Who may call.
    pub auth: AuthSettings,
    /// Traces and metrics.
    pub telemetry: TelemetrySettings,
    /// Log lines.
    pub log: LogSettings,
    /// What a server takes on at once.
    pub limits: LimitSettings,
    /// Server reflection.
    pub reflection: ReflectionSettings,
    /// Certificates, our own and those that are believed.
    pub tls: TlsSettings,
    /// What is looked at in the background.
    pub probe: ProbeSettings,
}

/// Where a store lies: `sqlite:PATH`. Only its scheme is checked here; the storage crate parses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreAddress(pub String);

impl StoreAddress {
    /// The address as configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `command.*`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandSettings {
    /// Where the command service and the event feed listen.
    #[serde(deserialize_with = "kind::listen")]
    pub listen: SocketAddr,
    /// The store of cases, events and idempotency records.
    #[serde(deserialize_with = "kind::store")]
    pub store: StoreAddress,
    /// Commands are refused while more events than this wait for the audit log.
    #[serde(deserialize_with = "kind::positive")]
    pub audit_max_backlog: u64,
    /// Consumers whose position holds back the collection of old events.
    #[serde(deserialize_with = "kind::consumers")]
    pub required_consumers: Vec<String>,
    /// What case ids begin with, before the hyphen.
    #[serde(deserialize_with = "kind::case_id_prefix")]
    pub case_id_prefix: String,
}

/// `query.*`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuerySettings {
    /// Where the query service listens.
    #[serde(deserialize_with = "kind::listen")]
    pub listen: SocketAddr,
    /// The store of the read model.
    #[serde(deserialize_with = "kind::store")]
    pub store: StoreAddress,
    /// The event feed to follow: `http://host:port` or `https://host:port`.
    #[serde(deserialize_with = "kind::http_url")]
    pub feed_url: String,
    /// The longest that a read waits for the freshness it asked for.
    #[serde(deserialize_with = "kind::freshness_wait")]
    pub freshness_wait: Duration,
}

/// `audit.*`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditSettings {
    /// Where the audit service listens.
    #[serde(deserialize_with = "kind::listen")]
    pub listen: SocketAddr,
    /// The store of the audit log.
    #[serde(deserialize_with = "kind::store")]
    pub store: StoreAddress,
    /// The event feed to follow: `http://host:port` or `https://host:port`.
    #[serde(deserialize_with = "kind::http_url")]
    pub feed_url: String,
}

/// `lifecycle.*`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifecycleSettings {
    /// The lifecycle file; none = the one that is compiled in.
    #[serde(deserialize_with = "kind::path_or_none")]
    pub path: Option<PathBuf>,
}

/// `idempotency.*`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdempotencySettings {
    /// How long a key is remembered.
    #[serde(deserialize_with = "kind::retention")]
    pub retention: Duration,
}

/// `auth.*`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// How callers show who they are.
    #[serde(deserialize_with = "kind::auth_mode")]
    pub mode: AuthMode,
    /// Allows [`AuthMode::Insecure`] on addresses that other machines reach.
    #[serde(deserialize_with = "kind::switch")]
    pub insecure_anywhere: bool,
    /// Where the keys of the identity provider are; none in modes that need none.
    #[serde(deserialize_with = "kind::jwks")]
    pub jwks: Option<Jwks>,
    /// How often keys at a URL are fetched anew.
    #[serde(deserialize_with = "kind::jwks_refresh")]
    pub jwks_refresh: Duration,
    /// The `iss` of every token.
    #[serde(deserialize_with = "kind::text_or_none")]
    pub issuer: Option<String>,
    /// What the `aud` of every token names.
    #[serde(deserialize_with = "kind::text_or_none")]
    pub audience: Option<String>,
    /// How far the clocks of provider and server may be apart.
    #[serde(deserialize_with = "kind::clock_skew")]
    pub clock_skew: Duration,
    /// The claim that names the actor.
    #[serde(deserialize_with = "kind::claim")]
    pub actor_claim: String,
    /// The claim that lists the actor's roles; with dots for one inside another (`realm_access.roles`).
    #[serde(deserialize_with = "kind::claim")]
    pub roles_claim: String,
    /// The roles of whoever shows a client certificate that `tls.client_ca` has signed.
    #[serde(deserialize_with = "kind::roles")]
    pub certificate_roles: Vec<Role>,
    /// What this process shows when it calls another service: a bearer token.
    #[serde(deserialize_with = "kind::token")]
    pub token: Secret,
    /// The file that `token` is read from.
    #[serde(deserialize_with = "kind::path_or_none")]
    pub token_file: Option<PathBuf>,
}

/// How callers show who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// They say so, in `x-actor-id`, and are believed.
    Insecure,
    /// By a bearer token that an identity provider has signed; services also by a client certificate.
    Jwt,
    /// By a client certificate, all of them.
    Mtls,
}

/// Where the keys of an identity provider are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Jwks {
    /// A JWKS, or one public key in PEM; read again when it changes.
    File(PathBuf),
    /// A JWKS behind `https://` (or `http://`), fetched every `auth.jwks_refresh`.
    Url(String),
}

/// `tls.*`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// The certificate chain that this process shows, as a server and as a client, in PEM; none = no TLS.
    #[serde(deserialize_with = "kind::path_or_none")]
    pub certificate: Option<PathBuf>,
    /// The private key of `certificate`, in PEM.
    #[serde(deserialize_with = "kind::path_or_none")]
    pub key: Option<PathBuf>,
    /// Whose client certificates are believed, in PEM; none = none is asked for.
    #[serde(deserialize_with = "kind::path_or_none")]
    pub client_ca: Option<PathBuf>,
    /// Whose server certificates are believed when this process calls, in PEM; none = the public ones.
    #[serde(deserialize_with = "kind::path_or_none")]
    pub ca: Option<PathBuf>,
    /// Allows credentials, and the keys that are believed, to travel without TLS beyond this machine.
    #[serde(deserialize_with = "kind::switch")]
    pub plaintext_anywhere: bool,
}

/// `probe.*`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeSettings {
    /// How often stores, disks and files are looked at in the background.
    #[serde(deserialize_with = "kind::probe_interval")]
    pub interval: Duration,
    /// The room on the disk of a store below which it is not ready, in bytes.
    #[serde(deserialize_with = "kind::disk_free_bytes")]
    pub disk_free_bytes_min: u64,
}

/// `telemetry.*`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    /// The collector, `http://host:port` or `https://host:port`; none = nothing is exported.
    #[serde(deserialize_with = "kind::http_url_or_none")]
    pub otlp_endpoint: Option<String>,
    /// Whether traces are sent to the collector.
    #[serde(deserialize_with = "kind::switch")]
    pub traces: bool,
    /// Whether metrics are sent to the collector.
    #[serde(deserialize_with = "kind::switch")]
    pub metrics: bool,
    /// The telemetry resource `service.name`; none = the name of the binary.
    #[serde(deserialize_with = "kind::service_name_or_none")]
    pub service_name: Option<String>,
    /// The share of new traces that is kept, 0 to 1.
    #[serde(deserialize_with = "kind::ratio")]
    pub sample_ratio: f64,
    /// How many traces a second callers may force upon us by their own decision to sample.
    #[serde(deserialize_with = "kind::rate")]
    pub caller_traces_per_second: u32,
    /// Headers of every delivery to the collector: `key=value,key=value`; [`super::otlp_headers`] takes them apart.
    #[serde(deserialize_with = "kind::otlp_headers")]
    pub otlp_headers: Secret,
    /// The file that `otlp_headers` is read from.
    #[serde(deserialize_with = "kind::path_or_none")]
    pub otlp_headers_file: Option<PathBuf>,
}

/// `log.*`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// How a line is written.
    #[serde(deserialize_with = "kind::log_format")]
    pub format: LogFormat,
    /// Which lines are written: the directives of a `tracing_subscriber::EnvFilter`, known to parse.
    #[serde(deserialize_with = "kind::log_level")]
    pub level: String,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// [`LogFormat::Text`] if standard output is a terminal, else [`LogFormat::Json`].
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `limits.*`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    /// Calls that a server works on at once; more are shed.
    #[serde(deserialize_with = "kind::count")]
    pub requests_in_flight: usize,
    /// Streams that a server keeps open at once; more are refused.
    #[serde(deserialize_with = "kind::count")]
    pub streams_in_flight: usize,
    /// Connections that a server keeps open at once; more are closed as they come.
    #[serde(deserialize_with = "kind::count")]
    pub connections: usize,
    /// How long a new connection may take to speak (TLS and the HTTP/2 preface).
    #[serde(deserialize_with = "kind::deadline")]
    pub handshake_timeout: Duration,
    /// Calls that one caller may make in a second, on average; 0 = no limit.
    #[serde(deserialize_with = "kind::rate")]
    pub calls_per_second_per_caller: u32,
    /// Calls that one caller may make at once, where there is a limit on average.
    #[serde(deserialize_with = "kind::count")]
    pub calls_burst_per_caller: usize,
    /// Refusals for load that a server gives in a second before it reads who asks later.
    #[serde(deserialize_with = "kind::count")]
    pub refusals_per_second: usize,
    /// Commands that wait for the store; more are refused.
    #[serde(deserialize_with = "kind::count")]
    pub commands_queued: usize,
    /// The largest message that is decoded or sent, in bytes.
    #[serde(deserialize_with = "kind::message_bytes")]
    pub message_bytes: usize,
    /// The deadline of a call that brings none.
    #[serde(deserialize_with = "kind::deadline")]
    pub deadline_default: Duration,
    /// The latest deadline that a caller can ask for.
    #[serde(deserialize_with = "kind::deadline")]
    pub deadline_max: Duration,
}

/// `reflection.*`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReflectionSettings {
    /// Whether clients can ask for the schema.
    #[serde(deserialize_with = "kind::switch")]
    pub enabled: bool,
}
