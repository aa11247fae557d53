//! Which audit events to list.

use std::fmt::Write as _;

use case_api::CASE_ID_CHARS_MAX;
use case_api::pb::{AuditEventFilter, Outcome};
use case_domain::{Action, CaseId, Person, Timestamp};

use crate::leaf::{Leaf, OUTCOME_ACCEPTED, time_text};
use crate::problems::Problems;

/// The longest correlation id, in characters.
const REQUEST_ID_CHARS_MAX: usize = 128;
/// A trace id has as many hexadecimal digits.
const TRACE_ID_DIGITS: usize = 32;
/// Times that `google.protobuf.Timestamp` admits, in seconds since the epoch: years 1 to 9999.
const TIME_S: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Which audit events to list: those that have every value that is given, in the form that leaves have it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filter {
    /// Of this case.
    pub(crate) case_id: Option<CaseId>,
    /// By this actor.
    pub(crate) actor_id: Option<Person>,
    /// Of this action.
    pub(crate) action: Option<Action>,
    /// With this outcome.
    pub(crate) outcome: Option<&'static str>,
    /// Decided then or later.
    pub(crate) time_from: Option<String>,
    /// Decided before.
    pub(crate) time_to: Option<String>,
    /// Of the request with this correlation id.
    pub(crate) request_id: Option<String>,
    /// Of this trace, in lower case.
    pub(crate) trace_id: Option<String>,
}

/// A filter that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// What it asks for; `None`: something that no event can have.
    pub(crate) filter: Option<Filter>,
    /// The same in one fixed form, which page tokens are bound to.
    pub(crate) canonical: String,
}

impl Filter {
    /// Reads a message.
    pub(crate) fn parse(problems: &mut Problems, given: &AuditEventFilter) -> Parsed {
        let case_id = case_id(problems, &given.case_id);
        let (from_us, to_us) = times(problems, given);
        let time_from = from_us.map(storable);
        let is_possible = case_id != Some(None) && time_from != Some(None);
        let filter = Self {
            case_id: case_id.flatten(),
            actor_id: problems.line("filter.actor_id", &given.actor_id),
            action: action(problems, &given.action),
            outcome: outcome(problems, given.outcome),
            time_from: time_from.flatten().map(time_text),
            // No event is later than what can be stored: an end beyond it is none.
            time_to: to_us.and_then(storable).map(time_text),
            request_id: request_id(problems, &given.request_id),
            trace_id: trace_id(problems, &given.trace_id),
        };
        let canonical = filter.canonical(&given.case_id, (from_us, to_us));
        Parsed { filter: is_possible.then_some(filter), canonical }
    }

    /// Whether an event is one of them. The leaf decides: indexes only narrow down where to look.
    pub(crate) fn matches(&self, leaf: &Leaf<'_>) -> bool {
        let Self { case_id, actor_id, action, outcome, time_from, time_to, request_id, trace_id } = self;
        let is = |wanted: Option<&str>, found: &str| wanted.is_none_or(|wanted| wanted == found);
        is(case_id.as_ref().map(CaseId::as_str), &leaf.data.case_id)
            && is(actor_id.as_ref().map(Person::as_str), &leaf.data.actor_id)
            && is(action.map(Action::as_str), &leaf.data.action)
            && is(*outcome, &leaf.data.outcome)
            && is(request_id.as_deref(), &leaf.data.request_id)
            && is(trace_id.as_deref(), &leaf.data.trace_id)
            && time_from.as_deref().is_none_or(|from| from <= &*leaf.time)
            && time_to.as_deref().is_none_or(|to| &*leaf.time < to)
    }

    /// Values are quoted, so that none can pass for two. The case comes first and without quotes: as long as it was the
    /// only filter there was, tokens were bound to this text.
    fn canonical(&self, case_id: &str, (from_us, to_us): (Option<i64>, Option<i64>)) -> String {
        let mut text = format!("case_id={case_id}");
        let mut add = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                // Writing to a String cannot fail.
                let _ = write!(text, ";{name}={value:?}");
            }
        };
        add("actor_id", self.actor_id.as_ref().map(Person::as_str));
        add("action", self.action.map(Action::as_str));
        add("outcome", self.outcome);
        add("time_from", from_us.map(|us| us.to_string()).as_deref());
        add("time_to", to_us.map(|us| us.to_string()).as_deref());
        add("request_id", self.request_id.as_deref());
        add("trace_id", self.trace_id.as_deref());
        text
    }
}

/// A text that cannot be an id names no case: `Some(None)`.
#[expect(clippy::option_option, reason = "every case, no case, one case")]
fn case_id(problems: &mut Problems, text: &str) -> Option<Option<CaseId>> {
    if text.chars().count() > CASE_ID_CHARS_MAX {
        problems.invalid("filter.case_id", format_args!("has more than {CASE_ID_CHARS_MAX} characters"));
    }
    (!text.is_empty()).then(|| CaseId::parse(text).ok())
}

fn action(problems: &mut Problems, name: &str) -> Option<Action> {
    let action = Action::ALL.into_iter().find(|action| action.as_str() == name);
    if action.is_none() && !name.is_empty() {
        let known = Action::ALL.map(Action::as_str).join(", ");
        problems.invalid("filter.action", format_args!("is not an action; there are: {known}"));
    }
    action
}

fn outcome(problems: &mut Problems, number: i32) -> Option<&'static str> {
    match Outcome::try_from(number) {
        Ok(Outcome::Unspecified) => None,
        Ok(Outcome::Accepted) => Some(OUTCOME_ACCEPTED),
        Err(_) => {
            let known = Outcome::Accepted.as_str_name();
            problems.invalid("filter.outcome", format_args!("{number} is not an outcome; there is: {known}"));
            None
        }
    }
}

fn request_id(problems: &mut Problems, text: &str) -> Option<String> {
    if text.len() > REQUEST_ID_CHARS_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let description = format_args!("is not a request id: 1 to {REQUEST_ID_CHARS_MAX} visible ASCII characters");
        problems.invalid("filter.request_id", description);
    }
    (!text.is_empty()).then(|| text.to_owned())
}

fn trace_id(problems: &mut Problems, text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    if text.len() != TRACE_ID_DIGITS || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        problems.invalid("filter.trace_id", format_args!("is not a trace id: {TRACE_ID_DIGITS} hexadecimal digits"));
    }
    Some(text.to_ascii_lowercase())
}

/// Both ends, in microseconds since the epoch.
fn times(problems: &mut Problems, given: &AuditEventFilter) -> (Option<i64>, Option<i64>) {
    let from = time(problems, "filter.time_from", given.time_from.as_ref());
    let to = time(problems, "filter.time_to", given.time_to.as_ref());
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        problems.invalid("filter.time_to", "is before time_from: no event can lie between them");
    }
    (from, to)
}

/// The first microsecond that is not before a time: events have no finer times, so that no comparison changes.
fn time(problems: &mut Problems, field: &str, time: Option<&prost_types::Timestamp>) -> Option<i64> {
    let time = time?;
    let ns = u32::try_from(time.nanos).ok().filter(|ns| *ns < 1_000_000_000);
    let Some(ns) = ns.filter(|_| TIME_S.contains(&time.seconds)) else {
        problems.invalid(field, "must lie in the years 1 to 9999");
        return None;
    };
    Some(time.seconds * 1_000_000 + i64::from(ns.div_ceil(1_000)))
}

/// `None`: later than any event can be.
fn storable(us: i64) -> Option<Timestamp> {
    Timestamp::from_unix_us(us)
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
