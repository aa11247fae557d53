//! Cases: a row in a list, a card of their own.

use case_api::pb;

use super::table::{Cell, Column};
use super::text::{printable, quoted};
use super::{Paint, View, table};
use crate::answer::fields;

/// A list of cases.
pub(crate) fn list(view: &View, cases: &[pb::Case]) -> String {
    let columns = [
        Column::key("CASE"),
        Column::key("STATUS"),
        Column::extra("PRIORITY", 3),
        Column::extra("ASSIGNEE", 2),
        Column::extra("TEAM", 5),
        Column::extra("CREATED", 4),
        Column::extra("UPDATED", 1),
        Column::text("TITLE"),
    ];
    let rows: Vec<_> = cases.iter().map(|case| row(view, case)).collect();
    table::render(view, &columns, &rows)
}

fn row(view: &View, case: &pb::Case) -> Vec<Cell> {
    vec![
        Cell::painted(&case.case_id, Paint::Strong),
        Cell::painted(&case.status, paint_of(case.status_category())),
        Cell::painted(priority_name(case.priority()), urgency(case.priority())),
        Cell::new(&case.assignee),
        Cell::new(&case.team),
        Cell::new(&view.clockface.brief(case.create_time.as_ref())),
        Cell::new(&view.clockface.brief(case.update_time.as_ref())),
        Cell::new(&case.title),
    ]
}

/// Everything about one case, and what can be done next.
pub(crate) fn card(view: &View, case: &pb::Case) -> String {
    let id = if case.case_id.is_empty() { "(no number yet)" } else { &case.case_id };
    let title = view.paragraph(&case.title, 0);
    let status = view.paint(paint_of(case.status_category()), &printable(&case.status));
    let category = match case.status_category() {
        pb::StatusCategory::Unspecified | pb::StatusCategory::Open => "",
        pb::StatusCategory::Paused => " (paused)",
        pb::StatusCategory::Closed => " (closed)",
    };
    let id = view.paint(Paint::Strong, &printable(id));
    let mut text = format!("{id}  {status}{category}  version {}\n{title}\n", case.version);
    for (name, value) in details(view, case) {
        if !value.is_empty() {
            text.push_str(&view.field(name, &value));
        }
    }
    if !case.description.is_empty() {
        text.push('\n');
        text.push_str(&view.paragraph(&case.description, 2));
    }
    text.push('\n');
    text.push_str(&next_steps(view, case));
    text
}

fn details(view: &View, case: &pb::Case) -> Vec<(&'static str, String)> {
    let time = |time: &Option<prost_types::Timestamp>| view.clockface.full(time.as_ref());
    let links = case.links.iter().map(|link| format!("{} {}", link_words(link.link_type()), link.case_id));
    let mut details = vec![
        ("priority", priority_name(case.priority()).to_owned()),
        ("severity", severity_name(case.severity()).to_owned()),
        ("assignee", case.assignee.clone()),
        ("team", case.team.clone()),
        ("reporter", case.reporter.clone()),
        ("tags", case.tags.join(", ")),
        ("due", time(&case.due_time)),
        ("created", time(&case.create_time)),
        ("updated", time(&case.update_time)),
        ("closed", time(&case.close_time)),
        ("links", links.collect::<Vec<_>>().join("\n")),
        ("comments", if case.comment_count == 0 { String::new() } else { case.comment_count.to_string() }),
    ];
    if let Some(custom) = &case.custom_fields {
        let own = custom.fields.iter().map(|(name, value)| format!("{name} = {}", fields::shown(value)));
        details.push(("fields", own.collect::<Vec<_>>().join("\n")));
    }
    details
}

/// What state and lifecycle allow, each with what it needs.
pub(crate) fn next_steps(view: &View, case: &pb::Case) -> String {
    if case.allowed_transitions.is_empty() {
        return "Next: nothing, this is the end of the lifecycle\n".to_owned();
    }
    let id = if case.case_id.is_empty() { "CASE".to_owned() } else { quoted(&case.case_id) };
    let mut text = view.beside("Next: ", Paint::Plain, &format!("casectl transition {id} STATUS"));
    let widths = case.allowed_transitions.iter().map(|next| console::measure_text_width(&next.to_status));
    let width = widths.max().unwrap_or(0);
    for next in &case.allowed_transitions {
        let status = printable(&next.to_status);
        let status = console::pad_str(&status, width, console::Alignment::Left, None);
        text.push_str(&view.beside(&format!("  {status}  "), Paint::Plain, &needs(next)));
    }
    text
}

/// What a transition requires, in words.
pub(crate) fn needs(next: &pb::AllowedTransition) -> String {
    let mut needs = Vec::new();
    if next.requires_reason {
        needs.push("a reason".to_owned());
    }
    needs.extend(next.required_fields.iter().map(|field| field.replace('_', " ")));
    if !next.requires_other_actor_than.is_empty() {
        needs.push(format!("somebody else than who moved it to {}", next.requires_other_actor_than));
    }
    if needs.is_empty() { String::new() } else { format!("needs {}", needs.join(", ")) }
}

/// Comments, oldest first.
pub(crate) fn comments(view: &View, comments: &[pb::Comment]) -> String {
    if comments.is_empty() {
        return "\nNo comments\n".to_owned();
    }
    let mut text = "\nComments\n".to_owned();
    for comment in comments {
        let time = view.clockface.full(comment.create_time.as_ref());
        let head = format!("{}  {}  {}", printable(&comment.comment_id), printable(&comment.actor_id), time);
        text.push_str(&view.paragraph(&head, 2));
        text.push_str(&view.paragraph(&comment.body, 4));
    }
    text
}

/// The colour of a category.
pub(crate) const fn paint_of(category: pb::StatusCategory) -> Paint {
    match category {
        pb::StatusCategory::Unspecified => Paint::Plain,
        pb::StatusCategory::Open => Paint::Good,
        pb::StatusCategory::Paused => Paint::Waiting,
        pb::StatusCategory::Closed => Paint::Ended,
    }
}

const fn urgency(priority: pb::Priority) -> Paint {
    match priority {
        pb::Priority::Unspecified | pb::Priority::Medium => Paint::Plain,
        pb::Priority::Low => Paint::Faint,
        pb::Priority::High => Paint::Waiting,
        pb::Priority::Urgent => Paint::Bad,
    }
}

const fn priority_name(priority: pb::Priority) -> &'static str {
    match priority {
        pb::Priority::Unspecified => "",
        pb::Priority::Low => "low",
        pb::Priority::Medium => "medium",
        pb::Priority::High => "high",
        pb::Priority::Urgent => "urgent",
    }
}

const fn severity_name(severity: pb::Severity) -> &'static str {
    match severity {
        pb::Severity::Unspecified => "",
        pb::Severity::Low => "low",
        pb::Severity::Medium => "medium",
        pb::Severity::High => "high",
        pb::Severity::Urgent => "urgent",
    }
}

/// A link as the middle of a sentence.
pub(crate) const fn link_words(link: pb::LinkType) -> &'static str {
    match link {
        pb::LinkType::Unspecified => "linked to",
        pb::LinkType::RelatesTo => "relates to",
        pb::LinkType::Duplicates => "duplicates",
        pb::LinkType::Blocks => "blocks",
        pb::LinkType::ChildOf => "child of",
        pb::LinkType::DuplicatedBy => "duplicated by",
        pb::LinkType::BlockedBy => "blocked by",
        pb::LinkType::ParentOf => "parent of",
    }
}
