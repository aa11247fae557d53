//! The program as its users start it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

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
