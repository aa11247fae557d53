//! The lifecycle: what leads where.

use case_api::pb;

use super::case::{needs, paint_of};
use super::table::{Cell, Column};
use super::{View, table};

/// Every status, and every move with what it needs.
pub(crate) fn lifecycle(view: &View, lifecycle: &pb::Lifecycle) -> String {
    let mut rows = Vec::new();
    for status in &lifecycle.statuses {
        let mut lead =
            vec![Cell::painted(&status.name, paint_of(status.category())), Cell::new(&about(lifecycle, status))];
        for edge in lifecycle.transitions.iter().filter(|edge| edge.from_status == status.name) {
            let mut row = std::mem::replace(&mut lead, vec![Cell::new(""), Cell::new("")]);
            row.extend([Cell::new(&edge.to_status), Cell::new(needs(&allowed(edge)).trim_start_matches("needs "))]);
            rows.push(row);
        }
        if lifecycle.transitions.iter().all(|edge| edge.from_status != status.name) {
            lead.extend([Cell::new(""), Cell::new("")]);
            rows.push(lead);
        }
    }
    let columns = [Column::key("STATUS"), Column::extra("IS", 1), Column::key("LEADS TO"), Column::text("NEEDS")];
    format!("Lifecycle version {}\n\n{}", lifecycle.version, table::render(view, &columns, &rows))
}

fn about(lifecycle: &pb::Lifecycle, status: &pb::LifecycleStatus) -> String {
    let category = match status.category() {
        pb::StatusCategory::Unspecified => "",
        pb::StatusCategory::Open => "open",
        pb::StatusCategory::Paused => "paused",
        pb::StatusCategory::Closed => "closed",
    };
    match lifecycle.initial_statuses.iter().position(|initial| *initial == status.name) {
        Some(0) => format!("{category}, first"),
        Some(_) => format!("{category}, may be first"),
        None => category.to_owned(),
    }
}

fn allowed(edge: &pb::LifecycleTransition) -> pb::AllowedTransition {
    pb::AllowedTransition {
        to_status: edge.to_status.clone(),
        requires_reason: edge.requires_reason,
        required_fields: edge.required_fields.clone(),
        requires_other_actor_than: edge.requires_other_actor_than.clone(),
    }
}
