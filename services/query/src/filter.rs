//! Which cases to list.

use std::collections::BTreeSet;

use case_domain::Timestamp;

/// Which cases to list. An empty set matches every case; the values of a set are joined by OR.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filter {
    /// Names of the lifecycle. One that it lacks matches nothing: the projection may be behind.
    pub(crate) statuses: BTreeSet<String>,
    /// Names of categories.
    pub(crate) status_categories: BTreeSet<String>,
    /// Ranks of priorities; 0: none.
    pub(crate) priorities: BTreeSet<i64>,
    /// Ranks of severities; 0: none.
    pub(crate) severities: BTreeSet<i64>,
    /// Exact names; an empty one: nobody.
    pub(crate) assignees: BTreeSet<String>,
    /// Exact names; an empty one: none.
    pub(crate) teams: BTreeSet<String>,
    /// Exact names; an empty one: nobody.
    pub(crate) reporters: BTreeSet<String>,
    /// Tags that a case must have, every one.
    pub(crate) tags_all: BTreeSet<String>,
    /// When it was created.
    pub(crate) created: TimeRange,
    /// When it was last changed.
    pub(crate) updated: TimeRange,
    /// When it should be done; a case without a due time is in no range but the empty one.
    pub(crate) due: TimeRange,
}

/// A range of time; empty: any time, and none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TimeRange {
    /// Then or later.
    pub(crate) from: Option<Timestamp>,
    /// Before.
    pub(crate) before: Option<Timestamp>,
}
