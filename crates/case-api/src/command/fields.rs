//! Reads single fields of requests.

use case_domain::{
    CustomFields, Description, Lifecycle, Line, Person, Priority, Severity, Status, Tags, Team, Timestamp, Title,
};

use crate::case::{priority_from_pb, severity_from_pb};
use crate::{Violations, custom_fields_from_pb, pb, rejection, timestamp_from_pb};

/// The longest idempotency key, in characters.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 128;
/// How many entries of a list of tags are looked at: a million of them are not checked one by one.
const TAGS_READ_MAX: usize = 1_000;

/// The fields that a caller can set, read from a wire case. What is empty there is unset.
pub(super) struct Fields<'a> {
    pub(super) violations: &'a mut Violations,
    pub(super) case: &'a pb::Case,
}

impl Fields<'_> {
    /// Required.
    pub(super) fn title(&mut self) -> Option<Title> {
        if self.case.title.is_empty() {
            self.violations.add("case.title", "is required", "REQUIRED");
        }
        self.violations.line("case.title", &self.case.title)
    }

    pub(super) fn description(&mut self) -> Option<Description> {
        self.violations.prose("case.description", &self.case.description)
    }

    pub(super) fn priority(&mut self) -> Option<Priority> {
        self.violations.checked("case.priority", priority_from_pb(self.case.priority)).flatten()
    }

    pub(super) fn severity(&mut self) -> Option<Severity> {
        self.violations.checked("case.severity", severity_from_pb(self.case.severity)).flatten()
    }

    pub(super) fn assignee(&mut self) -> Option<Person> {
        self.violations.line("case.assignee", &self.case.assignee)
    }

    pub(super) fn team(&mut self) -> Option<Team> {
        self.violations.line("case.team", &self.case.team)
    }

    pub(super) fn reporter(&mut self) -> Option<Person> {
        self.violations.line("case.reporter", &self.case.reporter)
    }

    pub(super) fn tags(&mut self) -> Tags {
        let mut good = Vec::new();
        for (index, tag) in self.case.tags.iter().enumerate().take(TAGS_READ_MAX) {
            good.extend(self.violations.checked(&format!("case.tags[{index}]"), Line::new(tag)));
        }
        if self.case.tags.len() > TAGS_READ_MAX {
            self.violations.add("case.tags", format_args!("has more than {TAGS_READ_MAX} entries"), "INVALID");
        }
        self.violations.checked("case.tags", Tags::new(good)).unwrap_or_default()
    }

    pub(super) fn custom_fields(&mut self) -> Option<CustomFields> {
        let fields = self.case.custom_fields.as_ref()?;
        self.violations.checked("case.custom_fields", custom_fields_from_pb(fields)).flatten()
    }

    pub(super) fn due_time(&mut self) -> Option<Timestamp> {
        let time = self.case.due_time.as_ref()?;
        self.violations.checked(
            "case.due_time",
            timestamp_from_pb(time).ok_or("must lie between 0001-01-01T00:00:00Z and 9999-12-30T21:59:59Z"),
        )
    }
}

/// Absent: not handed over. Present but empty: to nobody.
#[expect(clippy::option_option, reason = "the wire's three cases, as the domain's command has them")]
pub(super) fn hand_over<const MAX: usize>(
    violations: &mut Violations,
    field: &str,
    text: Option<&str>,
) -> Option<Option<Line<MAX>>> {
    text.map(|text| violations.line(field, text))
}

pub(super) fn idempotency_key(violations: &mut Violations, key: &str) -> Option<Box<str>> {
    if key.chars().count() > IDEMPOTENCY_KEY_CHARS_MAX {
        let description = format!("has more than {IDEMPOTENCY_KEY_CHARS_MAX} characters");
        violations.add("idempotency_key", description, "INVALID");
    }
    (!key.is_empty()).then(|| key.into())
}

pub(super) fn known_status(
    violations: &mut Violations,
    field: &str,
    name: &str,
    lifecycle: &Lifecycle,
) -> Option<Status> {
    if name.is_empty() {
        violations.add(field, "is required", "REQUIRED");
        return None;
    }
    let known = Status::new(name).ok().filter(|status| lifecycle.category(status).is_some());
    if known.is_none() {
        let names: Vec<&str> = lifecycle.statuses().iter().map(|definition| definition.name.as_str()).collect();
        let description = format!("is not a status of the lifecycle; known: {}", names.join(", "));
        violations.add(field, description, "UNKNOWN_STATUS");
    }
    known
}

pub(super) fn initial_status(violations: &mut Violations, name: &str, lifecycle: &Lifecycle) -> Option<Status> {
    if name.is_empty() {
        return None;
    }
    let status = Status::new(name).ok().filter(|status| lifecycle.initial().contains(status));
    if status.is_none() {
        let allowed = rejection::joined(lifecycle.initial());
        let description = format!("is not an initial status of the lifecycle; a case may begin in: {allowed}");
        violations.add("initial_status", description, "UNKNOWN_STATUS");
    }
    status
}
