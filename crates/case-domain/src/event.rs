//! What has happened.

use crate::{
    CaseId, CustomFields, Description, Person, Priority, Reason, RequestContext, Severity, Status, StatusCategory,
    Tags, Team, Timestamp, Title,
};

/// What was done to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It was opened.
    CaseCreated,
    /// It was moved to another status.
    CaseTransitioned,
}

impl Action {
    /// The name in timelines, audit records and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CaseCreated => "case_created",
            Self::CaseTransitioned => "case_transitioned",
        }
    }
}

/// A value before and after; `None`: unset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved<T> {
    /// Before.
    pub from: Option<T>,
    /// After.
    pub to: Option<T>,
}

/// One field that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Where in the lifecycle it stands. `from` is `None` only for a new case.
    Status {
        /// Before.
        from: Option<Status>,
        /// After.
        to: Status,
    },
    /// What it is about. `from` is `None` only for a new case.
    Title {
        /// Before.
        from: Option<Title>,
        /// After.
        to: Title,
    },
    /// All that is known of it.
    Description(Moved<Description>),
    /// How soon it must be dealt with.
    Priority(Moved<Priority>),
    /// How bad it is.
    Severity(Moved<Severity>),
    /// Who works on it.
    Assignee(Moved<Person>),
    /// The team it lies with.
    Team(Moved<Team>),
    /// Who reported it.
    Reporter(Moved<Person>),
    /// Words to find it by. Empty tags are unset.
    Tags(Moved<Tags>),
    /// The caller's own fields.
    CustomFields(Moved<CustomFields>),
    /// When it should be done.
    DueTime(Moved<Timestamp>),
}

impl Change {
    /// The field's name, as in the API.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Title { .. } => "title",
            Self::Description(_) => "description",
            Self::Priority(_) => "priority",
            Self::Severity(_) => "severity",
            Self::Assignee(_) => "assignee",
            Self::Team(_) => "team",
            Self::Reporter(_) => "reporter",
            Self::Tags(_) => "tags",
            Self::CustomFields(_) => "custom_fields",
            Self::DueTime(_) => "due_time",
        }
    }
}

/// One accepted command, with everything that it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The case.
    pub case_id: CaseId,
    /// The version of the case after it.
    pub case_version: u64,
    /// When it was decided.
    pub time: Timestamp,
    /// What was done.
    pub action: Action,
    /// Who asked.
    pub request: RequestContext,
    /// The version of the lifecycle that it was decided under.
    pub lifecycle_version: u32,
    /// The category of the case's status after it.
    pub status_category: StatusCategory,
    /// Why.
    pub reason: Option<Reason>,
    /// Every field that changed, each at most once.
    pub changes: Vec<Change>,
}
