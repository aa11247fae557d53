//! What a service knows about itself, as messages. Texts that come from elsewhere lose the passwords in them here, whoever
//! wrote them: this is the last place before they leave the process.

use std::time::Duration;

use super::{DependencyReport, FeedReport, QueueReport, StoreReport, pb};
use crate::health::Health;
use crate::settings::{AuthMode, KeyInForce, Settings, without_passwords};

/// Microseconds of the Unix epoch as the protocol has them.
pub(super) fn timestamp(unix_us: i64) -> prost_types::Timestamp {
    let nanos = unix_us.rem_euclid(1_000_000) * 1_000;
    prost_types::Timestamp {
        seconds: unix_us.div_euclid(1_000_000),
        // Below 1,000,000,000 by the line above.
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

pub(super) fn duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
    }
}

pub(super) fn health(health: &Health) -> pb::Health {
    let condition = |(name, outcome): (&str, Result<(), String>)| pb::Condition {
        name: name.to_owned(),
        passing: outcome.is_ok(),
        reason: outcome.err().map(|reason| without_passwords(&reason)).unwrap_or_default(),
    };
    pb::Health {
        ready: health.is_ready(),
        started: health.has_started(),
        draining: health.is_draining(),
        conditions: health.conditions().into_iter().map(condition).collect(),
    }
}

pub(super) fn setting(key: &KeyInForce<'_>) -> pb::Setting {
    pb::Setting { key: key.key.to_owned(), value: key.value.clone(), source: key.source.to_string() }
}

/// What can be switched, in the order of the names.
pub(super) fn features(settings: &Settings) -> Vec<pb::Feature> {
    let auth = match settings.auth.mode {
        AuthMode::Insecure => "insecure",
        AuthMode::Jwt => "jwt",
        AuthMode::Mtls => "mtls",
    };
    let states = [
        ("auth", auth),
        ("client_certificates", on(settings.tls.client_ca.is_some())),
        ("insecure_anywhere", on(settings.auth.insecure_anywhere)),
        ("plaintext_anywhere", on(settings.tls.plaintext_anywhere)),
        ("rate_limit_per_caller", on(settings.limits.calls_per_second_per_caller > 0)),
        ("reflection", on(settings.reflection.enabled)),
        ("telemetry_export", on(settings.telemetry.otlp_endpoint.is_some())),
        ("tls", on(settings.tls.certificate.is_some())),
    ];
    states.map(|(name, state)| pb::Feature { name: name.to_owned(), state: state.to_owned() }).to_vec()
}

const fn on(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

pub(super) fn store(report: StoreReport) -> pb::Store {
    let StoreReport { name, address, schema_version, schema_version_supported, size_bytes, problem } = report;
    pb::Store {
        name: name.to_owned(),
        address: without_passwords(&address),
        schema_version,
        schema_version_supported,
        size_bytes,
        problem: without_passwords(&problem),
    }
}

pub(super) fn queue(QueueReport { name, depth, capacity }: QueueReport) -> pb::Queue {
    pb::Queue { name: name.to_owned(), depth, capacity }
}

pub(super) fn feed(report: FeedReport) -> pb::Feed {
    let FeedReport { consumer, position, head, lag_ms, connected } = report;
    let lag = Some(duration(Duration::from_millis(lag_ms)));
    pb::Feed { consumer, position, head_position: head, lag, connected }
}

pub(super) fn dependency(report: DependencyReport) -> pb::Dependency {
    let DependencyReport { name, address, breaker, last_failure } = report;
    let state = match breaker {
        "closed" => pb::BreakerState::Closed,
        "open" => pb::BreakerState::Open,
        "half-open" => pb::BreakerState::HalfOpen,
        _ => pb::BreakerState::Unspecified,
    };
    pb::Dependency {
        name,
        address: without_passwords(&address),
        breaker_state: state.into(),
        last_failure: without_passwords(&last_failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_the_epoch_keep_their_order() {
        assert_eq!(timestamp(-1), prost_types::Timestamp { seconds: -1, nanos: 999_999_000 });
        assert_eq!(timestamp(1_500_000), prost_types::Timestamp { seconds: 1, nanos: 500_000_000 });
    }

    #[test]
    fn passwords_in_texts_of_others_are_hidden() {
        let report = DependencyReport {
            name: "store".to_owned(),
            address: "postgres://case:canary@db/cases".to_owned(),
            breaker: "half-open",
            last_failure: "cannot log in with password=canary".to_owned(),
        };
        assert!(format!("{report:?}").contains("canary"), "the control");
        let shown = dependency(report);
        assert_eq!(shown.breaker_state(), pb::BreakerState::HalfOpen);
        assert!(!format!("{shown:?}").contains("canary"), "{shown:?}");
        let store = StoreReport {
            name: "command",
            address: "postgres://case:canary@db/cases".to_owned(),
            schema_version: 1,
            schema_version_supported: 2,
            size_bytes: 3,
            problem: "postgres://case:canary@db/cases is away".to_owned(),
        };
        assert!(!format!("{:?}", self::store(store)).contains("canary"));
    }
}
