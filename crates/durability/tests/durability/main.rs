//! Nothing acknowledged is lost: a short run of what the stage `durability` tries at length.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

/// Runs the program; its controls are part of what it judges.
fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_case-durability")).args(arguments).output().unwrap()
}

fn holds(arguments: &[&str]) {
    let output = run(arguments);
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{complained}");
    assert!(said.contains("control: "), "{said}");
}

#[test]
fn power_cuts_take_nothing_that_was_acknowledged() {
    holds(&["power-cuts", "--images", "40", "--commands", "200", "--clients", "8"]);
}

#[test]
fn a_full_disk_refuses_and_recovers_and_a_failing_one_ends_the_process() {
    holds(&["faults"]);
}

#[test]
fn flipped_bits_are_noticed_and_history_is_never_shorter_or_another_in_silence() {
    holds(&["damage", "--flips", "80"]);
}

#[test]
fn kills_of_every_service_lose_and_double_nothing() {
    holds(&["kills", "--kills", "2"]);
}

#[test]
fn malformed_input_does_no_harm_through_any_port() {
    holds(&["hostile", "--inputs", "4000"]);
}

#[test]
fn a_wrong_command_line_is_told_apart_from_a_broken_promise() {
    assert_eq!(run(&["power-cut"]).status.code(), Some(64));
}
