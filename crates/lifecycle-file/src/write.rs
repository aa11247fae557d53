//! From a lifecycle to its text.

use case_domain::{Lifecycle, RequiredField, Status, StatusCategory, StatusDefinition, Transition};

/// What to say beside the entries of a written lifecycle. Whatever the texts hold, each entry's stays on its line.
pub struct Comments<'c> {
    /// At the top; may have several lines.
    pub header: &'c str,
    /// Behind each status; `None` or a blank text: nothing.
    pub status: &'c dyn Fn(&Status) -> Option<String>,
    /// Behind each transition; `None` or a blank text: nothing.
    pub transition: &'c dyn Fn(&Transition) -> Option<String>,
}

/// Writes a lifecycle in the form that [`crate::parse`] reads back to an equal one, without comments.
///
/// A lifecycle beyond the limits of [`crate::parse`] is written all the same and not read back.
pub fn write(lifecycle: &Lifecycle) -> String {
    write_with(lifecycle, &Comments { header: "", status: &|_| None, transition: &|_| None })
}

/// As [`write()`], with comments; they count against [`crate::FILE_BYTES_MAX`].
pub fn write_with(lifecycle: &Lifecycle, comments: &Comments<'_>) -> String {
    let initial: Vec<String> = lifecycle.initial().iter().map(|name| format!("\"{name}\"")).collect();
    let mut text = format!("{}initial = [{}]\n\nstatuses = [\n", header(comments.header), initial.join(", "));
    text.extend(lifecycle.statuses().iter().map(|status| line(&status_entry(status), (comments.status)(&status.name))));
    text.push_str("]\n\ntransitions = [\n");
    // The moves out of one status stand together.
    let groups = lifecycle.transitions().chunk_by(|one, next| one.from == next.from);
    let transition = |edge: &Transition| line(&transition_entry(edge), (comments.transition)(edge));
    let groups: Vec<String> = groups.map(|group| group.iter().map(transition).collect()).collect();
    text.push_str(&groups.join("\n"));
    text.push_str("]\n");
    text
}

fn header(text: &str) -> String {
    let mut header: String =
        text.lines().map(|line| format!("# {}", one_line(line)).trim_end().to_owned() + "\n").collect();
    if !header.is_empty() {
        header.push('\n');
    }
    header
}

fn line(entry: &str, comment: Option<String>) -> String {
    let comment = comment.map(|text| one_line(&text)).filter(|text| !text.is_empty());
    let comment = comment.map_or_else(String::new, |text| format!(" # {text}"));
    format!("    {{ {entry} }},{comment}\n")
}

/// A text that stays within a comment: TOML ends it at a line break and admits no other control characters; the
/// separators of Unicode would only look like an end.
fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.replace(breaks, " ").trim_end().to_owned()
}

// Names of statuses and fields need no escaping: nothing but letters, digits and `_` is in them.

fn status_entry(status: &StatusDefinition) -> String {
    let StatusDefinition { name, category } = status;
    format!("name = \"{name}\", category = \"{}\"", category_name(*category))
}

fn transition_entry(edge: &Transition) -> String {
    let Transition { from, to, requires_reason, required_fields, other_actor_than } = edge;
    let mut keys = vec![format!("from = \"{from}\", to = \"{to}\"")];
    if *requires_reason {
        keys.push("requires_reason = true".to_owned());
    }
    if !required_fields.is_empty() {
        let names: Vec<&str> = required_fields.iter().copied().map(RequiredField::as_str).collect();
        keys.push(format!("required_fields = [\"{}\"]", names.join("\", \"")));
    }
    keys.extend(other_actor_than.iter().map(|status| format!("other_actor_than = \"{status}\"")));
    keys.join(", ")
}

/// A category's name in files.
pub(crate) const fn category_name(category: StatusCategory) -> &'static str {
    match category {
        StatusCategory::Open => "open",
        StatusCategory::Paused => "paused",
        StatusCategory::Closed => "closed",
    }
}
