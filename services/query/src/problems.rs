//! Invalid fields of one request whose failures have different reasons.

use case_api::{CASE_ID_CHARS_MAX, Violations, parse_case_id};
use case_domain::CaseId;
use rpc_error::{Failure, Reason};

/// Collects invalid fields: all are listed, and the first one's reason counts.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    violations: Violations,
    first: Option<Reason>,
}

impl Problems {
    /// Notes one invalid field; `word` is for programs.
    pub(crate) fn note(
        &mut self,
        reason: Reason,
        field: &str,
        description: impl std::fmt::Display,
        word: &'static str,
    ) {
        self.first.get_or_insert(reason);
        self.violations.add(field, description, word);
    }

    /// Notes one field that is invalid in an ordinary way.
    pub(crate) fn invalid(&mut self, field: &str, description: impl std::fmt::Display) {
        self.note(Reason::ValidationFailed, field, description, "INVALID");
    }

    /// Reads a required case id. What cannot be an id names no case: a failure for after all other checks.
    pub(crate) fn case_id(&mut self, field: &str, text: &str) -> Result<CaseId, Failure> {
        if text.is_empty() || text.chars().count() > CASE_ID_CHARS_MAX {
            self.first.get_or_insert(Reason::ValidationFailed);
        }
        parse_case_id(&mut self.violations, field, text)
    }

    /// Fails if anything was noted.
    pub(crate) fn into_result(self) -> Result<(), Failure> {
        self.first.map_or(Ok(()), |reason| self.violations.into_result_as(reason))
    }
}
