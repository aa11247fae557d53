//! Every event at WARN or ERROR has a moment of the logging policy (R12), or a reason why it has none.

use std::collections::{BTreeMap, BTreeSet};

use service_kit::telemetry::policy::{Moment, POLICY};

use crate::root;
use crate::source::{MacroCall, sources};
use crate::telemetry_page::{Named, Room, named, rooms};

/// Events without a moment, by their constants, and why.
const EXCEPTIONS: [(&str, &str); 21] = [
    ("ACCEPT_FAILED", "the process's own life: the machine gives it no connection"),
    ("CERTIFICATE_EXPIRES", "the process's own life: a file that it was given"),
    ("CERTIFICATE_RELOAD_FAILED", "the process's own life: a file that it was given"),
    ("CHECKPOINTER_MISSING", "the storage crate knows no host and no policy; the fields are those of the moment"),
    ("CHECKPOINT_POSTPONED", "the storage crate knows no host and no policy; the fields are those of the moment"),
    ("CLIENT_CERTIFICATES_UNUSABLE", "the process's own life: a file that it was given"),
    ("CONFIGURATION_NOTICE", "the process's own life: its configuration"),
    ("CONNECTION_REFUSED", "no call has begun, nobody has said who he is"),
    (
        "DEPENDENCY_FAILED",
        "its level is that of a policy, and DEBUG where another line says it: a test of the client judges it",
    ),
    ("DRAIN_FINISHED", "the process's own life: its end"),
    ("FEED_CONSUMER_IGNORED", "a bound on names is reached, nothing has failed"),
    ("IDLE_WORK_FAILED", "the storage crate knows no host and no policy; the fields are those of the moment"),
    ("INSECURE_MODE", "said at start, outside of every request; beside request_id it has what a security event has"),
    ("PROJECTION_REBUILD_STARTED", "INFO where the projection is built for the first time, which is no failure"),
    ("READINESS_CHANGED", "the process's own life; what failed has a line of its own"),
    ("SECRET_FILE_EXPOSED", "the process's own life: a file that it was given"),
    ("SECRET_FILE_UNREADABLE", "the process's own life: a file that it was given"),
    ("SERVICE_FAILED", "the process's own life: its end, with exit_code and reason"),
    ("LOG_LINES_LOST", "a count of what was lost, and why"),
    ("TELEMETRY_DROPPED", "a count of what was lost; that it began is telemetry_export_failed"),
    ("TELEMETRY_FLUSH_INCOMPLETE", "the process's own life: its end"),
];

/// What the layers around every call add to its lines, or what depends on whether there is a call.
const FROM_AROUND: [&str; 4] = ["request_id", "trace_id", "span_id", "case_id"];

/// The moment of each constant that stands in the `LOGGED` table of a package.
fn moments(package: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (_, text) in sources(&root().join(package).join("src")) {
        for part in text.split("Logged { event: ").skip(1) {
            if let Some((event, rest)) = part.split_once(", moment: Moment::") {
                let moment = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                found.insert(event.rsplit("::").next().unwrap_or_default().to_owned(), moment.to_owned());
            }
        }
    }
    found
}

fn exempt(constant: &str) -> bool {
    EXCEPTIONS.iter().any(|(name, _)| *name == constant)
}

/// The events of a package at WARN or ERROR that have neither a moment nor an exception, or have both.
fn unsorted(room: &Room, moments: &BTreeMap<String, String>) -> Vec<String> {
    let is_grave = |levels: &BTreeSet<String>| levels.contains("warn") || levels.contains("error");
    let grave = room
        .constants
        .iter()
        .filter(|constant| matches!(named(constant), Named::Event { levels, .. } if is_grave(&levels)));
    let wrong = grave.filter(|constant| moments.contains_key(&constant.name) == exempt(&constant.name));
    wrong.map(|constant| format!("{} of {}", constant.name, room.package)).collect()
}

/// What a line at WARN or ERROR does not say, and its moment wants.
fn missing(call: &MacroCall, moments: &BTreeMap<String, String>) -> Vec<String> {
    let constant = call.event().and_then(|event| event.rsplit("::").next()).unwrap_or_default();
    let fields: BTreeSet<String> = call.fields().into_iter().collect();
    let moment = match moments.get(constant) {
        Some(moment) => moment.clone(),
        None if fields.contains("dependency") => format!("{:?}", Moment::DependencyFailure),
        None => return Vec::new(),
    };
    let rule = POLICY.iter().find(|rule| format!("{:?}", rule.moment) == moment).unwrap();
    let wanted = rule.fields.iter().filter(|field| !FROM_AROUND.contains(field) && !fields.contains(**field));
    wanted.map(|field| format!("{constant} ({moment}) does not say {field}")).collect()
}

#[test]
fn every_warning_and_error_has_a_moment_of_the_policy_and_its_fields_or_a_reason_for_none() {
    let (mut wrong, mut judged) = (Vec::new(), 0);
    for room in rooms() {
        let moments = moments(&room.package);
        wrong.extend(unsorted(&room, &moments));
        for call in room.calls.iter().filter(|call| ["warn", "error"].contains(&call.name.as_str())) {
            judged += 1;
            wrong.extend(missing(call, &moments));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(judged > 30, "only {judged} lines were found");
}
