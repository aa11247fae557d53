//! The command line itself.

use super::surroundings::Stdout;
use super::{Desk, Setting};

#[tokio::test]
async fn nonsense_is_usage() {
    for line in [
        "",
        "lst",
        "show",
        "transition CASE-001",
        "update CASE-001",
        "update CASE-001 --title x --clear title",
        "assign CASE-001",
        "assign CASE-001 citra --nobody",
        "link CASE-001 hates CASE-002",
        "create x --field y",
        "create x --field y:=z",
        "create x --due soon",
        "create x --idempotency-key=",
        "list --created-from yesterday-ish",
        "show A B --comments",
        "replay log --concurrency 0",
        "--output yaml list",
    ] {
        let said = Setting::bare().run(&line.split_whitespace().collect::<Vec<_>>()).await;
        assert_eq!((said.code, said.out.as_str(), said.err.is_empty()), (64, "", false), "{line}: {said:?}");
    }
}

#[tokio::test]
async fn a_slip_of_the_finger_gets_the_name_that_was_meant() {
    for (line, meant) in [
        ("lst", "list"),
        ("transitoin CASE-001 X", "transition"),
        ("lifecycle chek file", "check"),
        ("diagnostics bundel", "bundle"),
        ("list --stauts X", "--status"),
        ("--actr amira list", "--actor"),
        ("update CASE-001 --titel x", "--title"),
        ("list --priority hihg", "high"),
    ] {
        let said = Setting::bare().run(&line.split_whitespace().collect::<Vec<_>>()).await;
        assert_eq!(said.code, 64, "{line}: {said:?}");
        let tip = said.err.lines().find(|line| line.trim_start().starts_with("tip:"));
        assert!(tip.is_some_and(|tip| tip.contains(&format!("'{meant}'"))), "{line}: {}", said.err);
    }
}

#[tokio::test]
async fn help_and_version_are_answers() {
    for arguments in [&["--help"][..], &["help", "list"], &["--version"], &["show", "-h"]] {
        let said = Setting::bare().run(arguments).await;
        assert_eq!((said.code, said.out.is_empty(), said.err.as_str()), (0, false, ""), "{said:?}");
    }
}

#[tokio::test]
async fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = Setting::bare().run(&["completions", shell]).await;
        assert_eq!(said.code, 0, "{shell}");
        for word in ["casectl", "transition", "lifecycle", "dry-run"] {
            assert!(said.out.contains(word), "{shell}: {word}");
        }
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error_and_a_full_disk_is() {
    let (_desk, address) = Desk::open().await;
    let mut setting = Setting::at(address);
    setting.stdout = Stdout::Closed;
    let said = setting.run(&["list"]).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let mut setting = Setting::at(address);
    setting.stdout = Stdout::Full;
    let said = setting.run(&["list"]).await;
    assert_eq!(said.code, 73, "{said:?}");
}

#[tokio::test]
async fn a_lifecycle_file_is_checked_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lifecycle.toml");
    let path = path.to_str().unwrap();
    std::fs::write(path, lifecycle_file::DEFAULT_TOML).unwrap();
    let said = Setting::bare().run(&["lifecycle", "check", path]).await;
    let (statuses, transitions) = (8, lifecycle_file::default_lifecycle().transitions().len());
    let good = format!("{path}: good, {statuses} statuses and {transitions} transitions\n");
    assert_eq!((said.code, said.out, said.err.as_str()), (0, good, ""));

    std::fs::write(path, "initial = [\"A\"]\ncolour = 1\n").unwrap();
    let said = Setting::bare().run(&["lifecycle", "check", path]).await;
    assert_eq!((said.code, said.out.as_str()), (78, ""));
    assert!(said.err.lines().count() > 1, "{said:?}");
    assert!(said.err.lines().all(|line| line.starts_with(&format!("{path}:"))), "{said:?}");

    let said = Setting::bare().run(&["lifecycle", "check", path, "-o", "json"]).await;
    assert!(said.out.starts_with(r#"{"valid":false,"statuses":0,"transitions":0,"mistakes":[{"line":"#), "{said:?}");
    assert_eq!(Setting::bare().run(&["lifecycle", "check", "/nowhere"]).await.code, 78);
}
