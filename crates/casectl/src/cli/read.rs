//! Commands that only look.

use clap::{Args, ValueEnum};

use super::values::{Category, LevelOrNone};

/// How fresh an answer must be.
#[derive(Debug, Args)]
pub(crate) struct FreshArgs {
    /// A `consistencyToken` or `asOf` of an earlier answer that this one must include; may be repeated.
    #[arg(long, value_name = "TOKEN", value_delimiter = ',')]
    pub(crate) fresh: Vec<String>,
}

/// Which part of a long list.
#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// Every page, not only one.
    #[arg(long)]
    pub(crate) all: bool,
    /// Rows of a page, at most 1000 [default: 50; 1000 with --all].
    #[arg(long, value_name = "N")]
    pub(crate) page_size: Option<i32>,
    /// Begin with the page after: the token that the page before ended with.
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    pub(crate) page_token: String,
}

/// `show`
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The case; several are read as of one moment.
    #[arg(required = true, value_name = "CASE")]
    pub(crate) cases: Vec<String>,
    /// Its comments, too.
    #[arg(long)]
    pub(crate) comments: bool,
    #[command(flatten)]
    pub(crate) fresh: FreshArgs,
}

/// `list`
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// In one of these statuses: repeat it, or A,B.
    #[arg(long, short, value_name = "STATUS", value_delimiter = ',')]
    pub(crate) status: Vec<String>,
    /// Open, paused or closed.
    #[arg(long, short, value_name = "CATEGORY", value_delimiter = ',')]
    pub(crate) category: Vec<Category>,
    /// Of one of these priorities.
    #[arg(long, short, value_name = "LEVEL", value_delimiter = ',')]
    pub(crate) priority: Vec<LevelOrNone>,
    /// Of one of these severities.
    #[arg(long, value_name = "LEVEL", value_delimiter = ',')]
    pub(crate) severity: Vec<LevelOrNone>,
    /// With one of these assignees.
    #[arg(long, short, value_name = "NAME")]
    pub(crate) assignee: Vec<String>,
    /// With nobody.
    #[arg(long)]
    pub(crate) unassigned: bool,
    /// With one of these teams; "": with none.
    #[arg(long, value_name = "NAME")]
    pub(crate) team: Vec<String>,
    /// Of one of these reporters.
    #[arg(long, value_name = "NAME")]
    pub(crate) reporter: Vec<String>,
    /// With this tag; with several: with all of them.
    #[arg(long = "tag", short, value_name = "TAG", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,
    /// Created at this time or later: 2026-11-23, 2026-11-23T09:30:00Z, or 7d (ago).
    #[arg(long, value_name = "TIME")]
    pub(crate) created_from: Option<String>,
    /// Created before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) created_to: Option<String>,
    /// Last changed at this time or later.
    #[arg(long, value_name = "TIME")]
    pub(crate) updated_from: Option<String>,
    /// Last changed before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) updated_to: Option<String>,
    /// Due at this time or later.
    #[arg(long, value_name = "TIME")]
    pub(crate) due_from: Option<String>,
    /// Due before this time: `now`, or +3d from now.
    #[arg(long, value_name = "TIME")]
    pub(crate) due_to: Option<String>,
    /// Such as "priority desc" or title [default: the newest first].
    #[arg(long, value_name = "ORDER", default_value = "", hide_default_value = true)]
    pub(crate) order_by: String,
    #[command(flatten)]
    pub(crate) page: PageArgs,
    #[command(flatten)]
    pub(crate) fresh: FreshArgs,
}

/// `timeline`
#[derive(Debug, Args)]
pub(crate) struct TimelineArgs {
    /// The case.
    pub(crate) case: String,
    #[command(flatten)]
    pub(crate) fresh: FreshArgs,
}

/// `audit`
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Of this case only.
    pub(crate) case: Option<String>,
    /// One audit event, by its id, with all details.
    #[arg(long, value_name = "ID", conflicts_with_all = ["case", "by", "action", "from", "to", "request", "trace", "all"])]
    pub(crate) event: Option<String>,
    /// By this actor.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(crate) by: String,
    /// Of this action, such as transitioned.
    #[arg(long, value_name = "ACTION", default_value = "", hide_default_value = true)]
    pub(crate) action: String,
    /// Decided at this time or later: 2026-11-23, 2026-11-23T09:30:00Z, or 7d (ago).
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Decided before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// Of the request with this id.
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub(crate) request: String,
    /// Of this trace.
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub(crate) trace: String,
    #[command(flatten)]
    pub(crate) page: PageArgs,
}

/// `health`
#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// What to ask for.
    #[arg(long, value_name = "NAME", default_value = "readiness")]
    pub(crate) check: HealthName,
}

/// The health names that every server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HealthName {
    /// It can work.
    Readiness,
    /// It need not be restarted.
    Liveness,
    /// It has started.
    Startup,
}
