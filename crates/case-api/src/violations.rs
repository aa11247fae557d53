//! Collects everything that is wrong with a request, so that the caller reads it at once.

use std::fmt::Display;

use case_domain::{CaseId, InvalidCaseId, Line, Prose};
use rpc_error::{Failure, Reason};

/// The longest text that is looked up as a case id, in characters.
pub const CASE_ID_CHARS_MAX: usize = 128;

/// The invalid fields of one request.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

#[derive(Debug)]
struct Violation {
    field: String,
    description: String,
    reason: &'static str,
}

impl Violations {
    /// Notes one invalid field; `reason` is a word for programs.
    pub fn add(&mut self, field: &str, description: impl Display, reason: &'static str) {
        self.0.push(Violation { field: field.to_owned(), description: description.to_string(), reason });
    }

    /// An optional line of text: empty is unset.
    pub fn line<const MAX: usize>(&mut self, field: &str, text: &str) -> Option<Line<MAX>> {
        if text.is_empty() { None } else { self.checked(field, Line::new(text)) }
    }

    /// An optional free text: empty is unset.
    pub fn prose<const MAX: usize>(&mut self, field: &str, text: &str) -> Option<Prose<MAX>> {
        if text.is_empty() { None } else { self.checked(field, Prose::new(text)) }
    }

    /// Keeps a good value, notes a bad one.
    pub fn checked<T, E: Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(field, error, "INVALID");
                None
            }
        }
    }

    /// Fails if anything was noted.
    pub fn into_result(self) -> Result<(), Failure> {
        self.into_result_as(Reason::ValidationFailed)
    }

    /// Fails for this reason if anything was noted.
    pub fn into_result_as(self, reason: Reason) -> Result<(), Failure> {
        if self.0.is_empty() {
            return Ok(());
        }
        let listed: Vec<String> = self.0.iter().map(|v| format!("{}: {}", v.field, v.description)).collect();
        let message = format!("{} invalid: {}", fields(self.0.len()), listed.join("; "));
        let names: Vec<&str> = self.0.iter().map(|v| v.field.as_str()).collect();
        let failure = Failure::new(reason, message).with_metadata("fields", names.join(","));
        Err(self.0.iter().fold(failure, |failure, v| failure.with_violation(&v.field, &v.description, v.reason)))
    }
}

fn fields(count: usize) -> String {
    if count == 1 { "1 field is".to_owned() } else { format!("{count} fields are") }
}

/// Reads a required case id. A text that cannot be an id is noted only where it is absent or too long: otherwise it
/// names no case, and the caller is told so after all other checks of the syntax, as of any unknown id.
pub fn parse_case_id(violations: &mut Violations, field: &str, text: &str) -> Result<CaseId, Failure> {
    if text.is_empty() {
        violations.add(field, "is required", "REQUIRED");
    } else if text.chars().count() > CASE_ID_CHARS_MAX {
        violations.add(field, format_args!("has more than {CASE_ID_CHARS_MAX} characters"), "INVALID");
    }
    CaseId::parse(text).map_err(|InvalidCaseId| crate::rejection::case_not_found(text))
}
