//! From a lifecycle to its text.

use case_domain::{Lifecycle, StatusCategory, StatusDefinition, Transition};

/// Writes a lifecycle in the form that [`crate::parse`] reads back to an equal one.
///
/// Names of statuses need no escaping: nothing but `A-Z`, `0-9` and `_` is in them.
pub fn write(lifecycle: &Lifecycle) -> String {
    let initial: Vec<String> = lifecycle.initial().iter().map(|name| format!("\"{name}\"")).collect();
    let mut text = format!("initial = [{}]\n\nstatuses = [\n", initial.join(", "));
    text.extend(lifecycle.statuses().iter().map(status_line));
    text.push_str("]\n\ntransitions = [\n");
    // The moves out of one status stand together.
    let groups = lifecycle.transitions().chunk_by(|one, next| one.from == next.from);
    let groups: Vec<String> = groups.map(|group| group.iter().map(transition_line).collect()).collect();
    text.push_str(&groups.join("\n"));
    text.push_str("]\n");
    text
}

fn status_line(status: &StatusDefinition) -> String {
    let (name, category) = (&status.name, category_name(status.category));
    format!("    {{ name = \"{name}\", category = \"{category}\" }},\n")
}

fn transition_line(edge: &Transition) -> String {
    let Transition { from, to, requires_reason } = edge;
    let reason = if *requires_reason { ", requires_reason = true" } else { "" };
    format!("    {{ from = \"{from}\", to = \"{to}\"{reason} }},\n")
}

/// A category's name in files.
pub(crate) const fn category_name(category: StatusCategory) -> &'static str {
    match category {
        StatusCategory::Open => "open",
        StatusCategory::Paused => "paused",
        StatusCategory::Closed => "closed",
    }
}
