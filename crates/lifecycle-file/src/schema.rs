//! The shape of the file: which keys it has and what stands under them.

use case_domain::{LifecycleDraft, RequiredField, Status, StatusCategory, StatusDefinition, Transition};
use toml_edit::{Table, TableLike};

use crate::document::{Content, Element, List, Located, Reader, type_name};
use crate::nearest::{nearest, quoted, suggestion};
use crate::write::category_name;
use crate::{STATUSES_MAX, TRANSITIONS_MAX};

const CATEGORIES: [StatusCategory; 3] = [StatusCategory::Open, StatusCategory::Paused, StatusCategory::Closed];

/// Everything that could be read, each with its line. What could not be read has been noted as a mistake.
///
/// The lines stand in the order of the draft's lists: the domain names what is wrong by its index.
pub(crate) struct LocatedDraft {
    pub(crate) draft: LifecycleDraft,
    pub(crate) lines: DraftLines,
    /// What transitions name that could not be read whole.
    pub(crate) loose_ends: Vec<Located<Status>>,
}

/// Where the parts of a draft stand.
#[derive(Default)]
pub(crate) struct DraftLines {
    /// Whether the list of statuses was read to its end: only then is a status known to be missing from it.
    pub(crate) statuses_known: bool,
    /// The list of statuses, if nothing is in it.
    pub(crate) no_status: Option<usize>,
    pub(crate) statuses: Vec<usize>,
    /// The list of initial statuses, if nothing is in it.
    pub(crate) no_initial: Option<usize>,
    pub(crate) initial: Vec<usize>,
    pub(crate) transitions: Vec<TransitionLines>,
}

/// Where the parts of a transition stand.
pub(crate) struct TransitionLines {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// In the order of the draft's fields.
    pub(crate) required_fields: Vec<usize>,
    pub(crate) other_actor_than: Option<usize>,
}

/// Reads the whole document.
pub(crate) fn read(root: &Table, reader: &mut Reader) -> LocatedDraft {
    let mut located =
        LocatedDraft { draft: LifecycleDraft::default(), lines: DraftLines::default(), loose_ends: Vec::new() };
    reader.only_known_keys(root, &["initial", "statuses", "transitions"]);
    if let Some(list) = reader.list(root, "initial", "the names of statuses where a case may begin") {
        read_initial(&list, reader, &mut located);
    }
    if let Some(list) = reader.list(root, "statuses", "tables such as { name = \"DRAFT\", category = \"open\" }") {
        read_statuses(&list, reader, &mut located);
    }
    if let Some(list) = reader.list(root, "transitions", "tables such as { from = \"DRAFT\", to = \"SUBMITTED\" }") {
        for element in within("transitions", &list, TRANSITIONS_MAX, reader) {
            read_transition(element, reader, &mut located);
        }
    }
    located
}

/// The elements of a list that are within its limit; what lies beyond is one mistake and is not read.
fn within<'l, 'd>(key: &str, list: &'l List<'d>, max: usize, reader: &mut Reader) -> &'l [Element<'d>] {
    match list.elements.get(max) {
        None => &list.elements,
        Some(beyond) => {
            let count = list.elements.len();
            reader.note(beyond.line, format!("{key} has {count} entries, at most {max} are allowed"));
            &list.elements[..max]
        }
    }
}

fn read_initial(list: &List<'_>, reader: &mut Reader, located: &mut LocatedDraft) {
    located.lines.no_initial = list.elements.is_empty().then_some(list.line);
    for element in within("initial", list, STATUSES_MAX, reader) {
        let name = reader.text_element(element, "an initial status");
        if let Some(status) = name.and_then(|name| reader.status(&name)) {
            located.lines.initial.push(status.line);
            located.draft.initial.push(status.value);
        }
    }
}

fn read_statuses(list: &List<'_>, reader: &mut Reader, located: &mut LocatedDraft) {
    let read = within("statuses", list, STATUSES_MAX, reader);
    located.lines.statuses_known = read.len() == list.elements.len();
    located.lines.no_status = list.elements.is_empty().then_some(list.line);
    for element in read {
        let (name, category) = match element.content {
            Content::Table(entry) => {
                reader.only_known_keys(entry, &["name", "category"]);
                let name = reader.text(entry, "name", element.line);
                (name, category(entry, element.line, reader))
            }
            Content::Other(value) => {
                note_no_table("a status", value, element.line, reader);
                // A bare name still says that there is such a status: the transitions that name it are not wrong.
                let name = value.as_str().map(|value| Located { line: element.line, value });
                (name, StatusCategory::Open)
            }
        };
        if let Some(name) = name.and_then(|name| reader.status(&name)) {
            located.lines.statuses.push(name.line);
            located.draft.statuses.push(StatusDefinition { name: name.value, category });
        }
    }
}

/// The category of a status. Where it is wrong the status still exists, so that nothing that names it is wrong too;
/// the category given then does not matter, for a mistake has been noted.
fn category(entry: &dyn TableLike, line: usize, reader: &mut Reader) -> StatusCategory {
    let Some(name) = reader.text(entry, "category", line) else {
        return StatusCategory::Open;
    };
    let found = CATEGORIES.into_iter().find(|category| category_name(*category) == name.value);
    found.unwrap_or_else(|| {
        let near = suggestion(nearest(name.value, CATEGORIES.map(category_name)));
        let message = format!("category must be open, paused or closed, not {}{near}", quoted(name.value));
        reader.note(name.line, message);
        StatusCategory::Open
    })
}

fn read_transition(element: &Element<'_>, reader: &mut Reader, located: &mut LocatedDraft) {
    let entry = match element.content {
        Content::Table(entry) => entry,
        Content::Other(value) => return note_no_table("a transition", value, element.line, reader),
    };
    reader.only_known_keys(entry, &["from", "to", "requires_reason", "required_fields", "other_actor_than"]);
    let from = reader.named_status(entry, "from", element.line);
    let to = reader.named_status(entry, "to", element.line);
    let requires_reason = reader.switch(entry, "requires_reason");
    let (required_fields, field_lines) = required_fields(entry, reader);
    let other =
        entry.get("other_actor_than").and_then(|_| reader.named_status(entry, "other_actor_than", element.line));
    match (from, to) {
        (Some(from), Some(to)) => {
            let other_line = other.as_ref().map(|other| other.line);
            located.lines.transitions.push(TransitionLines {
                from: from.line,
                to: to.line,
                required_fields: field_lines,
                other_actor_than: other_line,
            });
            located.draft.transitions.push(Transition {
                from: from.value,
                to: to.value,
                requires_reason,
                required_fields,
                other_actor_than: other.map(|other| other.value),
            });
        }
        (from, to) => located.loose_ends.extend([from, to, other].into_iter().flatten()),
    }
}

/// The fields that a transition requires, and their lines; none where it says nothing of them.
fn required_fields(entry: &dyn TableLike, reader: &mut Reader) -> (Vec<RequiredField>, Vec<usize>) {
    let holds = "the names of fields such as \"assignee\"";
    let Some(list) = reader.optional_list(entry, "required_fields", holds) else {
        return (Vec::new(), Vec::new());
    };
    let read = within("required_fields", &list, RequiredField::ALL.len(), reader);
    let field = |element| {
        let name = reader.text_element(element, "a required field")?;
        Some((required_field(&name, reader)?, name.line))
    };
    read.iter().filter_map(field).unzip()
}

fn required_field(name: &Located<&str>, reader: &mut Reader) -> Option<RequiredField> {
    let field = RequiredField::parse(name.value);
    if field.is_none() {
        let known = RequiredField::ALL.map(RequiredField::as_str);
        let near = suggestion(nearest(name.value, known));
        let message = format!("{} cannot be required{near} (known: {})", quoted(name.value), known.join(", "));
        reader.note(name.line, message);
    }
    field
}

fn note_no_table(what: &str, value: &toml_edit::Value, line: usize, reader: &mut Reader) {
    let message = format!("{what} is a table in braces, not {}", type_name(value.type_name()));
    reader.note(line, message);
}
