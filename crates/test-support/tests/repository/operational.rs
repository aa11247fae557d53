//! `docs/operational-tests.md` names, for each requirement, tests and stages that there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::root;

/// The requirements, by number. Those that are missing here were never given out.
const REQUIREMENTS: [std::ops::RangeInclusive<u32>; 6] = [1..=7, 10..=20, 30..=36, 40..=48, 50..=58, 59..=60];

/// What a row names, in the order in which it names it.
#[derive(Debug, PartialEq, Eq)]
enum Proof {
    /// A function in a file of tests.
    Test { file: String, name: String },
    /// A stage of the checks.
    Stage(String),
}

/// The rows of the table: `R10` to what holds it.
fn rows(text: &str) -> BTreeMap<String, Vec<Proof>> {
    let row = |line: &str| {
        let cells: Vec<&str> =
            line.strip_prefix('|')?.trim_end().strip_suffix('|')?.split('|').map(str::trim).collect();
        let number = cells.first().filter(|cell| cell.strip_prefix('R').is_some_and(|n| n.parse::<u32>().is_ok()))?;
        Some(((*number).to_owned(), proofs(cells.last()?)))
    };
    text.lines().filter_map(row).collect()
}

/// `` `a/b.rs`: `first`, `second`; stage `drill` ``: a file is that of all tests after it.
fn proofs(cell: &str) -> Vec<Proof> {
    let (mut file, mut found) = (String::new(), Vec::new());
    let parts: Vec<&str> = cell.split('`').collect();
    for (index, quoted) in parts.iter().enumerate().skip(1).step_by(2) {
        let says_stage = parts[index - 1].trim_end().ends_with("stage");
        if says_stage {
            found.push(Proof::Stage((*quoted).to_owned()));
        } else if quoted.contains('/') {
            (*quoted).clone_into(&mut file);
        } else {
            found.push(Proof::Test { file: file.clone(), name: (*quoted).to_owned() });
        }
    }
    found
}

fn is_there(proof: &Proof) -> bool {
    match proof {
        Proof::Test { file, name } => {
            fs::read_to_string(root().join(file)).is_ok_and(|text| tests_of(&text).contains(&name.as_str()))
        }
        Proof::Stage(name) => {
            let run = fs::read_to_string(root().join(".ci/run")).unwrap();
            root().join(format!(".ci/stages/{name}.sh")).is_file() && stages(&run).contains(&name.as_str())
        }
    }
}

/// The functions of a file that are marked as tests; those that are ignored only where a stage runs them, by name.
fn tests_of(text: &str) -> Vec<&str> {
    let (mut found, mut is_test, mut is_ignored) = (Vec::new(), false, false);
    for line in text.lines().map(str::trim) {
        if let Some(name) = function(line) {
            if is_test && (!is_ignored || some_stage_names(name)) {
                found.push(name);
            }
            (is_test, is_ignored) = (false, false);
        }
        is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
        is_ignored |= line.starts_with("#[ignore");
    }
    found
}

/// The name of the function that begins on this line.
fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split(['(', '<']).next()
}

fn some_stage_names(test: &str) -> bool {
    let stages = fs::read_dir(root().join(".ci/stages")).unwrap();
    stages.map(|stage| fs::read_to_string(stage.unwrap().path()).unwrap()).any(|stage| stage.contains(test))
}

/// The stages that a run without arguments goes through.
fn stages(run: &str) -> Vec<&str> {
    let (_, list) = run.split_once("all_stages=(").unwrap();
    list.split(')').next().unwrap_or_default().split_whitespace().collect()
}

#[test]
fn each_requirement_names_tests_and_stages_that_there_are() {
    let page = fs::read_to_string(root().join("docs/operational-tests.md")).unwrap();
    let rows = rows(&page);
    let wanted: BTreeSet<String> = REQUIREMENTS.into_iter().flatten().map(|number| format!("R{number}")).collect();
    assert_eq!(rows.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    assert_eq!(page.lines().filter(|line| line.starts_with("| R")).count(), rows.len() + 1, "a row stands there twice");
    let missing: Vec<_> = rows
        .iter()
        .flat_map(|(number, proofs)| proofs.iter().filter(|proof| !is_there(proof)).map(move |p| (number, p)))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn a_requirement_that_nothing_holds_says_that_it_is_not_built_yet() {
    let page = fs::read_to_string(root().join("docs/operational-tests.md")).unwrap();
    let unheld = rows(&page).into_iter().filter(|(_, proofs)| proofs.is_empty());
    for (number, _) in unheld {
        let row = page.lines().find(|line| line.starts_with(&format!("| {number} |"))).unwrap();
        assert!(row.ends_with("| not built yet |"), "{row}");
    }
}

/// The stages of the table in `.ci/README.md`.
fn documented_stages(page: &str) -> Vec<&str> {
    let first_cells = page.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn each_stage_is_run_and_documented() {
    let run = fs::read_to_string(root().join(".ci/run")).unwrap();
    let page = fs::read_to_string(root().join(".ci/README.md")).unwrap();
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names
    };
    let owned = |names: Vec<&str>| sorted(names.into_iter().map(str::to_owned).collect());
    let files = fs::read_dir(root().join(".ci/stages")).unwrap();
    let files = files.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned());
    assert_eq!(owned(stages(&run)), sorted(files.collect()), "what is run, and what there is");
    assert_eq!(owned(stages(&run)), owned(documented_stages(&page)), "what is run, and what is documented");
}

#[test]
fn the_check_notices_tests_and_stages_that_there_are_not() {
    let names =
        "`each_stage_is_run_and_documented`, `is_there`, `made_up`; stage `drill`, stage `made-up`, stage `name`";
    let row = format!("| R10 | four signals | `crates/test-support/tests/repository/operational.rs`: {names} |");
    let found = rows(&row).remove("R10").unwrap();
    let there = [true, false, false, true, false, false];
    assert_eq!(
        found.iter().map(is_there).collect::<Vec<_>>(),
        there,
        "a helper is no test, and a word of a script no stage"
    );
    let mark = "#[tokio::test(flavor = \"multi_thread\")]\n#[ignore = \"elsewhere\"]\nasync fn";
    let full_disk = "on_a_full_disk_commands_are_refused_reads_of_the_feed_go_on_and_room_ends_it";
    let text = format!("{mark} nobody_runs_it() {{}}\n{mark} {full_disk}() {{}}\nfn helper() {{}}\n");
    assert_eq!(tests_of(&text), [full_disk], "what is ignored counts where a stage runs it");
}
