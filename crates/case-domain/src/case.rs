//! The state of one case.

use std::collections::BTreeMap;

use crate::{CaseId, CustomFields, Description, Person, Status, Tags, Team, Timestamp, Title};

/// What the lifecycle makes of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusCategory {
    /// Work goes on and deadlines run.
    Open,
    /// Somebody else is awaited; deadlines stand still.
    Paused,
    /// Work has ended.
    Closed,
}

/// How soon a case must be dealt with; the later variants before the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// When nothing else waits.
    Low,
    /// In the usual order.
    Medium,
    /// Before the usual work.
    High,
    /// Before everything else.
    Urgent,
}

/// How bad the matter of a case is; on the same scale as [`Priority`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Hardly noticed.
    Low,
    /// A nuisance.
    Medium,
    /// Serious.
    High,
    /// Critical.
    Urgent,
}

/// Gives an enum its names in events, in one table that is read both ways.
macro_rules! names {
    ($type:ident { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// The name in events: that of the wire without its prefix.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Reads [`Self::as_str`]'s form.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

names!(StatusCategory { Open => "OPEN", Paused => "PAUSED", Closed => "CLOSED" });
names!(Priority { Low => "LOW", Medium => "MEDIUM", High => "HIGH", Urgent => "URGENT" });
names!(Severity { Low => "LOW", Medium => "MEDIUM", High => "HIGH", Urgent => "URGENT" });

/// What one case is to another, said from the side that has the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkType {
    /// They have to do with each other.
    RelatesTo,
    /// This case is about the same matter as the other one, which goes on.
    Duplicates,
    /// The other case cannot go on before this one is done.
    Blocks,
    /// This case is a part of the other one.
    ChildOf,
}

names!(LinkType { RelatesTo => "RELATES_TO", Duplicates => "DUPLICATES", Blocks => "BLOCKS", ChildOf => "CHILD_OF" });

/// A connection to another case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// The other case.
    pub case_id: CaseId,
    /// What this case is to it.
    pub link_type: LinkType,
}

/// What a caller says of a new case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseDraft {
    /// What it is about.
    pub title: Title,
    /// All that is known at first.
    pub description: Option<Description>,
    /// How soon it must be dealt with.
    pub priority: Option<Priority>,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// Who works on it.
    pub assignee: Option<Person>,
    /// The team it lies with.
    pub team: Option<Team>,
    /// Who reported it.
    pub reporter: Option<Person>,
    /// Words to find it by.
    pub tags: Tags,
    /// The caller's own fields.
    pub custom_fields: Option<CustomFields>,
    /// When it should be done.
    pub due_time: Option<Timestamp>,
}

/// The state of a case after its latest event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Which case it is.
    pub id: CaseId,
    /// How many events it has had.
    pub version: u64,
    /// Where in the lifecycle it stands.
    pub status: Status,
    /// What the lifecycle made of the status when the case entered it.
    pub status_category: StatusCategory,
    /// What it is about.
    pub title: Title,
    /// All that is known of it.
    pub description: Option<Description>,
    /// How soon it must be dealt with.
    pub priority: Option<Priority>,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// Who works on it.
    pub assignee: Option<Person>,
    /// The team it lies with.
    pub team: Option<Team>,
    /// Who reported it.
    pub reporter: Option<Person>,
    /// Words to find it by.
    pub tags: Tags,
    /// The caller's own fields.
    pub custom_fields: Option<CustomFields>,
    /// When it should be done.
    pub due_time: Option<Timestamp>,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
    /// When it was closed; `None` while it is open or paused.
    pub close_time: Option<Timestamp>,
    /// Its own links, in the order in which they were made; at most [`LINKS_MAX`].
    pub links: Vec<Link>,
    /// How many comments it has had: the number of the latest.
    pub comment_count: u64,
    /// Who last moved it into each status that it has been in: what four eyes are judged by.
    pub entered_by: BTreeMap<Status, Person>,
}

/// The most links that one case may have.
pub const LINKS_MAX: usize = 256;
