//! Configuration: the keys and their layers.

mod opentelemetry;
mod printing;
mod problems;
mod rules;
mod secrets;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use service_kit::access::Role;
use service_kit::settings::{
    AuthMode, DEFAULT_TOML, Fault, Flags, Loaded, LogFormat, Problem, Settings, Source, Sources, TlsSettings, load,
};
use tempfile::TempDir;

/// A binary that serves all three addresses.
fn all(settings: &Settings) -> Vec<SocketAddr> {
    vec![settings.command.listen, settings.query.listen, settings.audit.listen]
}

/// A place for a configuration file, and what else there is.
struct Place {
    folder: TempDir,
    sources: Sources,
}

impl Place {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), sources: Sources::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("case-tracker.toml")
    }

    fn file(mut self, text: &str) -> Self {
        std::fs::write(self.path(), text).unwrap();
        self.sources.file = Some(self.path());
        self
    }

    fn environment<const N: usize>(mut self, variables: [(&str, &str); N]) -> Self {
        self.sources.environment.extend(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        self
    }

    /// Another file beside the configuration, and its path.
    fn beside(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn data_dir(mut self, folder: &str) -> Self {
        self.sources.flags.data_dir = Some(folder.to_owned());
        self
    }

    fn loaded(&self) -> Loaded {
        load(&self.sources, all).unwrap()
    }

    fn problems(&self) -> Vec<Problem> {
        load(&self.sources, all).unwrap_err()
    }

    fn lines(&self) -> Vec<String> {
        let path = self.path().display().to_string();
        self.problems().iter().map(|problem| problem.to_string().replace(&path, "FILE")).collect()
    }
}

fn file_source(place: &Place, line: usize) -> Source {
    Source::File { path: place.path(), line }
}

fn variable(name: &str) -> Source {
    Source::Environment { variable: name.to_owned() }
}

#[test]
fn an_empty_folder_and_an_empty_environment_are_enough() {
    let settings = Place::new().loaded().settings;
    assert_eq!(settings, Settings::defaults().unwrap());
    assert_eq!(settings.environment, "development");
    assert_eq!(settings.data_dir, PathBuf::from("data"));
    assert_eq!(settings.drain_timeout, Duration::from_secs(10));
    assert_eq!(settings.command.listen.to_string(), "127.0.0.1:50051");
    assert_eq!(settings.command.store.as_str(), "sqlite:data/command.db");
    assert_eq!(settings.command.audit_max_backlog, 1_000_000);
    assert_eq!(settings.command.required_consumers, ["case-audit"]);
    assert_eq!(settings.command.case_id_prefix, "CASE");
    assert_eq!(settings.query.listen.to_string(), "127.0.0.1:50052");
    assert_eq!(settings.query.store.as_str(), "sqlite:data/query.db");
    assert_eq!(settings.query.feed_url, "http://127.0.0.1:50051");
    assert_eq!(settings.query.freshness_wait, Duration::from_secs(2));
    assert_eq!(settings.audit.listen.to_string(), "127.0.0.1:50053");
    assert_eq!(settings.audit.store.as_str(), "sqlite:data/audit.db");
    assert_eq!(settings.audit.feed_url, "http://127.0.0.1:50051");
    assert_eq!(settings.lifecycle.path, None);
    assert_eq!(settings.idempotency.retention, Duration::from_hours(7 * 24));
    assert_eq!((settings.auth.mode, settings.auth.insecure_anywhere), (AuthMode::Insecure, false));
    assert_eq!((settings.auth.jwks, settings.auth.issuer, settings.auth.audience), (None, None, None));
    assert_eq!(settings.auth.jwks_refresh, Duration::from_mins(5));
    assert_eq!(settings.auth.clock_skew, Duration::from_mins(1));
    assert_eq!((settings.auth.actor_claim.as_str(), settings.auth.roles_claim.as_str()), ("sub", "roles"));
    assert_eq!(settings.auth.certificate_roles, [Role::Service]);
    assert!(settings.auth.token.is_empty() && settings.auth.token_file.is_none());
    let tls = TlsSettings { certificate: None, key: None, client_ca: None, ca: None, plaintext_anywhere: false };
    assert_eq!(settings.tls, tls);
    assert_eq!(settings.probe.interval, Duration::from_secs(5));
    assert_eq!(settings.probe.disk_free_bytes_min, 64 * 1_024 * 1_024);
    assert_eq!(settings.telemetry.otlp_endpoint, None);
    assert_eq!((settings.telemetry.traces, settings.telemetry.metrics), (true, true));
    assert_eq!(settings.telemetry.service_name, None);
    assert_eq!(settings.telemetry.caller_traces_per_second, 100);
    assert!(settings.telemetry.otlp_headers.is_empty() && settings.telemetry.otlp_headers_file.is_none());
    assert!((settings.telemetry.sample_ratio - 1.0).abs() < f64::EPSILON);
    assert_eq!((settings.log.format, settings.log.level.as_str()), (LogFormat::Auto, "info"));
    assert_eq!((settings.limits.requests_in_flight, settings.limits.streams_in_flight), (2_048, 256));
    assert_eq!((settings.limits.connections, settings.limits.handshake_timeout), (1_024, Duration::from_secs(10)));
    assert_eq!((settings.limits.calls_per_second_per_caller, settings.limits.calls_burst_per_caller), (0, 200));
    assert_eq!((settings.limits.refusals_per_second, settings.limits.commands_queued), (2_000, 4_096));
    assert_eq!(settings.limits.message_bytes, 4 * 1_024 * 1_024);
    assert_eq!(settings.limits.deadline_default, Duration::from_secs(10));
    assert_eq!(settings.limits.deadline_max, Duration::from_mins(1));
    assert!(settings.reflection.enabled);
}

/// That every key of the file is in the schema, and every key of the schema in the file, is what makes it load at all:
/// the structs deny unknown fields and have no defaults. Here it is the comments that are checked.
#[test]
fn every_key_of_the_reference_is_explained_and_is_a_valid_file() {
    let mut commented = false;
    for line in DEFAULT_TOML.lines() {
        let is_key = line.contains(" = ") && !line.starts_with('#');
        assert!(!is_key || commented, "no comment above: {line}");
        commented = line.starts_with('#') || (commented && is_key);
        assert!(line.chars().count() <= 120, "too long: {line}");
    }
    let place = Place::new().file(DEFAULT_TOML);
    assert_eq!(place.loaded().settings, Settings::defaults().unwrap());
}

#[test]
fn the_reference_has_exactly_the_keys_that_can_be_set() {
    let loaded = Place::new().loaded();
    let keys: Vec<String> = loaded.provenance.keys().map(|line| line.key.to_owned()).collect();
    assert_eq!(keys.len(), 58, "a new key belongs into the reference, the schema, these tests and the README");
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
    for key in keys {
        // A value of a kind that no key takes: each key must say what it takes instead.
        let place = Place::new().file(&format!("{key} = [[]]\n"));
        let problems = place.problems();
        assert_eq!(problems.len(), 1, "{key}: {problems:?}");
        assert_eq!(
            (problems[0].key.as_str(), problems[0].source.clone()),
            (key.as_str(), Some(file_source(&place, 1)))
        );
        assert!(matches!(problems[0].fault, Fault::NotAllowed(_)), "{key}: {}", problems[0]);
    }
}

#[test]
fn later_layers_win() {
    let file = "drain_timeout = \"1s\"\ndata_dir = \"from-file\"\n[log]\nlevel = \"warn\"\n";
    let environment = [("CASE_TRACKER__LOG__LEVEL", "debug"), ("CASE_TRACKER__DATA_DIR", "from-environment")];
    let place = Place::new().file(file).environment(environment).data_dir("from-flag");
    let Loaded { settings, provenance, notices: _ } = place.loaded();
    assert_eq!(settings.drain_timeout, Duration::from_secs(1));
    assert_eq!(settings.log.level, "debug");
    assert_eq!(settings.data_dir, PathBuf::from("from-flag"));
    assert_eq!(provenance.source_of("drain_timeout"), Some(&file_source(&place, 1)));
    assert_eq!(provenance.source_of("log.level"), Some(&variable("CASE_TRACKER__LOG__LEVEL")));
    assert_eq!(provenance.source_of("data_dir"), Some(&Source::Flag { name: "--data-dir" }));
    assert_eq!(provenance.source_of("log.format"), Some(&Source::Default));
    assert_eq!(provenance.source_of("log.colour"), None);
}

#[test]
fn every_type_can_be_set_from_the_environment() {
    let place = Place::new().environment([
        ("CASE_TRACKER__ENVIRONMENT", "staging"),
        ("CASE_TRACKER__DRAIN_TIMEOUT", "1m 30s"),
        ("CASE_TRACKER__COMMAND__LISTEN", "[::1]:0"),
        ("CASE_TRACKER__COMMAND__REQUIRED_CONSUMERS", "case-audit, case-query"),
        ("CASE_TRACKER__LIMITS__REQUESTS_IN_FLIGHT", "64"),
        ("CASE_TRACKER__TELEMETRY__SAMPLE_RATIO", "0.25"),
        ("CASE_TRACKER__REFLECTION__ENABLED", "false"),
        ("CASE_TRACKER_PORT_50051_TCP", "left alone: Kubernetes sets such ones"),
        ("PATH", "/bin"),
    ]);
    let settings = place.loaded().settings;
    assert_eq!(settings.environment, "staging");
    assert_eq!(settings.drain_timeout, Duration::from_secs(90));
    assert_eq!(settings.command.listen.to_string(), "[::1]:0");
    assert_eq!(settings.command.required_consumers, ["case-audit", "case-query"]);
    assert_eq!(settings.limits.requests_in_flight, 64);
    assert!((settings.telemetry.sample_ratio - 0.25).abs() < f64::EPSILON);
    assert!(!settings.reflection.enabled);
}

#[test]
fn stores_follow_the_data_folder_unless_they_are_placed() {
    let place = Place::new().file("[query]\nstore = \"sqlite:/fast/q.db\"\n").data_dir("/srv/cases/");
    let Loaded { settings, provenance, notices: _ } = place.loaded();
    assert_eq!(settings.command.store.as_str(), "sqlite:/srv/cases/command.db");
    assert_eq!(settings.query.store.as_str(), "sqlite:/fast/q.db");
    assert_eq!(provenance.source_of("command.store"), Some(&Source::Flag { name: "--data-dir" }));
    assert_eq!(provenance.source_of("query.store"), Some(&file_source(&place, 2)));
}

#[test]
fn the_lifecycle_flag_wins() {
    let mut place = Place::new().environment([("CASE_TRACKER__LIFECYCLE__PATH", "a.toml")]);
    place.sources.flags = Flags { data_dir: None, lifecycle: Some("b.toml".to_owned()) };
    assert_eq!(place.loaded().settings.lifecycle.path, Some(PathBuf::from("b.toml")));
}
