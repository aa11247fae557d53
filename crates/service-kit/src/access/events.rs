//! What an operator must hear of who calls: counted always, and logged as long as the log can bear it.

use std::net::SocketAddr;
use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use tracing::warn;

use crate::identity::Identity;
use crate::telemetry::{Throttle, meter, names};

/// A refusal, as it is recorded. Everything but `actor` and `peer` is out of closed sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecurityEvent<'a> {
    pub(crate) kind: Kind,
    /// Who; `none` if that is not known.
    pub(crate) actor: &'a str,
    /// The method.
    pub(crate) action: &'a str,
    /// What the caller was told: a reason of `docs/errors.md`.
    pub(crate) reason: &'static str,
    /// What exactly failed: more than the caller was told.
    pub(crate) check: &'static str,
    /// Where the call came from, if that is known.
    pub(crate) peer: Option<SocketAddr>,
}

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    CredentialsRefused,
    PermissionDenied,
    RateLimited,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::CredentialsRefused => names::CREDENTIALS_REFUSED,
            Self::PermissionDenied => names::PERMISSION_DENIED,
            Self::RateLimited => names::RATE_LIMITED,
        }
    }
}

/// The record of one server.
#[derive(Debug)]
pub(crate) struct SecurityEvents {
    counter: Counter<u64>,
    throttle: Throttle<(Kind, &'static str)>,
}

impl SecurityEvents {
    pub(crate) fn new(identity: Identity) -> Self {
        let counter = meter(identity)
            .u64_counter(names::SECURITY_EVENTS)
            .with_unit("{event}")
            .with_description("Refused credentials, denied permissions, hasty callers, servers that believe everybody.")
            .build();
        Self { counter, throttle: Throttle::default() }
    }

    /// Counts it, and logs it unless there were too many like it.
    pub(crate) fn record(&self, event: SecurityEvent<'_>) {
        self.count(event.kind.name(), event.reason);
        if let Some(suppressed) = self.throttle.admit((event.kind, event.check), Instant::now()) {
            log(event, suppressed);
        }
    }

    /// A server starts that believes whatever its callers say.
    pub(crate) fn insecure_mode(&self, identity: Identity, address: SocketAddr) {
        self.count(names::INSECURE_MODE, names::INSECURE_MODE);
        let (name, actor, action) = (identity.name, "none", "serve");
        if address.ip().to_canonical().is_loopback() {
            let reason = "auth.mode = \"insecure\" on loopback";
            warn!(name: names::INSECURE_MODE, actor, action, reason, address = %address,
                "{name} believes whatever callers on this machine say of themselves: {reason}");
        } else {
            let reason = "auth.mode = \"insecure\" beyond loopback (auth.insecure_anywhere)";
            warn!(name: names::INSECURE_MODE, actor, action, reason, address = %address,
                "EVERYBODY WHO REACHES {address} CAN ACT AS ANYBODY: {name} runs with {reason}");
        }
    }

    fn count(&self, event: &'static str, reason: &'static str) {
        self.counter
            .add(1, &[KeyValue::new(names::SECURITY_EVENT, event), KeyValue::new(names::SECURITY_REASON, reason)]);
    }
}

fn log(event: SecurityEvent<'_>, suppressed: u64) {
    let SecurityEvent { kind, actor, action, reason, check, peer } = event;
    let peer = peer.map_or_else(|| "unknown".to_owned(), |peer| peer.to_string());
    // The name of an event is part of its call site: one for each.
    match kind {
        Kind::CredentialsRefused => {
            warn!(name: names::CREDENTIALS_REFUSED, actor, action, reason, check, peer, suppressed,
                "{action} refused to {peer}: {reason}, {check}");
        }
        Kind::PermissionDenied => {
            warn!(name: names::PERMISSION_DENIED, actor, action, reason, check, peer, suppressed,
                "{action} denied to {actor}, who lacks {check}");
        }
        Kind::RateLimited => {
            warn!(name: names::RATE_LIMITED, actor, action, reason, check, peer, suppressed,
                "{action} refused to {actor}, who makes too many calls");
        }
    }
}
