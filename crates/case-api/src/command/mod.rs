//! Requests become domain commands, with all violations at once.

mod fields;
mod update;

use case_domain::{
    AssignCase, CaseDraft, CaseId, ChangeCase, Command, CreateCase, Lifecycle, Link, Operation, TransitionCase,
};
use rpc_error::Failure;

use crate::case::link_type_from_pb;
use crate::{Violations, parse_case_id, pb};
use fields::Fields;

pub use fields::IDEMPOTENCY_KEY_CHARS_MAX;
pub use update::update_case;

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
    let initial_status = fields::initial_status(&mut violations, &request.initial_status, lifecycle);
    let reason = violations.prose("reason", &request.reason);
    let idempotency_key = fields::idempotency_key(&mut violations, &request.idempotency_key);
    if request.expected_version != 0 {
        violations.add("expected_version", "must be 0: a case that does not exist has no version", "INVALID");
    }
    violations.into_result()?;
    // Without violations there is a draft.
    let draft = draft.ok_or_else(Failure::internal)?;
    let command = Command::CreateCase(CreateCase { draft, initial_status, reason });
    Ok(ParsedCommand { command, idempotency_key, validate_only: request.validate_only })
}

/// What every request about an existing case has.
struct Common<'a> {
    case_id: &'a str,
    /// Where the id stands in the request.
    case_id_field: &'static str,
    reason: &'a str,
    idempotency_key: &'a str,
    expected_version: u64,
    validate_only: bool,
}

/// What a request about an existing case has under these names.
macro_rules! common {
    ($request:ident) => {
        Common {
            case_id: &$request.case_id,
            case_id_field: "case_id",
            reason: &$request.reason,
            idempotency_key: &$request.idempotency_key,
            expected_version: $request.expected_version,
            validate_only: $request.validate_only,
        }
    };
}

/// A request about an existing case on its way to a command.
struct Reading<'a> {
    violations: Violations,
    case_id: Result<CaseId, Failure>,
    common: Common<'a>,
}

impl<'a> Reading<'a> {
    /// Begins with the case's id, so that violations come in the order of the request.
    fn of(common: Common<'a>) -> Self {
        let mut violations = Violations::default();
        let case_id = parse_case_id(&mut violations, common.case_id_field, common.case_id);
        Self { violations, case_id, common }
    }

    /// The command. Everything that is wrong is said at once; only then counts why there is no operation.
    fn command(self, operation: Result<Operation, Failure>) -> Result<ParsedCommand, Failure> {
        let Self { mut violations, case_id, common } = self;
        let reason = violations.prose("reason", common.reason);
        let idempotency_key = fields::idempotency_key(&mut violations, common.idempotency_key);
        violations.into_result()?;
        let (case_id, operation) = (case_id?, operation?);
        let expected_version = (common.expected_version != 0).then_some(common.expected_version);
        let command = Command::Change(ChangeCase { case_id, expected_version, reason, operation });
        Ok(ParsedCommand { command, idempotency_key, validate_only: common.validate_only })
    }
}

/// A value that is only missing where a violation says why.
fn read<T>(value: Option<T>) -> Result<T, Failure> {
    value.ok_or_else(Failure::internal)
}

/// Reads a `TransitionCaseRequest`.
pub fn transition_case(request: &pb::TransitionCaseRequest, lifecycle: &Lifecycle) -> Result<ParsedCommand, Failure> {
    let mut reading = Reading::of(common!(request));
    let violations = &mut reading.violations;
    let to_status = fields::known_status(violations, "to_status", &request.to_status, lifecycle);
    let assignee = fields::hand_over(violations, "assignee", request.assignee.as_deref());
    let team = fields::hand_over(violations, "team", request.team.as_deref());
    let transition = |to_status| Operation::Transition(TransitionCase { to_status, assignee, team });
    reading.command(read(to_status).map(transition))
}

/// Reads an `AssignCaseRequest`.
pub fn assign_case(request: &pb::AssignCaseRequest) -> Result<ParsedCommand, Failure> {
    let mut reading = Reading::of(common!(request));
    let assignee = reading.violations.line("assignee", &request.assignee);
    let team = fields::hand_over(&mut reading.violations, "team", request.team.as_deref());
    reading.command(Ok(Operation::Assign(AssignCase { assignee, team })))
}

/// Reads an `AddCommentRequest`.
pub fn add_comment(request: &pb::AddCommentRequest) -> Result<ParsedCommand, Failure> {
    let mut reading = Reading::of(common!(request));
    if request.body.is_empty() {
        reading.violations.add("body", "is required", "REQUIRED");
    }
    let body = reading.violations.prose("body", &request.body);
    reading.command(read(body).map(Operation::Comment))
}

/// Reads a `LinkCasesRequest`.
pub fn link_cases(request: &pb::LinkCasesRequest) -> Result<ParsedCommand, Failure> {
    let mut reading = Reading::of(common!(request));
    let link = link(&mut reading, &request.linked_case_id, request.link_type);
    reading.command(link.map(Operation::Link))
}

/// Reads an `UnlinkCasesRequest`.
pub fn unlink_cases(request: &pb::UnlinkCasesRequest) -> Result<ParsedCommand, Failure> {
    let mut reading = Reading::of(common!(request));
    let link = link(&mut reading, &request.linked_case_id, request.link_type);
    reading.command(link.map(Operation::Unlink))
}

/// The link to another case. A text that cannot be an id names no case, once nothing else is wrong.
fn link(reading: &mut Reading<'_>, linked_case_id: &str, link_type: i32) -> Result<Link, Failure> {
    let violations = &mut reading.violations;
    let other = parse_case_id(violations, "linked_case_id", linked_case_id);
    if !linked_case_id.is_empty() && linked_case_id == reading.common.case_id {
        violations.add("linked_case_id", "is the case itself", "INVALID");
    }
    let link_type = violations.checked("link_type", link_type_from_pb(link_type));
    other.and_then(|case_id| read(link_type).map(|link_type| Link { case_id, link_type }))
}

fn draft(violations: &mut Violations, case: &pb::Case) -> Option<CaseDraft> {
    let mut fields = Fields { violations, case };
    let title = fields.title();
    Some(CaseDraft {
        description: fields.description(),
        priority: fields.priority(),
        severity: fields.severity(),
        assignee: fields.assignee(),
        team: fields.team(),
        reporter: fields.reporter(),
        tags: fields.tags(),
        custom_fields: fields.custom_fields(),
        due_time: fields.due_time(),
        // Last, so that every other field has been looked at.
        title: title?,
    })
}
