//! What happened: timelines and audit events.

use case_api::pb;

use super::table::{Cell, Column};
use super::times::long_span;
use super::{Paint, View, table};

/// Every change of one case, then how long it stood in each status.
pub(crate) fn timeline(view: &View, entries: &[pb::TimelineEntry], stays: &[pb::TimeInStatus]) -> String {
    let mut text = String::new();
    for entry in entries {
        let time = view.clockface.exact(entry.time.as_ref());
        let what = format!("{} by {}", action_words(&entry.action), entry.actor_id);
        let version = format!("(version {})", entry.case_version);
        text.push_str(&view.pieces(&[(Paint::Faint, &time), (Paint::Strong, &what), (Paint::Faint, &version)]));
        for change in &entry.changes {
            text.push_str(&view.paragraph(&change_words(&change.field, &change.from, &change.to), 2));
        }
        if !entry.reason.is_empty() {
            text.push_str(&view.paragraph(&format!("reason: {}", entry.reason), 2));
        }
    }
    if !stays.is_empty() {
        let duration = |stay: &pb::TimeInStatus| stay.duration.as_ref().map(long_span).unwrap_or_default();
        let rows = stays.iter().map(|stay| vec![Cell::new(&stay.status), Cell::new(&duration(stay))]);
        text.push('\n');
        let columns = [Column::text("STATUS"), Column::key("TIME IN IT")];
        text.push_str(&table::render(view, &columns, &rows.collect::<Vec<_>>()));
    }
    text
}

/// Audit events, a row each.
pub(crate) fn audit(view: &View, events: &[pb::AuditEvent]) -> String {
    let columns = [
        Column::extra("INDEX", 3),
        Column::key("TIME"),
        Column::extra("ACTOR", 1),
        Column::key("CASE"),
        Column::extra("ACTION", 2),
        Column::text("WHAT"),
    ];
    let row = |event: &pb::AuditEvent| {
        let changes = event.changes.iter().map(|change| change_words(&change.field, &change.from, &change.to));
        let mut what: Vec<_> = changes.collect();
        if !event.reason.is_empty() {
            what.push(format!("reason: {}", event.reason));
        }
        vec![
            Cell::painted(&event.index.map(|index| index.to_string()).unwrap_or_default(), Paint::Faint),
            Cell::new(&view.clockface.exact(event.time.as_ref())),
            Cell::new(&event.actor_id),
            Cell::painted(&event.case_id, Paint::Strong),
            Cell::new(action_words(&event.action)),
            Cell::new(&what.join("; ")),
        ]
    };
    table::render(view, &columns, &events.iter().map(row).collect::<Vec<_>>())
}

/// Everything about one audit event.
pub(crate) fn audit_card(view: &View, event: &pb::AuditEvent) -> String {
    let mut text = view.pieces(&[(Paint::Strong, &event.audit_event_id), (Paint::Plain, &event.action)]) + "\n";
    let index = event.index.map(|index| index.to_string()).unwrap_or_default();
    let case = format!("{} version {}", event.case_id, event.case_version);
    let time = view.clockface.full(event.time.as_ref());
    let lifecycle = format!("version {}", event.lifecycle_version);
    let changes = event.changes.iter().map(|change| change_words(&change.field, &change.from, &change.to));
    let details = [
        ("index", index),
        ("time", time),
        ("actor", event.actor_id.clone()),
        ("case", case),
        ("changes", changes.collect::<Vec<_>>().join("\n")),
        ("reason", event.reason.clone()),
        ("lifecycle", lifecycle),
        ("request", event.request_id.clone()),
        ("trace", event.trace_id.clone()),
    ];
    for (name, value) in details.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&view.field(name, value));
    }
    text
}

/// `status: DRAFT → SUBMITTED`.
fn change_words(field: &str, from: &str, to: &str) -> String {
    match (from, to) {
        ("", to) => format!("{field}: {to}"),
        (from, "") => format!("{field}: {from} → nothing"),
        (from, to) => format!("{field}: {from} → {to}"),
    }
}

/// `case_transitioned` as `transitioned`: every action here is of a case.
fn action_words(action: &str) -> &str {
    action.strip_prefix("case_").unwrap_or(action)
}
