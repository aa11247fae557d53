//! Commands that change cases.

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args};

use super::values::{Level, Link};

/// What every change takes.
#[derive(Debug, Args)]
pub(crate) struct WriteArgs {
    /// Why.
    #[arg(long, short, value_name = "WHY")]
    pub(crate) reason: Option<String>,
    /// Only check: nothing is stored. Shows the case as it would be.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Makes it safe to give the same command again [default: a new one].
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) idempotency_key: Option<String>,
    /// Do not wait until the query service has seen the change.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// Guards a change of a case that exists.
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    /// Refuse if the case is not at this version.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) expected_version: u64,
}

/// Fields of a case that both `create` and `update` set.
#[derive(Debug, Args)]
pub(crate) struct FieldArgs {
    /// What it is about; `-` reads it from standard input.
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// How soon it must be dealt with.
    #[arg(long, short, value_name = "LEVEL")]
    pub(crate) priority: Option<Level>,
    /// How bad it is.
    #[arg(long, value_name = "LEVEL")]
    pub(crate) severity: Option<Level>,
    /// Who works on it.
    #[arg(long, short, value_name = "NAME")]
    pub(crate) assignee: Option<String>,
    /// The team it lies with.
    #[arg(long, value_name = "NAME")]
    pub(crate) team: Option<String>,
    /// Who reported it.
    #[arg(long, value_name = "NAME")]
    pub(crate) reporter: Option<String>,
    /// A tag; several: repeat it, or a,b,c.
    #[arg(long = "tag", short, value_name = "TAG", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,
    /// A field of your own: NAME=TEXT, or NAME:=JSON for numbers, lists and the like; may be repeated. An update takes them
    /// as a whole: name those that are to stay as well.
    #[arg(long = "field", short, value_name = "NAME=TEXT")]
    pub(crate) fields: Vec<String>,
    /// When it should be done: 2026-11-23, 2026-11-23T09:30:00Z, or +3d from now.
    #[arg(long, value_name = "TIME")]
    pub(crate) due: Option<String>,
}

/// `create`
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// One line that names the matter.
    pub(crate) title: String,
    #[command(flatten)]
    pub(crate) fields: FieldArgs,
    /// The status to begin in [default: the first one of the lifecycle].
    #[arg(long, value_name = "STATUS", default_value = "", hide_default_value = true)]
    pub(crate) status: String,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}

/// `update`
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// The case.
    pub(crate) case: String,
    /// The new title.
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// Tags and own fields replace all that were there.
    #[command(flatten)]
    pub(crate) fields: FieldArgs,
    /// Empty a field: description, priority, severity, assignee, team, reporter, tags, `custom_fields` or `due_time`.
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub(crate) clear: Vec<String>,
    #[command(flatten)]
    pub(crate) version: VersionArgs,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}

/// `transition`
#[derive(Debug, Args)]
pub(crate) struct TransitionArgs {
    /// The case.
    pub(crate) case: String,
    /// The status to move it to; `casectl show CASE` says which are possible.
    pub(crate) status: String,
    /// Hand it to somebody in the same change; "": to nobody.
    #[arg(long, short, value_name = "NAME")]
    pub(crate) assignee: Option<String>,
    /// Hand it to a team in the same change; "": to none.
    #[arg(long, value_name = "NAME")]
    pub(crate) team: Option<String>,
    #[command(flatten)]
    pub(crate) version: VersionArgs,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}

/// `assign`
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("whom").required(true).args(["assignee", "nobody"]),
    override_usage = "casectl assign [OPTIONS] <CASE> <ASSIGNEE|--nobody>"
)]
pub(crate) struct AssignArgs {
    /// The case.
    pub(crate) case: String,
    /// Who gets it.
    pub(crate) assignee: Option<String>,
    /// Take it from everybody.
    #[arg(long)]
    pub(crate) nobody: bool,
    /// Hand it to a team as well; "": to none.
    #[arg(long, value_name = "NAME")]
    pub(crate) team: Option<String>,
    #[command(flatten)]
    pub(crate) version: VersionArgs,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}

/// `comment`
#[derive(Debug, Args)]
pub(crate) struct CommentArgs {
    /// The case.
    pub(crate) case: String,
    /// What to say; `-` reads it from standard input.
    pub(crate) text: String,
    #[command(flatten)]
    pub(crate) version: VersionArgs,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}

/// `link`, `unlink`: reads like a sentence.
#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    /// The case that has the link.
    pub(crate) case: String,
    /// What it is to the other one.
    pub(crate) link: Link,
    /// The other case.
    pub(crate) other: String,
    #[command(flatten)]
    pub(crate) version: VersionArgs,
    #[command(flatten)]
    pub(crate) write: WriteArgs,
}
