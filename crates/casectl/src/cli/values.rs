//! Words of the contract, as people type them.

use case_api::pb;
use clap::ValueEnum;

/// How soon, or how bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// When nothing else waits; hardly noticed.
    Low,
    /// In the usual order; a nuisance.
    Medium,
    /// Before the usual work; serious.
    High,
    /// Before everything else; critical.
    Urgent,
}

/// A level to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LevelOrNone {
    /// Cases that have none.
    None,
    /// When nothing else waits; hardly noticed.
    Low,
    /// In the usual order; a nuisance.
    Medium,
    /// Before the usual work; serious.
    High,
    /// Before everything else; critical.
    Urgent,
}

/// What a status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Category {
    /// Work goes on.
    Open,
    /// Somebody else is awaited.
    Paused,
    /// Work has ended.
    Closed,
}

/// What the first case is to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Link {
    /// They have to do with each other.
    RelatesTo,
    /// It is about the same matter as the other one, which goes on.
    Duplicates,
    /// The other one cannot go on before this one is done.
    Blocks,
    /// It is a part of the other one.
    ChildOf,
}

impl Level {
    pub(crate) const fn priority(self) -> pb::Priority {
        match self {
            Self::Low => pb::Priority::Low,
            Self::Medium => pb::Priority::Medium,
            Self::High => pb::Priority::High,
            Self::Urgent => pb::Priority::Urgent,
        }
    }

    pub(crate) const fn severity(self) -> pb::Severity {
        match self {
            Self::Low => pb::Severity::Low,
            Self::Medium => pb::Severity::Medium,
            Self::High => pb::Severity::High,
            Self::Urgent => pb::Severity::Urgent,
        }
    }
}

impl LevelOrNone {
    const fn level(self) -> Option<Level> {
        match self {
            Self::None => None,
            Self::Low => Some(Level::Low),
            Self::Medium => Some(Level::Medium),
            Self::High => Some(Level::High),
            Self::Urgent => Some(Level::Urgent),
        }
    }

    pub(crate) fn priority(self) -> pb::Priority {
        self.level().map_or(pb::Priority::Unspecified, Level::priority)
    }

    pub(crate) fn severity(self) -> pb::Severity {
        self.level().map_or(pb::Severity::Unspecified, Level::severity)
    }
}

impl From<Category> for pb::StatusCategory {
    fn from(category: Category) -> Self {
        match category {
            Category::Open => Self::Open,
            Category::Paused => Self::Paused,
            Category::Closed => Self::Closed,
        }
    }
}

impl From<Link> for pb::LinkType {
    fn from(link: Link) -> Self {
        match link {
            Link::RelatesTo => Self::RelatesTo,
            Link::Duplicates => Self::Duplicates,
            Link::Blocks => Self::Blocks,
            Link::ChildOf => Self::ChildOf,
        }
    }
}
