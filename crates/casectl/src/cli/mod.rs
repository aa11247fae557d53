//! The command line.
//!
//! Its comments are its help: they are written for those who type.

mod diagnostics;
mod lifecycle;
mod read;
mod values;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

pub(crate) use diagnostics::{DiagnosticsArgs, DiagnosticsCommand};
pub(crate) use lifecycle::{LifecycleCommand, ReplayArgs};
pub(crate) use read::{AuditArgs, HealthArgs, HealthName, ListArgs, PageArgs, ShowArgs, TimelineArgs};
pub(crate) use values::{Level, LevelOrNone};
pub(crate) use write::{
    AssignArgs, CommentArgs, CreateArgs, FieldArgs, LinkArgs, TransitionArgs, UpdateArgs, VersionArgs, WriteArgs,
};

use crate::settings::{ColorWhen, Key, OutputFormat, PlaintextToken, Times, Zone};

const AFTER_HELP: &str = "\
Every setting can also be given as a variable (--token-file: CASECTL_TOKEN_FILE) or in casectl.toml (token_file = \"…\").
A flag counts before a variable, a variable before the file. The file is $XDG_CONFIG_HOME/casectl.toml or
~/.config/casectl.toml.

With --output json, standard output holds one JSON document, or for `list` and `audit` one line of JSON for each row, in the form
of the protos; errors and notes are lines of JSON on standard error.

Exit codes: 0 done · 1 the server refused, or is not healthy · 64 usage · 65 the data is wrong · 69 unavailable, try again ·
73 cannot write · 78 configuration or lifecycle";

/// Keep cases: open them, move them, look at them, prove what happened.
#[derive(Debug, Parser)]
#[command(name = "casectl", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What casectl can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Open a case.
    Create(CreateArgs),
    /// Change fields of a case.
    Update(UpdateArgs),
    /// Move a case to another status.
    Transition(TransitionArgs),
    /// Hand a case to somebody, or to nobody.
    Assign(AssignArgs),
    /// Remark on a case.
    Comment(CommentArgs),
    /// Connect two cases.
    Link(LinkArgs),
    /// Take a connection away.
    Unlink(LinkArgs),
    /// Show a case and what can be done with it next.
    Show(ShowArgs),
    /// List cases.
    List(ListArgs),
    /// Show everything that happened to a case, and how long it was in each status.
    Timeline(TimelineArgs),
    /// List the evidence: who changed what, when and why.
    Audit(AuditArgs),
    /// Show the lifecycle, check a lifecycle file, or derive one from a log.
    #[command(subcommand)]
    Lifecycle(LifecycleCommand),
    /// Drive the commands from a log of real cases, then check what came of it.
    Replay(ReplayArgs),
    /// Ask the services whether they are well.
    Health(HealthArgs),
    /// Show what the services know about themselves: versions, health, settings, stores, queues, the feed.
    Diagnostics(DiagnosticsArgs),
    /// Print the completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Settings: each is a flag, a variable and a key of the file.
#[derive(Debug, Args)]
pub(crate) struct SettingArgs {
    /// Configuration file [default: ~/.config/casectl.toml].
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Connection")]
    pub(crate) config: Option<PathBuf>,
    /// Host of all services, on their default ports; `https://HOST` for TLS [default: 127.0.0.1].
    #[arg(long, global = true, value_name = "HOST", value_hint = ValueHint::Hostname, help_heading = "Connection")]
    server: Option<String>,
    /// Address of the command service [default: 127.0.0.1:50051].
    #[arg(long, global = true, value_name = "HOST:PORT", help_heading = "Connection")]
    command: Option<String>,
    /// Address of the query service [default: 127.0.0.1:50052].
    #[arg(long, global = true, value_name = "HOST:PORT", help_heading = "Connection")]
    query: Option<String>,
    /// Address of the audit service [default: 127.0.0.1:50053].
    #[arg(long, global = true, value_name = "HOST:PORT", help_heading = "Connection")]
    audit: Option<String>,
    /// Who you are.
    #[arg(long, global = true, value_name = "NAME", value_hint = ValueHint::Username, help_heading = "Connection")]
    actor: Option<String>,
    /// File that holds the bearer token. The token itself: only as `CASECTL_TOKEN`.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Connection")]
    token_file: Option<String>,
    /// Whether the token may go over `http://` to another machine, where others can read it [default: refuse].
    #[arg(long, global = true, value_name = "WHAT", help_heading = "Connection")]
    plaintext_token: Option<PlaintextToken>,
    /// File of the authorities whose `https://` servers are believed (PEM) [default: the public ones].
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Connection")]
    ca: Option<String>,
    /// File of the certificate to show to servers that ask for one (PEM); needs --key.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Connection")]
    certificate: Option<String>,
    /// File of the private key of --certificate (PEM).
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Connection")]
    key: Option<String>,
    /// How long a call may take, its retries included [default: 10s].
    #[arg(long, global = true, value_name = "TIME", help_heading = "Connection")]
    timeout: Option<String>,
    /// For people or for programs [default: text].
    #[arg(long, short, global = true, value_name = "FORM", help_heading = "Display")]
    output: Option<OutputFormat>,
    /// When to use colours [default: auto, which respects `NO_COLOR`].
    #[arg(long, global = true, value_name = "WHEN", help_heading = "Display")]
    color: Option<ColorWhen>,
    /// How to write times [default: relative in lists, both for one case, absolute in histories].
    #[arg(long, global = true, value_name = "HOW", help_heading = "Display")]
    times: Option<Times>,
    /// The time zone of times, read and written [default: local].
    #[arg(long, global = true, value_name = "ZONE", help_heading = "Display")]
    zone: Option<Zone>,
}

impl SettingArgs {
    /// What is given, by key.
    pub(crate) fn given(&self) -> BTreeMap<Key, String> {
        let texts = [
            (Key::Server, &self.server),
            (Key::Command, &self.command),
            (Key::Query, &self.query),
            (Key::Audit, &self.audit),
            (Key::Actor, &self.actor),
            (Key::TokenFile, &self.token_file),
            (Key::Ca, &self.ca),
            (Key::Certificate, &self.certificate),
            (Key::PrivateHalf, &self.key),
            (Key::Timeout, &self.timeout),
        ];
        let names = [
            (Key::PlaintextToken, name(self.plaintext_token)),
            (Key::Output, name(self.output)),
            (Key::Color, name(self.color)),
            (Key::Times, name(self.times)),
            (Key::Zone, name(self.zone)),
        ];
        let texts = texts.into_iter().map(|(key, text)| (key, text.clone()));
        texts.chain(names).filter_map(|(key, text)| Some((key, text?))).collect()
    }
}

fn name<T: ValueEnum>(value: Option<T>) -> Option<String> {
    value.and_then(|value| value.to_possible_value()).map(|value| value.get_name().to_owned())
}
