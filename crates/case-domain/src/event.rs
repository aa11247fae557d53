//! What has happened.

use crate::{
    CaseId, CommentBody, CustomFields, Description, Link, Person, Priority, Reason, RequestContext, Severity, Status,
    StatusCategory, Tags, Team, Timestamp, Title,
};

/// What was done to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It was opened.
    CaseCreated,
    /// It was moved to another status.
    CaseTransitioned,
    /// Fields of it were changed.
    CaseUpdated,
    /// It was handed over.
    CaseAssigned,
    /// A remark was made.
    CaseCommented,
    /// It was connected to another case.
    CaseLinked,
    /// A connection was taken away.
    CaseUnlinked,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 7] = [
        Self::CaseCreated,
        Self::CaseTransitioned,
        Self::CaseUpdated,
        Self::CaseAssigned,
        Self::CaseCommented,
        Self::CaseLinked,
        Self::CaseUnlinked,
    ];

    /// The name in timelines, audit records and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CaseCreated => "case_created",
            Self::CaseTransitioned => "case_transitioned",
            Self::CaseUpdated => "case_updated",
            Self::CaseAssigned => "case_assigned",
            Self::CaseCommented => "case_commented",
            Self::CaseLinked => "case_linked",
            Self::CaseUnlinked => "case_unlinked",
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
    /// A new comment; its number is the case's `comment_count` after the event.
    Comment(CommentBody),
    /// A link that appears (`from` is `None`) or goes (`to` is `None`).
    Link(Moved<Link>),
}

impl Change {
    /// The field's name, as in the API; `comment` and `link` for what is added to or taken from a list.
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
            Self::Comment(_) => "comment",
            Self::Link(_) => "link",
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
