//! What is logged when, as data: the moments of R12, each with its levels and what its lines must say.
//!
//! Every service says which of its events belong to which moment ([`Logged`]); tests drive each moment through the real
//! stack and compare.

use tracing::Level;

use crate::telemetry::names;

/// A kind of thing that happens, with one rule for its log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// The process has begun.
    ServiceStart,
    /// The process ends.
    ServiceShutdown,
    /// A call has arrived.
    RequestStart,
    /// A call is over, however it ended.
    RequestEnd,
    /// Something was done to a case.
    DomainSuccess,
    /// The rules refused something.
    DomainRejection,
    /// A store, a feed, a collector or a provider does not do its part.
    DependencyFailure,
    /// A bug.
    UnexpectedError,
    /// Somebody tried what he may not.
    SecurityEvent,
    /// What only a developer wants to know.
    Internals,
}

/// What the lines of a moment are like.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// For which moment.
    pub moment: Moment,
    /// At which levels.
    pub levels: &'static [Level],
    /// Which fields each line has, beside those of every line ([`EVERY_LINE`]).
    pub fields: &'static [&'static str],
    /// When there is one, in words.
    pub when: &'static str,
}

/// An event and its moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logged {
    /// The event's name.
    pub event: &'static str,
    /// Its moment.
    pub moment: Moment,
}

/// What every line says, whatever it is about. Inside a request also `request_id`, `trace_id` and `span_id`.
pub const EVERY_LINE: [&str; 6] = ["timestamp", "level", "event", "message", "target", "service"];

/// One rule for each moment.
pub const POLICY: [Rule; 10] = [
    Rule {
        moment: Moment::ServiceStart,
        levels: &[Level::INFO],
        fields: &["version", "environment"],
        when: "once, before anything else",
    },
    Rule {
        moment: Moment::ServiceShutdown,
        levels: &[Level::INFO],
        fields: &["reason"],
        when: "once, after everything else",
    },
    Rule {
        moment: Moment::RequestStart,
        levels: &[Level::DEBUG],
        fields: &["method", "request_id"],
        when: "for each call",
    },
    Rule {
        moment: Moment::RequestEnd,
        levels: &[Level::INFO, Level::DEBUG],
        fields: &["method", "code", "outcome", "duration_ms", "request_id"],
        when: "for each call, however it ends; health and reflection at DEBUG. Where it failed also error.type and reason. Of calls refused because there are too many, or at the end, some lines stand for all",
    },
    Rule {
        moment: Moment::DomainSuccess,
        levels: &[Level::INFO],
        fields: &["case_id", "outcome", "duration_ms", "request_id", "trace_id", "span_id"],
        when: "for each accepted command; the event is the action",
    },
    Rule {
        moment: Moment::DomainRejection,
        levels: &[Level::INFO, Level::WARN],
        fields: &["case_id", "reason", "request_id", "trace_id", "span_id"],
        when: "for each command that the rules refuse, and each read of what is not there",
    },
    Rule {
        moment: Moment::DependencyFailure,
        levels: &[Level::WARN, Level::ERROR],
        fields: &["dependency", "operation", "reason"],
        when: "when it begins to fail, and for each attempt that somebody waited for; with timeout_ms where there is one",
    },
    Rule {
        moment: Moment::UnexpectedError,
        levels: &[Level::ERROR],
        fields: &["error", "error.type", "request_id"],
        when: "for each bug: the whole chain is here, the caller learns only that there was one",
    },
    Rule {
        moment: Moment::SecurityEvent,
        levels: &[Level::WARN, Level::ERROR],
        fields: &["actor", "action", "reason", "request_id"],
        when: "for calls without valid credentials, without permission, or too many of them; where there are many, some lines stand for all",
    },
    Rule { moment: Moment::Internals, levels: &[Level::DEBUG], fields: &[], when: "never anything sensitive" },
];

/// The events of this crate that belong to a moment; the others tell of the process's own life.
pub const LOGGED: [Logged; 14] = [
    Logged { event: names::SERVICE_STARTED, moment: Moment::ServiceStart },
    Logged { event: names::SERVICE_SHUTDOWN, moment: Moment::ServiceShutdown },
    Logged { event: names::REQUEST_STARTED, moment: Moment::RequestStart },
    Logged { event: names::REQUEST_FINISHED, moment: Moment::RequestEnd },
    Logged { event: names::TELEMETRY_EXPORT_FAILED, moment: Moment::DependencyFailure },
    Logged { event: names::IDENTITY_KEYS_FAILED, moment: Moment::DependencyFailure },
    Logged { event: names::CIRCUIT_OPENED, moment: Moment::DependencyFailure },
    Logged { event: names::PROBE_FAILED, moment: Moment::DependencyFailure },
    Logged { event: names::UNEXPECTED_ERROR, moment: Moment::UnexpectedError },
    Logged { event: names::PANICKED, moment: Moment::UnexpectedError },
    Logged { event: names::CREDENTIALS_REFUSED, moment: Moment::SecurityEvent },
    Logged { event: names::PERMISSION_DENIED, moment: Moment::SecurityEvent },
    Logged { event: names::RATE_LIMITED, moment: Moment::SecurityEvent },
    Logged { event: "log", moment: Moment::Internals },
];

impl Moment {
    /// Its rule.
    pub fn rule(self) -> Option<&'static Rule> {
        POLICY.iter().find(|rule| rule.moment == self)
    }
}

impl Rule {
    /// What is wrong with a line of this moment; empty if nothing is. `field` reads a field of the line as text.
    pub fn breaches(&self, level: &str, field: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let moment = self.moment;
        let mut found = Vec::new();
        if !self.levels.iter().any(|allowed| allowed.as_str() == level) {
            found.push(format!("{moment:?} is logged at {:?}, not at {level}", self.levels));
        }
        let fields = EVERY_LINE.iter().chain(self.fields);
        let missing = fields.filter(|name| field(name).is_none());
        found.extend(missing.map(|name| format!("{moment:?} needs the field {name}")));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_has_one_rule() {
        for rule in &POLICY {
            assert_eq!(POLICY.iter().filter(|other| other.moment == rule.moment).count(), 1, "{:?}", rule.moment);
            assert!(rule.moment.rule().is_some());
        }
        assert!(LOGGED.iter().all(|logged| logged.moment.rule().is_some()));
    }

    #[test]
    fn a_line_that_breaks_its_rule_is_noticed() {
        let rule = Moment::SecurityEvent.rule().unwrap();
        let whole = |name: &str| Some(name.to_owned());
        assert!(rule.breaches("WARN", whole).is_empty());
        assert_eq!(rule.breaches("INFO", whole).len(), 1);
        assert_eq!(rule.breaches("WARN", |name| (name != "actor").then(String::new)).len(), 1);
    }
}
