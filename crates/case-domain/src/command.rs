//! What callers may ask for.

use crate::{CaseDraft, CaseId, Person, Reason, Status, Team};

/// A request to change a case, well formed but not yet decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Open a new case.
    CreateCase(CreateCase),
    /// Move a case to another status.
    TransitionCase(TransitionCase),
}

/// Opens a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateCase {
    /// What it is.
    pub draft: CaseDraft,
    /// Where it begins; `None`: in the lifecycle's first initial status.
    pub initial_status: Option<Status>,
    /// Why it is opened.
    pub reason: Option<Reason>,
}

/// Moves a case, and may hand it over in the same change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransitionCase {
    /// The case.
    pub case_id: CaseId,
    /// Where to.
    pub to_status: Status,
    /// Why.
    pub reason: Option<Reason>,
    /// `Some(None)` takes it from everybody.
    pub assignee: Option<Option<Person>>,
    /// `Some(None)` takes it from every team.
    pub team: Option<Option<Team>>,
    /// The version that the caller saw; `None`: any.
    pub expected_version: Option<u64>,
}

impl Command {
    /// The existing case that the command is about; `None` for a new one.
    pub const fn case_id(&self) -> Option<&CaseId> {
        match self {
            Self::CreateCase(_) => None,
            Self::TransitionCase(command) => Some(&command.case_id),
        }
    }
}
