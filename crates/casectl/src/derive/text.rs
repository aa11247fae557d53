//! A derived lifecycle as a file for people to check.

use std::collections::HashMap;

use case_domain::{Status, Transition};
use lifecycle_file::{Comments, write_with};

use super::{Derived, StatusCount};

/// The lifecycle as TOML, every count of the log in a comment beside what it speaks for.
pub fn to_toml(derived: &Derived) -> String {
    let counts = &derived.counts;
    let header = format!(
        "Derived from a log of {} cases with {} entries: {} statuses, {} initial, {} transitions.\n\
         The categories (open, paused, closed) are guessed from the names: check them.\n\
         Behind each status: entries in it, and cases that begin and end there. Behind each transition: how often it \
         occurs.",
        counts.cases,
        counts.entries,
        counts.statuses.len(),
        derived.lifecycle.initial().len(),
        counts.transitions.len(),
    );
    let statuses: HashMap<&Status, &StatusCount> = counts.statuses.iter().map(|count| (&count.status, count)).collect();
    let moves: HashMap<(&Status, &Status), u64> =
        counts.transitions.iter().map(|count| ((&count.from, &count.to), count.count)).collect();
    let comments = Comments {
        header: &header,
        status: &|status| statuses.get(status).map(|count| status_comment(count)),
        transition: &|edge: &Transition| moves.get(&(&edge.from, &edge.to)).map(u64::to_string),
    };
    write_with(&derived.lifecycle, &comments)
}

fn status_comment(count: &StatusCount) -> String {
    let begin = if count.initial > 0 { format!(", {} begin here", count.initial) } else { String::new() };
    let end = if count.last > 0 { format!(", {} end here", count.last) } else { String::new() };
    format!("{} entries{begin}{end}", count.entries)
}
