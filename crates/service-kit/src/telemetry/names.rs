//! Every name under which this crate reports: spans, attributes, metrics, log events.
//!
//! Dashboards, alerts and runbooks are written against these. Those of the semantic conventions are as of 1.44, where
//! the RPC ones are not stable yet: a renamed one is one changed constant.

/// What the calls are made with; always [`RPC_SYSTEM_GRPC`].
pub const RPC_SYSTEM_NAME: &str = "rpc.system.name";
/// The value of [`RPC_SYSTEM_NAME`].
pub const RPC_SYSTEM_GRPC: &str = "grpc";
/// The method, `package.Service/Method`, or [`METHOD_OTHER`].
pub const RPC_METHOD: &str = "rpc.method";
/// The outcome, `OK` or the upper-case name of a gRPC code.
pub const RPC_STATUS_CODE: &str = "rpc.response.status_code";
/// The class of a failure; here the code's name.
pub const ERROR_TYPE: &str = "error.type";
/// The host that a client calls.
pub const SERVER_ADDRESS: &str = "server.address";
/// The port that a client calls.
pub const SERVER_PORT: &str = "server.port";
/// Stands for every method that the server does not have: names from outside are no labels.
pub const METHOD_OTHER: &str = "_OTHER";
/// Our own attribute: the correlation id, on spans only.
pub const REQUEST_ID: &str = "request_id";

/// Resource: the program.
pub const SERVICE_NAME: &str = "service.name";
/// Resource: its version.
pub const SERVICE_VERSION: &str = "service.version";
/// Resource: this one process.
pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";
/// Resource: the installation.
pub const DEPLOYMENT_ENVIRONMENT_NAME: &str = "deployment.environment.name";

/// Histogram, `s`, by `rpc.system.name` (one), `rpc.method` (the methods of the server, or _OTHER) and
/// `rpc.response.status_code` (17): how long a server worked on a call, until its last byte.
pub const RPC_SERVER_CALL_DURATION: &str = "rpc.server.call.duration";
/// Histogram, `s`, by `rpc.system.name` (one), `rpc.method` (the methods that are called),
/// `rpc.response.status_code` (17), `server.address` (those of the configuration) and
/// `server.port` (likewise): how long a call took its caller.
pub const RPC_CLIENT_CALL_DURATION: &str = "rpc.client.call.duration";
/// Up-down counter, `{request}`, by `rpc.system.name` (one): calls that a server works on.
pub const RPC_SERVER_ACTIVE_REQUESTS: &str = "rpc.server.active_requests";
/// Counter, `{request}`, by `cause` (one for each limit of calls): calls that a server refused because it was full, or because
/// their caller made too many.
pub const RPC_SERVER_SHED_REQUESTS: &str = "rpc.server.shed_requests";
/// Counter, `{trace}`, no labels: traces that callers asked to be sampled, and that were not: more than `telemetry.caller_traces_per_second`.
pub const RPC_SERVER_TRACES_CLAMPED: &str = "rpc.server.caller_traces_clamped";
/// Of calls, which limit was reached: `requests_in_flight`, `streams_in_flight`, `health_watches` or
/// `calls_per_second_per_caller`. Of connections, why they were refused.
pub const SHED_CAUSE: &str = "cause";

/// Counter, `{event}`, by `event` (those of access) and `reason` (those of docs/errors.md, and one more): what an operator must
/// hear of who calls.
pub const SECURITY_EVENTS: &str = "casetracker.security.events";
/// Which event: the name of its log line.
pub const SECURITY_EVENT: &str = "event";
/// Why: a reason of `docs/errors.md`, or `insecure_mode`.
pub const SECURITY_REASON: &str = "reason";
/// Gauge, `s`, no labels: how long ago the keys of the identity provider were read.
pub const IDENTITY_KEYS_AGE: &str = "casetracker.identity.keys.age";
/// Counter, `{read}`, by `outcome` (a few words): attempts to read the keys of the identity provider.
pub const IDENTITY_KEYS_READS: &str = "casetracker.identity.keys.reads";
/// `ok` or `failed`.
pub const OUTCOME: &str = "outcome";
/// Gauge, `1`, by `dependency` (those of docs/dependencies.md): whether calls to it go through (0 closed, 1 open, 2 half-open).
pub const CLIENT_BREAKER_STATE: &str = "casetracker.client.breaker.state";
/// Counter, `{transition}`, by `dependency` (those of docs/dependencies.md) and `state` (three): changes of that.
pub const CLIENT_BREAKER_TRANSITIONS: &str = "casetracker.client.breaker.transitions";
/// Counter, `{call}`, by `dependency` (those of docs/dependencies.md): attempts that were not answered in time.
pub const CLIENT_TIMEOUTS: &str = "casetracker.client.timeouts";
/// Counter, `{attempt}`, by `dependency` (those of docs/dependencies.md): attempts after the first.
pub const CLIENT_RETRIES: &str = "casetracker.client.retries";
/// The name of a dependency in its policy.
pub const DEPENDENCY: &str = "dependency";
/// What a circuit became: `closed`, `open` or `half-open`.
pub const BREAKER_STATE: &str = "state";

/// The bounds of both duration histograms, in seconds: those of the conventions, and three below, since we are faster.
pub const DURATION_BOUNDS_S: [f64; 17] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// What keeps the data.
pub const DB_SYSTEM_NAME: &str = "db.system.name";
/// The value of [`DB_SYSTEM_NAME`] for an embedded store.
pub const DB_SYSTEM_SQLITE: &str = "sqlite";
/// What is done with the store, one of a few words.
pub const DB_OPERATION_NAME: &str = "db.operation.name";
/// Histogram, `s`, by `db.system.name` (one) and `db.operation.name` (a few words of each service): how long operations of a store took.
pub const DB_OPERATION_DURATION: &str = "db.client.operation.duration";
/// Up-down counter, `{connection}`, by `db.client.connection.pool.name` (one for each pool) and
/// `db.client.connection.state` (used, idle): open connections that read.
pub const DB_CONNECTION_COUNT: &str = "db.client.connection.count";
/// Up-down counter, `{connection}`, by `db.client.connection.pool.name` (one for each pool): how many connections that read there can be.
pub const DB_CONNECTION_MAX: &str = "db.client.connection.max";
/// Up-down counter, `{request}`, by `db.client.connection.pool.name` (one for each pool): reads that wait for a connection.
pub const DB_CONNECTION_PENDING: &str = "db.client.connection.pending_requests";
/// Whose connections.
pub const DB_POOL_NAME: &str = "db.client.connection.pool.name";
/// What a connection does: `used` or `idle`.
pub const DB_CONNECTION_STATE: &str = "db.client.connection.state";

/// Up-down counter, `By`, no labels: the physical memory that the process has.
pub const PROCESS_MEMORY_USAGE: &str = "process.memory.usage";
/// Gauge, `s`, no labels: how long the process has run.
pub const PROCESS_UPTIME: &str = "process.uptime";
/// Gauge, `s`, no labels: when the process started, in seconds since 1970. Its changes count restarts.
pub const PROCESS_START_TIME: &str = "process.start_time";

/// Up-down counter, `{span}`, by `otel.component.type` (one): spans that wait for their delivery.
pub const SDK_SPAN_QUEUE_SIZE: &str = "otel.sdk.processor.span.queue.size";
/// Up-down counter, `{span}`, by `otel.component.type` (one): spans that can wait.
pub const SDK_SPAN_QUEUE_CAPACITY: &str = "otel.sdk.processor.span.queue.capacity";
/// Counter, `{span}`, by `otel.component.type` (one) and `error.type` (one): spans that were dropped on their way.
pub const SDK_SPANS_PROCESSED: &str = "otel.sdk.processor.span.processed";
/// Counter, `{span}`, by `otel.component.type` (one) and `error.type` (one, on those that were lost):
/// spans whose delivery is over.
pub const SDK_SPANS_EXPORTED: &str = "otel.sdk.exporter.span.exported";
/// Which part of telemetry: [`COMPONENT_PROCESSOR`] or [`COMPONENT_EXPORTER`].
pub const OTEL_COMPONENT_TYPE: &str = "otel.component.type";
/// The queue of spans.
pub const COMPONENT_PROCESSOR: &str = "batching_span_processor";
/// The deliveries of spans.
pub const COMPONENT_EXPORTER: &str = "otlp_grpc_span_exporter";
/// The value of [`ERROR_TYPE`] for a span that found the queue full.
pub const QUEUE_FULL: &str = "queue_full";
/// The value of [`ERROR_TYPE`] for a span that the collector did not take.
pub const EXPORT_FAILED: &str = "export_failed";

/// Counter, `{line}`, by `cause` (two): log lines that were lost on their way to standard output.
pub const LOG_LINES_DROPPED: &str = "casetracker.log.lines_lost";
/// Why log lines were lost.
pub const LOG_LOSS_CAUSE: &str = SHED_CAUSE;
/// The value of [`LOG_LOSS_CAUSE`] for lines that found the buffer full: they are read more slowly than they come, or not at all.
pub const LOG_BUFFER_FULL: &str = "buffer_full";
/// The value of [`LOG_LOSS_CAUSE`] for lines that standard output refused: it is closed, or its disk is full.
pub const LOG_WRITE_FAILED: &str = "write_failed";

/// WARN: log lines were lost, for this reason, in this place.
pub const LOG_LINES_LOST: &str = "log_lines_lost";
/// INFO: the process has begun, with its version and environment.
pub const SERVICE_STARTED: &str = "service_started";
/// INFO: the first signal to end has come.
pub const SHUTDOWN_REQUESTED: &str = "shutdown_requested";
/// ERROR: the process cannot go on, for this reason.
pub const SERVICE_FAILED: &str = "service_failed";
/// INFO: the process ends, for this reason.
pub const SERVICE_SHUTDOWN: &str = "service_shutdown";
/// DEBUG: a call has arrived.
pub const REQUEST_STARTED: &str = "request_started";
/// INFO or DEBUG: a call is over; DEBUG for health and reflection.
pub const REQUEST_FINISHED: &str = "request_finished";
/// WARN: a caller could not show who it is.
pub const CREDENTIALS_REFUSED: &str = "credentials_refused";
/// WARN: a caller may not do what it asked for.
pub const PERMISSION_DENIED: &str = "permission_denied";
/// WARN: a caller makes more calls than it may.
pub const RATE_LIMITED: &str = "rate_limited";
/// WARN: a server believes whatever its callers say.
pub const INSECURE_MODE: &str = "insecure_mode";
/// INFO: the keys of the identity provider are others now.
pub const IDENTITY_KEYS_CHANGED: &str = "identity_keys_changed";
/// WARN: the keys of the identity provider could not be read.
pub const IDENTITY_KEYS_FAILED: &str = "identity_keys_failed";
/// ERROR: a bug, with all that the caller is not told.
pub const UNEXPECTED_ERROR: &str = "unexpected_error";
/// DEBUG or WARN or ERROR: a dependency failed; the level is that of its policy, DEBUG where another line says it.
pub const DEPENDENCY_FAILED: &str = "dependency_failed";
/// WARN: a dependency has failed so often in a row that it is left alone for a while.
pub const CIRCUIT_OPENED: &str = "circuit_opened";
/// INFO: a dependency answers again.
pub const CIRCUIT_CLOSED: &str = "circuit_closed";
/// WARN: certificates for outgoing calls have changed and cannot be used; those from before stay in force.
pub const CLIENT_CERTIFICATES_UNUSABLE: &str = "client_certificates_unusable";
/// INFO: certificates for outgoing calls have changed and are in use.
pub const CLIENT_CERTIFICATES_RELOADED: &str = "client_certificates_reloaded";
/// ERROR: a panic.
pub const PANICKED: &str = "panicked";
/// INFO or WARN: the server takes calls, or no longer does.
pub const READINESS_CHANGED: &str = "readiness_changed";
/// INFO: a server listens.
pub const LISTENING: &str = "listening";
/// WARN: no connection can be accepted now.
pub const ACCEPT_FAILED: &str = "accept_failed";
/// INFO: a server takes no more calls, and finishes those that it has.
pub const DRAIN_STARTED: &str = "drain_started";
/// INFO or WARN: a server is done; WARN if calls had to be cut off.
pub const DRAIN_FINISHED: &str = "drain_finished";
/// WARN: spans were lost on the way to the collector; at most one line a minute.
pub const TELEMETRY_DROPPED: &str = "telemetry_dropped";
/// WARN: traces or metrics no longer reach the collector; once, until they do again.
pub const TELEMETRY_EXPORT_FAILED: &str = "telemetry_export_failed";
/// INFO: traces and metrics reach the collector again.
pub const TELEMETRY_EXPORT_RECOVERED: &str = "telemetry_export_recovered";
/// WARN: telemetry could not be delivered before the end.
pub const TELEMETRY_FLUSH_INCOMPLETE: &str = "telemetry_flush_incomplete";
/// INFO: a signal asks the process to look at its files again.
pub const RELOAD_REQUESTED: &str = "reload_requested";
/// WARN: a variable of OpenTelemetry is set and not, or not quite, obeyed.
pub const CONFIGURATION_NOTICE: &str = "configuration_notice";
/// WARN: everybody on the machine can read the file of a secret.
pub const SECRET_FILE_EXPOSED: &str = "secret_file_exposed";
/// WARN: the file of a secret gives none any more; the old one is kept.
pub const SECRET_FILE_UNREADABLE: &str = "secret_file_unreadable";
/// INFO: a secret was replaced, or its file can be read again.
pub const SECRET_RELOADED: &str = "secret_reloaded";
/// ERROR: a background look has found something wrong, of another kind than before.
pub const PROBE_FAILED: &str = "probe_failed";
/// INFO: what a background look has found wrong is in order again.
pub const PROBE_PASSED: &str = "probe_passed";

/// Gauge, `{connection}`, no labels: connections that a server has open, those that still shake hands included.
pub const SERVER_CONNECTIONS: &str = "casetracker.server.connections";
/// Counter, `{connection}`, by `cause` (a few words): connections that a server refused or gave up before they carried a call.
pub const SERVER_CONNECTIONS_REFUSED: &str = "casetracker.server.connections_refused";
/// Counter, `{pause}`, no labels: how often a connection was read later because the server had too much to do.
pub const SERVER_READS_PAUSED: &str = "casetracker.server.reads_paused";
/// Gauge, `1`, by `limit` (one for each limit of places): the share of a limit that is used, 0 to 1. At 1 the server refuses.
pub const SERVER_SATURATION: &str = "casetracker.server.saturation";
/// Which limit: `requests_in_flight`, `streams_in_flight`, `health_watches` or `connections`.
pub const SERVER_LIMIT: &str = "limit";
/// Gauge, `s`, no labels: until the certificate of a server expires; negative when it has.
pub const CERTIFICATE_EXPIRY: &str = "casetracker.tls.certificate.expiry";

/// DEBUG or WARN: a connection was refused, or given up before it carried a call.
pub const CONNECTION_REFUSED: &str = "connection_refused";
/// INFO: the files of the certificate have changed, and new connections get the new one.
pub const CERTIFICATE_RELOADED: &str = "certificate_reloaded";
/// WARN: the files of the certificate have changed, and cannot be used; the one before stays in force.
pub const CERTIFICATE_RELOAD_FAILED: &str = "certificate_reload_failed";
/// WARN: the certificate has expired, or is about to.
pub const CERTIFICATE_EXPIRES: &str = "certificate_expires";
