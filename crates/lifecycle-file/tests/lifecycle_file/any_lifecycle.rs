//! Any lifecycle is written and read back.

use case_domain::{Lifecycle, LifecycleDraft, Status, StatusCategory, StatusDefinition, Transition};
use lifecycle_file::{parse, write};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::subsequence;

fn any_category() -> impl Strategy<Value = StatusCategory> {
    prop::sample::select(&[StatusCategory::Open, StatusCategory::Paused, StatusCategory::Closed][..])
}

/// Transitions in any order, not only those of one status together.
fn any_transitions(names: &[Status]) -> impl Strategy<Value = Vec<Transition>> + use<> {
    let pairs: Vec<(Status, Status)> = names
        .iter()
        .flat_map(|from| names.iter().map(move |to| (from.clone(), to.clone())))
        .filter(|(from, to)| from != to)
        .collect();
    let count = pairs.len();
    let chosen = subsequence(pairs, 0..=count).prop_shuffle();
    (chosen, vec(any::<bool>(), count)).prop_map(|(pairs, reasons)| {
        let edge = |((from, to), requires_reason)| Transition { from, to, requires_reason };
        pairs.into_iter().zip(reasons).map(edge).collect()
    })
}

fn any_lifecycle() -> impl Strategy<Value = Lifecycle> {
    let names = btree_set("[A-Z][A-Z0-9_]{0,63}", 1..7).prop_map(Vec::from_iter);
    let names = names.prop_shuffle();
    names.prop_flat_map(|names| {
        let names: Vec<Status> = names.iter().map(|name| Status::new(name).unwrap()).collect();
        let count = names.len();
        (vec(any_category(), count), subsequence(names.clone(), 1..=count).prop_shuffle(), any_transitions(&names))
            .prop_map(move |(categories, initial, transitions)| {
                let definition =
                    |(name, category): (&Status, StatusCategory)| StatusDefinition { name: name.clone(), category };
                let statuses = names.iter().zip(categories).map(definition).collect();
                let draft = LifecycleDraft { statuses, initial, transitions };
                Lifecycle::new(draft).unwrap()
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_written_lifecycle_reads_back_equal(lifecycle in any_lifecycle()) {
        prop_assert_eq!(parse(&write(&lifecycle)), Ok(lifecycle));
    }
}

#[test]
fn the_default_reads_back_equal_and_a_changed_one_does_not() {
    let lifecycle = lifecycle_file::default_lifecycle();
    let text = write(&lifecycle);
    assert_eq!(parse(&text), Ok(lifecycle.clone()));
    // The control: the comparison sees a reason that is no longer required.
    let changed = text.replacen(", requires_reason = true", "", 1);
    assert_ne!(parse(&changed), Ok(lifecycle));
}

#[test]
fn the_default_is_written_as_it_is_read_but_for_its_comments() {
    let bare = |line: &str| line.split('#').next().unwrap_or_default().trim_end().to_owned();
    let lines = |text: &str| -> Vec<String> { text.lines().map(bare).filter(|line| !line.is_empty()).collect() };
    let written = write(&lifecycle_file::default_lifecycle());
    assert_eq!(lines(&written), lines(lifecycle_file::DEFAULT_TOML));
}

#[test]
fn a_lifecycle_without_transitions_reads_back_equal() {
    let text = "initial = [\"A\"]\nstatuses = [{ name = \"A\", category = \"open\" }]\ntransitions = []\n";
    let lifecycle = parse(text).unwrap();
    assert_eq!(parse(&write(&lifecycle)), Ok(lifecycle));
}
