//! What the arguments ask for.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command, value_parser};

use super::{BUILD_SHA, Program};
use crate::exit::ExitCode;
use crate::settings::Flags;

/// The arguments, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invocation {
    pub(super) task: Task,
    pub(super) file: Option<PathBuf>,
    pub(super) flags: Flags,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Serve: no subcommand.
    Run,
    /// `config check`
    CheckConfiguration,
    /// `config print`
    PrintConfiguration,
    /// `healthcheck`
    CheckHealth,
}

/// Understands the arguments. The error is clap's answer: help, the version, or what is wrong.
pub(super) fn parse(program: &Program, arguments: Vec<OsString>) -> Result<Invocation, Box<clap::Error>> {
    let matches = command(program).try_get_matches_from(arguments)?;
    let flags = Flags { data_dir: text(&matches, "data-dir"), lifecycle: text(&matches, "lifecycle") };
    Ok(Invocation { task: task(&matches), file: matches.get_one::<PathBuf>("config").cloned(), flags })
}

/// Gives clap's answer: help and version on standard output, the rest on standard error.
pub(super) fn answer(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell when the stream is closed.
    let _ = error.print();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        ExitCode::Done
    } else {
        ExitCode::Usage
    }
}

fn command(program: &Program) -> Command {
    let config = Command::new("config")
        .about("Look at the configuration")
        .subcommand_required(true)
        .subcommand(Command::new("check").about("Report every mistake in the configuration: exit 0 or 78"))
        .subcommand(Command::new("print").about("Print the configuration in force, with the source of each value"));
    let healthcheck =
        Command::new("healthcheck").about("Ask the running program whether it is ready: exit 0 if it is, 1 if not");
    let mut command = Command::new(program.name)
        .bin_name(program.name)
        .about(program.about)
        .version(version(program))
        .args([config_flag(), data_dir_flag()])
        .subcommands([config, healthcheck])
        .after_help("Without a command it serves, until SIGINT or SIGTERM; a second one ends it at once.");
    if program.lifecycle_flag {
        command = command.arg(lifecycle_flag());
    }
    command
}

fn config_flag() -> Arg {
    let flag = Arg::new("config").long("config").value_name("FILE").value_parser(value_parser!(PathBuf));
    flag.global(true).help("Configuration file (TOML); `config print` shows every key")
}

fn data_dir_flag() -> Arg {
    Arg::new("data-dir").long("data-dir").value_name("DIR").global(true).help("Folder of the stores [default: data]")
}

fn lifecycle_flag() -> Arg {
    let flag = Arg::new("lifecycle").long("lifecycle").value_name("FILE");
    flag.global(true).help("Lifecycle of the cases (TOML) [default: the one compiled in]")
}

fn version(program: &Program) -> String {
    let commit = BUILD_SHA.map(|sha| format!(" ({sha})")).unwrap_or_default();
    format!("{}{commit}", program.version)
}

fn text(matches: &ArgMatches, id: &str) -> Option<String> {
    // A flag that this program does not have counts as one that is not given.
    matches.try_get_one::<String>(id).ok().flatten().cloned()
}

fn task(matches: &ArgMatches) -> Task {
    match matches.subcommand() {
        Some(("healthcheck", _)) => Task::CheckHealth,
        Some(("config", inner)) if inner.subcommand_name() == Some("print") => Task::PrintConfiguration,
        Some(("config", _)) => Task::CheckConfiguration,
        Some(_) | None => Task::Run,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(lifecycle_flag: bool) -> Program {
        let health_addresses = |_: &_| Vec::new();
        Program {
            name: "case-test",
            about: "Tests.",
            version: "1.2.3",
            lifecycle_flag,
            health_addresses,
            check: |_| Ok(()),
        }
    }

    fn parsed(line: &str, lifecycle_flag: bool) -> Result<Invocation, Box<clap::Error>> {
        parse(&program(lifecycle_flag), line.split(' ').map(OsString::from).collect())
    }

    #[test]
    fn commands_are_consistent() {
        command(&program(true)).debug_assert();
    }

    #[test]
    fn tasks_are_told_apart() {
        let task = |line| parsed(line, false).unwrap().task;
        assert_eq!(task("x"), Task::Run);
        assert_eq!(task("x config check"), Task::CheckConfiguration);
        assert_eq!(task("x config print"), Task::PrintConfiguration);
        assert_eq!(task("x healthcheck"), Task::CheckHealth);
    }

    #[test]
    fn flags_count_before_and_after_a_subcommand() {
        let flags = "--config c.toml --data-dir d --lifecycle l";
        for line in
            [format!("x {flags} config print"), format!("x config {flags} print"), format!("x config print {flags}")]
        {
            let invocation = parsed(&line, true).unwrap();
            assert_eq!(invocation.task, Task::PrintConfiguration, "{line}");
            assert_eq!(invocation.file, Some(PathBuf::from("c.toml")), "{line}");
            let flags = Flags { data_dir: Some("d".to_owned()), lifecycle: Some("l".to_owned()) };
            assert_eq!(invocation.flags, flags, "{line}");
        }
    }

    #[test]
    fn only_programs_with_a_lifecycle_take_one() {
        assert!(parsed("x --lifecycle l", true).is_ok());
        assert_eq!(parsed("x --lifecycle l", false).unwrap_err().kind(), ErrorKind::UnknownArgument);
    }
}
