//! Requests become domain commands, with all violations at once.

use case_domain::{CaseDraft, Command, CreateCase, Lifecycle, Line, Status, Tags, TransitionCase};
use rpc_error::Failure;

use crate::case::{priority_from_pb, severity_from_pb};
use crate::{Violations, custom_fields_from_pb, parse_case_id, pb, rejection, timestamp_from_pb};

/// The longest idempotency key, in characters.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 128;

/// A well-formed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedCommand {
    /// What is asked for.
    pub command: Command,
    /// The caller's key, if it gave one.
    pub idempotency_key: Option<Box<str>>,
    /// Whether the caller only wants to know if it would be accepted.
    pub validate_only: bool,
}

/// Reads a `CreateCaseRequest`.
pub fn create_case(request: &pb::CreateCaseRequest, lifecycle: &Lifecycle) -> Result<ParsedCommand, Failure> {
    let mut violations = Violations::default();
    if request.case.is_none() {
        violations.add("case", "is required", "REQUIRED");
    }
    let draft = request.case.as_ref().and_then(|case| draft(&mut violations, case));
    let initial_status = initial_status(&mut violations, &request.initial_status, lifecycle);
    let reason = violations.prose("reason", &request.reason);
    let idempotency_key = idempotency_key(&mut violations, &request.idempotency_key);
    if request.expected_version != 0 {
        violations.add("expected_version", "must be 0: a case that does not exist has no version", "INVALID");
    }
    violations.into_result()?;
    // Without violations there is a draft.
    let draft = draft.ok_or_else(Failure::internal)?;
    let command = Command::CreateCase(CreateCase { draft, initial_status, reason });
    Ok(ParsedCommand { command, idempotency_key, validate_only: request.validate_only })
}

/// Reads a `TransitionCaseRequest`.
pub fn transition_case(request: &pb::TransitionCaseRequest, lifecycle: &Lifecycle) -> Result<ParsedCommand, Failure> {
    let mut violations = Violations::default();
    let case_id = parse_case_id(&mut violations, "case_id", &request.case_id);
    let to_status = known_status(&mut violations, "to_status", &request.to_status, lifecycle);
    let reason = violations.prose("reason", &request.reason);
    let assignee = hand_over(&mut violations, "assignee", request.assignee.as_deref());
    let team = hand_over(&mut violations, "team", request.team.as_deref());
    let idempotency_key = idempotency_key(&mut violations, &request.idempotency_key);
    violations.into_result()?;
    let case_id = case_id?;
    // Without violations there is a status.
    let to_status = to_status.ok_or_else(Failure::internal)?;
    let expected_version = (request.expected_version != 0).then_some(request.expected_version);
    let command =
        Command::TransitionCase(TransitionCase { case_id, to_status, reason, assignee, team, expected_version });
    Ok(ParsedCommand { command, idempotency_key, validate_only: request.validate_only })
}

fn draft(violations: &mut Violations, case: &pb::Case) -> Option<CaseDraft> {
    let title = if case.title.is_empty() {
        violations.add("case.title", "is required", "REQUIRED");
        None
    } else {
        violations.line("case.title", &case.title)
    };
    let description = violations.prose("case.description", &case.description);
    let priority = violations.checked("case.priority", priority_from_pb(case.priority)).flatten();
    let severity = violations.checked("case.severity", severity_from_pb(case.severity)).flatten();
    let assignee = violations.line("case.assignee", &case.assignee);
    let team = violations.line("case.team", &case.team);
    let reporter = violations.line("case.reporter", &case.reporter);
    let tags = tags(violations, &case.tags);
    let custom_fields = case
        .custom_fields
        .as_ref()
        .and_then(|fields| violations.checked("case.custom_fields", custom_fields_from_pb(fields)).flatten());
    let due_time = case.due_time.as_ref().and_then(|time| {
        let time = timestamp_from_pb(time).ok_or("must lie in the years 1 to 9999");
        violations.checked("case.due_time", time)
    });
    let title = title?;
    Some(CaseDraft { title, description, priority, severity, assignee, team, reporter, tags, custom_fields, due_time })
}

fn tags(violations: &mut Violations, tags: &[String]) -> Tags {
    // Collected lazily: a million tags are not all checked once there are too many.
    let mut good = Vec::new();
    for (index, tag) in tags.iter().enumerate().take(1_000) {
        good.extend(violations.checked(&format!("case.tags[{index}]"), Line::new(tag)));
    }
    if tags.len() > 1_000 {
        violations.add("case.tags", "has more than 1,000 entries", "INVALID");
    }
    violations.checked("case.tags", Tags::new(good)).unwrap_or_default()
}

/// Absent: not handed over. Present but empty: to nobody.
#[expect(clippy::option_option, reason = "the wire's three cases, as the domain's command has them")]
fn hand_over<const MAX: usize>(
    violations: &mut Violations,
    field: &str,
    text: Option<&str>,
) -> Option<Option<Line<MAX>>> {
    text.map(|text| violations.line(field, text))
}

fn idempotency_key(violations: &mut Violations, key: &str) -> Option<Box<str>> {
    if key.chars().count() > IDEMPOTENCY_KEY_CHARS_MAX {
        let description = format!("has more than {IDEMPOTENCY_KEY_CHARS_MAX} characters");
        violations.add("idempotency_key", description, "INVALID");
    }
    (!key.is_empty()).then(|| key.into())
}

fn known_status(violations: &mut Violations, field: &str, name: &str, lifecycle: &Lifecycle) -> Option<Status> {
    if name.is_empty() {
        violations.add(field, "is required", "REQUIRED");
        return None;
    }
    let known = Status::new(name).ok().filter(|status| lifecycle.category(status).is_some());
    if known.is_none() {
        let names: Vec<&str> = lifecycle.statuses().iter().map(|definition| definition.name.as_str()).collect();
        violations.add(
            field,
            format_args!("is not a status of the lifecycle; known: {}", names.join(", ")),
            "UNKNOWN_STATUS",
        );
    }
    known
}

fn initial_status(violations: &mut Violations, name: &str, lifecycle: &Lifecycle) -> Option<Status> {
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
