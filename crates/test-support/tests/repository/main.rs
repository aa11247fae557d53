//! The repository tells the truth about itself.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod log_policy;
mod operational;
mod shape;
mod source;
mod telemetry_page;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folders of all packages: `crates/…` and `services/…`.
fn packages() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for group in ["crates", "services"] {
        for entry in fs::read_dir(root().join(group)).unwrap() {
            let entry = entry.unwrap();
            if entry.path().join("Cargo.toml").is_file() {
                found.insert(format!("{group}/{}", entry.file_name().to_string_lossy()));
            }
        }
    }
    found
}

/// Every `crates/…` or `services/…` between backticks.
fn named(text: &str) -> BTreeSet<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let package = |text: &str| {
        let (group, rest) = text.split_once('/')?;
        let name = rest.split('/').next()?;
        matches!(group, "crates" | "services").then(|| format!("{group}/{name}"))
    };
    quoted.filter_map(package).collect()
}

#[test]
fn the_architecture_names_every_crate_and_no_other() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert_eq!(named(&text), packages());
}

#[test]
fn the_check_of_the_architecture_notices_a_missing_and_a_made_up_crate() {
    let text = "| `crates/storage` | … | and `crates/made-up/src/lib.rs`, not crates/unquoted";
    assert_eq!(named(text), ["crates/made-up", "crates/storage"].map(ToOwned::to_owned).into());
}

/// Documents people read: the top level and everything below `docs`.
fn documents() -> Vec<PathBuf> {
    let mut folders = vec![root().join("docs")];
    let mut found: Vec<_> = ["README.md", "ARCHITECTURE.md"].map(|name| root().join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// The targets of links to other files of the repository.
fn local_links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let local = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    local.map(|target| target.split('#').next().unwrap_or(target).to_owned()).collect()
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut seen = 0;
    for document in documents() {
        for link in local_links(&fs::read_to_string(&document).unwrap()) {
            let target = document.parent().unwrap().join(&link);
            assert!(target.exists(), "{} links to {link}", document.display());
            seen += 1;
        }
    }
    assert!(seen > 5, "control: links are found at all");
}

/// The names of tests in the last column of the table of degraded modes.
fn tests_of_rows(table: &str) -> Vec<Vec<&str>> {
    let rows = table.lines().filter(|line| line.starts_with("| ")).map(|line| line.trim_matches('|'));
    let held_by = rows.filter(|row| row.split(" | ").count() == 6).filter_map(|row| row.rsplit(" | ").next());
    held_by.map(|cell| cell.split('`').skip(1).step_by(2).filter(|name| name.contains('_')).collect()).collect()
}

/// The source of every test and crate.
fn sources() -> String {
    let mut folders = vec![root().join("crates"), root().join("services")];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    text
}

#[test]
fn every_degraded_mode_names_tests_that_there_are() {
    let (table, sources) = (fs::read_to_string(root().join("docs/degraded-modes.md")).unwrap(), sources());
    let is_a_test = |name: &str| sources.contains(&format!("fn {name}()"));
    let rows = tests_of_rows(&table);
    assert!(rows.len() > 10, "control: rows are found at all");
    for tests in rows.iter().skip(1) {
        assert!(!tests.is_empty(), "a row names no test");
        for name in tests {
            assert!(is_a_test(name), "there is no test {name}");
        }
    }
    assert!(!is_a_test(&["a_test", "that_nobody", "has_written"].join("_")), "control: a made-up test is noticed");
}
