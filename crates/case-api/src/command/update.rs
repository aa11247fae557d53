//! `UpdateCaseRequest`: which fields change is said by a mask.

use std::collections::BTreeSet;

use case_domain::{Edit, Operation};
use rpc_error::{Failure, Reason};

use super::fields::Fields;
use super::{Common, ParsedCommand, Reading};
use crate::{Violations, pb};

/// How much of an unknown path is shown.
const PATH_CHARS_SHOWN: usize = 64;
/// The most paths of a mask: each of them several times over.
const PATHS_MAX: usize = 100;

/// A field that an update can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Path {
    Title,
    Description,
    Priority,
    Severity,
    Assignee,
    Team,
    Reporter,
    Tags,
    CustomFields,
    DueTime,
}

impl Path {
    const ALL: [(&'static str, Self); 10] = [
        ("title", Self::Title),
        ("description", Self::Description),
        ("priority", Self::Priority),
        ("severity", Self::Severity),
        ("assignee", Self::Assignee),
        ("team", Self::Team),
        ("reporter", Self::Reporter),
        ("tags", Self::Tags),
        ("custom_fields", Self::CustomFields),
        ("due_time", Self::DueTime),
    ];

    /// In the form of the protos or in that of JSON.
    fn parse(name: &str) -> Option<Self> {
        match name {
            "customFields" => Some(Self::CustomFields),
            "dueTime" => Some(Self::DueTime),
            _ => Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, path)| *path),
        }
    }

    /// Whether the wire case says something of it.
    fn is_set(self, case: &pb::Case) -> bool {
        match self {
            Self::Title => !case.title.is_empty(),
            Self::Description => !case.description.is_empty(),
            Self::Priority => case.priority != 0,
            Self::Severity => case.severity != 0,
            Self::Assignee => !case.assignee.is_empty(),
            Self::Team => !case.team.is_empty(),
            Self::Reporter => !case.reporter.is_empty(),
            Self::Tags => !case.tags.is_empty(),
            Self::CustomFields => case.custom_fields.is_some(),
            Self::DueTime => case.due_time.is_some(),
        }
    }

    /// The new value; `None` with a violation.
    fn edit(self, fields: &mut Fields<'_>) -> Option<Edit> {
        Some(match self {
            Self::Title => Edit::Title(fields.title()?),
            Self::Description => Edit::Description(fields.description()),
            Self::Priority => Edit::Priority(fields.priority()),
            Self::Severity => Edit::Severity(fields.severity()),
            Self::Assignee => Edit::Assignee(fields.assignee()),
            Self::Team => Edit::Team(fields.team()),
            Self::Reporter => Edit::Reporter(fields.reporter()),
            Self::Tags => Edit::Tags(fields.tags()),
            Self::CustomFields => Edit::CustomFields(fields.custom_fields()),
            Self::DueTime => Edit::DueTime(fields.due_time()),
        })
    }
}

/// Reads an `UpdateCaseRequest`. Paths that cannot be changed are `UNKNOWN_FIELD`, once nothing else is invalid.
pub fn update_case(request: &pb::UpdateCaseRequest) -> Result<ParsedCommand, Failure> {
    let empty = pb::Case::default();
    let case = request.case.as_ref().unwrap_or(&empty);
    let mut reading = Reading::of(Common {
        case_id: &case.case_id,
        case_id_field: "case.case_id",
        reason: &request.reason,
        idempotency_key: &request.idempotency_key,
        expected_version: request.expected_version,
        validate_only: request.validate_only,
    });
    let masked: Vec<&str> = request.update_mask.split(',').map(str::trim).filter(|path| !path.is_empty()).collect();
    let (paths, unknown) = read_mask(&masked, case);
    let mut fields = Fields { violations: &mut reading.violations, case };
    let edits: Vec<Edit> = paths.into_iter().filter_map(|path| path.edit(&mut fields)).collect();
    let parsed = reading.command(Ok(Operation::Update(edits)))?;
    unknown.into_result_as(Reason::UnknownField)?;
    Ok(parsed)
}

/// The fields that a mask means, each once; an empty one means what is set. What it must not name is noted apart.
fn read_mask(masked: &[&str], case: &pb::Case) -> (BTreeSet<Path>, Violations) {
    let mut unknown = Violations::default();
    let all = Path::ALL.iter().map(|(_, path)| *path);
    if masked.is_empty() {
        return (all.filter(|path| path.is_set(case)).collect(), unknown);
    }
    if masked == ["*"] {
        return (all.collect(), unknown);
    }
    let mut paths = BTreeSet::new();
    if masked.len() > PATHS_MAX {
        unknown.add(
            "update_mask",
            format_args!("names {} paths, at most {PATHS_MAX} are read", masked.len()),
            "INVALID",
        );
        return (paths, unknown);
    }
    for name in masked {
        if let Some(path) = Path::parse(name) {
            paths.insert(path);
        } else {
            let known: Vec<_> = Path::ALL.iter().map(|(name, _)| *name).collect();
            let shown: String = name.chars().take(PATH_CHARS_SHOWN).collect();
            let description = format!("{shown:?} cannot be changed; these can: {}", known.join(", "));
            unknown.add("update_mask", description, "UNKNOWN_FIELD");
        }
    }
    (paths, unknown)
}
