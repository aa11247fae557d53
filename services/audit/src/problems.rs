//! Collects everything that is wrong with a request, whatever the reasons are called.

use std::fmt::Display;

use case_api::Violations;
use case_domain::Line;
use rpc_error::{Failure, Reason};

/// Invalid fields whose failures have different reasons: the first one's counts, all are listed.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    violations: Violations,
    first: Option<Reason>,
}

impl Problems {
    /// Notes an invalid field; `word` is for programs.
    pub(crate) fn note(&mut self, reason: Reason, field: &str, description: impl Display, word: &'static str) {
        self.first.get_or_insert(reason);
        self.violations.add(field, description, word);
    }

    /// Notes a field that breaks a rule of its own.
    pub(crate) fn invalid(&mut self, field: &str, description: impl Display) {
        self.note(Reason::ValidationFailed, field, description, "INVALID");
    }

    /// An optional line of text: empty is unset.
    pub(crate) fn line<const MAX: usize>(&mut self, field: &str, text: &str) -> Option<Line<MAX>> {
        if text.is_empty() {
            return None;
        }
        Line::new(text).map_err(|error| self.invalid(field, error)).ok()
    }

    /// Fails if anything was noted.
    pub(crate) fn into_result(self) -> Result<(), Failure> {
        self.first.map_or(Ok(()), |reason| self.violations.into_result_as(reason))
    }
}
