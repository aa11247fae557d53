//! Whether the running lifecycle has all that a log needs.

use std::collections::{BTreeMap, HashSet};

use case_api::pb;
use service_kit::exit::{Exit, ExitCode};

use crate::derive::Counts;

/// How many missing parts are told.
const TOLD_MAX: usize = 30;
/// The fields that a replayed case can have when it moves.
const FIELDS_SET: [&str; 3] = ["assignee", "team", "custom_fields"];

/// Compares; answers with the moves that need a reason, or with everything that is missing.
pub(super) fn compare(counts: &Counts, lifecycle: &pb::Lifecycle) -> Result<HashSet<(String, String)>, Exit> {
    let statuses: HashSet<&str> = lifecycle.statuses.iter().map(|status| status.name.as_str()).collect();
    let initial: HashSet<&str> = lifecycle.initial_statuses.iter().map(String::as_str).collect();
    let edges: BTreeMap<(&str, &str), &pb::LifecycleTransition> =
        lifecycle.transitions.iter().map(|edge| ((edge.from_status.as_str(), edge.to_status.as_str()), edge)).collect();

    let mut missing = Vec::new();
    for count in counts.statuses.iter().filter(|count| !statuses.contains(count.status.as_str())) {
        missing.push(format!("the status {} ({} entries)", count.status, count.entries));
    }
    for count in counts.initial().filter(|count| !initial.contains(count.status.as_str())) {
        missing.push(format!("the initial status {} ({} cases)", count.status, count.initial));
    }
    for count in &counts.transitions {
        let (from, to) = (&count.from, &count.to);
        match edges.get(&(from.as_str(), to.as_str())) {
            None => missing.push(format!("the transition {from} -> {to} ({} times)", count.count)),
            Some(edge) => {
                missing.extend(unset_fields(edge).map(|field| {
                    format!(
                        "the transition {from} -> {to} without the required field {field}, which a replay does not set"
                    )
                }));
                if !edge.requires_other_actor_than.is_empty() {
                    let status = &edge.requires_other_actor_than;
                    missing.push(format!("the transition {from} -> {to} by whoever made it: it wants another actor than who moved the case to {status}"));
                }
            }
        }
    }
    if !missing.is_empty() {
        return Err(lacks(lifecycle.version, missing));
    }
    let reasons = lifecycle.transitions.iter().filter(|edge| edge.requires_reason);
    Ok(reasons.map(|edge| (edge.from_status.clone(), edge.to_status.clone())).collect())
}

fn unset_fields(edge: &pb::LifecycleTransition) -> impl Iterator<Item = &str> {
    edge.required_fields.iter().map(String::as_str).filter(|field| !FIELDS_SET.contains(field))
}

fn lacks(version: u32, mut missing: Vec<String>) -> Exit {
    let count = missing.len();
    missing.truncate(TOLD_MAX);
    if count > TOLD_MAX {
        missing.push(format!("and {} more", count - TOLD_MAX));
    }
    let text = format!(
        "the running lifecycle (version {version}) lacks what the log needs, so nothing was sent; start the system with \
         what `casectl lifecycle derive` makes of the log. It lacks:\n{}",
        missing.join("\n")
    );
    Exit::new(ExitCode::Configuration, text)
}
