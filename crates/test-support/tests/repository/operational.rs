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
            fs::read_to_string(root().join(file)).is_ok_and(|text| text.contains(&format!("fn {name}(")))
        }
        Proof::Stage(name) => {
            let run = fs::read_to_string(root().join(".ci/run")).unwrap();
            root().join(format!(".ci/stages/{name}.sh")).is_file()
                && run.split([' ', '(', ')']).any(|word| word == name)
        }
    }
}

#[test]
fn each_requirement_names_tests_and_stages_that_there_are() {
    let rows = rows(&fs::read_to_string(root().join("docs/operational-tests.md")).unwrap());
    let wanted: BTreeSet<String> = REQUIREMENTS.into_iter().flatten().map(|number| format!("R{number}")).collect();
    assert_eq!(rows.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    let missing: Vec<_> = rows
        .iter()
        .flat_map(|(number, proofs)| proofs.iter().filter(|proof| !is_there(proof)).map(move |p| (number, p)))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_check_notices_tests_and_stages_that_there_are_not() {
    let text = "| R10 | four signals | `crates/test-support/tests/repository/operational.rs`: `is_there`, `made_up`; stage `drill`, stage `made-up` |";
    let found = rows(text).remove("R10").unwrap();
    assert_eq!(found.iter().map(is_there).collect::<Vec<_>>(), [true, false, true, false]);
}
