//! What callers may ask for.

use crate::{
    CaseDraft, CaseId, CommentBody, CustomFields, Description, Link, Person, Priority, Reason, Severity, Status, Tags,
    Team, Timestamp, Title,
};

/// A request to change a case, well formed but not yet decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Open a new case.
    CreateCase(CreateCase),
    /// Do something to an existing one.
    Change(ChangeCase),
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

/// Changes an existing case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeCase {
    /// The case.
    pub case_id: CaseId,
    /// The version that the caller saw; `None`: any.
    pub expected_version: Option<u64>,
    /// Why.
    pub reason: Option<Reason>,
    /// What is to be done.
    pub operation: Operation,
}

/// What can be done to an existing case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Move it to another status, and perhaps hand it over in the same change.
    Transition(TransitionCase),
    /// Change its fields; of several edits of one field the last holds.
    Update(Vec<Edit>),
    /// Hand it over.
    Assign(AssignCase),
    /// Add a remark.
    Comment(CommentBody),
    /// Connect it to another case.
    Link(Link),
    /// Take a connection away.
    Unlink(Link),
}

/// Moves a case, and may hand it over in the same change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransitionCase {
    /// Where to.
    pub to_status: Status,
    /// `Some(None)` takes it from everybody.
    pub assignee: Option<Option<Person>>,
    /// `Some(None)` takes it from every team.
    pub team: Option<Option<Team>>,
}

/// Hands a case over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignCase {
    /// To whom; `None`: to nobody.
    pub assignee: Option<Person>,
    /// `None`: the team stays; `Some(None)`: it lies with no team.
    pub team: Option<Option<Team>>,
}

/// A new value of one field; `None` empties it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// What it is about.
    Title(Title),
    /// All that is known of it.
    Description(Option<Description>),
    /// How soon it must be dealt with.
    Priority(Option<Priority>),
    /// How bad it is.
    Severity(Option<Severity>),
    /// Who works on it.
    Assignee(Option<Person>),
    /// The team it lies with.
    Team(Option<Team>),
    /// Who reported it.
    Reporter(Option<Person>),
    /// Words to find it by.
    Tags(Tags),
    /// The caller's own fields.
    CustomFields(Option<CustomFields>),
    /// When it should be done.
    DueTime(Option<Timestamp>),
}

impl Command {
    /// The existing case that the command is about; `None` for a new one.
    pub const fn case_id(&self) -> Option<&CaseId> {
        match self {
            Self::CreateCase(_) => None,
            Self::Change(change) => Some(&change.case_id),
        }
    }

    /// The other case that must exist, too.
    pub const fn linked_case_id(&self) -> Option<&CaseId> {
        match self {
            Self::Change(ChangeCase { operation: Operation::Link(link), .. }) => Some(&link.case_id),
            Self::CreateCase(_) | Self::Change(_) => None,
        }
    }
}
