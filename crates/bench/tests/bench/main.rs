//! The program as its users start it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Longer than any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often something that takes a while is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

fn case_bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_case-bench")).args(arguments).output().unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn servers_that_are_not_built_are_named_with_the_command_that_builds_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let output = case_bench(&["write", "--data", path, "--programs", path]);
    assert_eq!(output.status.code(), Some(69), "{}", error(&output));
    assert!(error(&output).contains("case-command is not built: run `cargo build --release --workspace`"));
}

#[test]
fn help_names_every_subject_and_hides_the_parts_that_it_starts_itself() {
    let output = case_bench(&["--help"]);
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    for subject in ["limits", "write", "read", "visible", "telemetry", "overload", "scale", "peers", "all"] {
        assert!(help.contains(&format!("\n  {subject} ")), "{subject} is missing in {help}");
    }
    assert!(!help.contains("echo-server"));
}

#[test]
fn a_typing_mistake_is_a_usage_error() {
    let output = case_bench(&["writes"]);
    assert_eq!(output.status.code(), Some(64), "{}", error(&output));
    assert!(error(&output).contains("write"), "the nearest name is shown: {}", error(&output));
}

/// Programs in the place of the services: each runs this line.
fn fake_services(folder: &Path, line: &str) {
    for name in ["case-command", "case-query", "case-audit"] {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{line}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn brief(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_case-bench"));
    command.args(["overload", "--repeats", "1", "--window", "10ms", "--warm-up", "0s", "--data"]);
    command.arg(folder.join("data")).arg("--programs").arg(folder);
    command
}

#[test]
fn a_server_that_ends_by_itself_is_named_with_its_log() {
    let folder = tempfile::tempdir().unwrap();
    fake_services(folder.path(), "echo the disk is missing; exit 3");
    let output = brief(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(69), "{}", error(&output));
    let message = error(&output);
    assert!(message.contains("case-command ended by itself (exit status: 3); its log is "), "{message}");
    let log = fs::read_to_string(message.trim().rsplit_once("its log is ").unwrap().1).unwrap();
    assert_eq!(log, "the disk is missing\n");
}

#[cfg(target_os = "linux")]
#[test]
fn whoever_stops_the_benchmark_stops_its_servers() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("pid");
    fake_services(folder.path(), &format!("echo $$ >{0}.new; mv {0}.new {0}; exec sleep 600", told.display()));
    let mut bench = brief(folder.path()).spawn().unwrap();
    let begun = Instant::now();
    let server = loop {
        if let Ok(id) = fs::read_to_string(&told) {
            break id.trim().to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "no server is started");
        std::thread::sleep(LOOK_EVERY);
    };
    // Who has ended and is not yet waited for has no command line any more; nor has who is just becoming another program, so wait for that.
    let is_there = |id: &str| fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.starts_with(b"sleep"));
    while !is_there(&server) {
        assert!(begun.elapsed() < PATIENCE, "control: the server never runs");
        std::thread::sleep(LOOK_EVERY);
    }
    assert!(Command::new("kill").arg(bench.id().to_string()).status().unwrap().success());
    assert_eq!(bench.wait().unwrap().code(), Some(1));
    while is_there(&server) {
        assert!(begun.elapsed() < PATIENCE, "the server outlives the benchmark");
        std::thread::sleep(LOOK_EVERY);
    }
}
