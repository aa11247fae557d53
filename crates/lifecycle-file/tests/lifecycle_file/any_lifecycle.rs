//! Any lifecycle is written and read back.

use case_domain::{Lifecycle, LifecycleDraft, RequiredField, Status, StatusCategory, StatusDefinition, Transition};
use lifecycle_file::{Comments, parse, write, write_with};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

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
    let fields = subsequence(RequiredField::ALL.to_vec(), 0..=RequiredField::ALL.len()).prop_shuffle();
    let guard = (any::<bool>(), fields, option::of(select(names.to_vec())));
    (chosen, vec(guard, count)).prop_map(|(pairs, guards)| {
        let edge = |((from, to), (requires_reason, required_fields, other_actor_than))| Transition {
            requires_reason,
            required_fields,
            other_actor_than,
            ..Transition::free(from, to)
        };
        pairs.into_iter().zip(guards).map(edge).collect()
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

    #[test]
    fn whatever_the_comments_say_the_lifecycle_reads_back_equal(
        lifecycle in any_lifecycle(), header in any::<String>(), status in any::<String>(), edge in "[#\\]}\"a \n\r\t\u{0}]{0,9}"
    ) {
        let comments =
            Comments { header: &header, status: &|_| Some(status.clone()), transition: &|_| Some(edge.clone()) };
        prop_assert_eq!(parse(&write_with(&lifecycle, &comments)), Ok(lifecycle));
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
fn a_requirement_that_is_lost_or_changed_is_noticed() {
    // The control of the properties above: the comparison sees fields, their order, and a second person.
    let text = r#"initial = ["A"]
statuses = [{ name = "A", category = "open" }, { name = "B", category = "open" }]
transitions = [{ from = "A", to = "B", required_fields = ["team", "tags"], other_actor_than = "A" }]
"#;
    let lifecycle = parse(text).unwrap();
    assert_eq!(parse(&write(&lifecycle)).as_ref(), Ok(&lifecycle));
    let alterations = [
        (r#""team", "tags""#, r#""team""#),
        (r#""team", "tags""#, r#""tags", "team""#),
        (r#"["team", "tags"]"#, "[]"),
        (r#"than = "A""#, r#"than = "B""#),
        (r#", other_actor_than = "A""#, ""),
    ];
    for (from, to) in alterations {
        let changed = parse(&text.replacen(from, to, 1)).unwrap();
        assert_ne!(changed, lifecycle, "{to}");
    }
}

#[test]
fn comments_stand_at_the_top_and_behind_their_entries() {
    let text = r#"initial = ["A"]
statuses = [{ name = "A", category = "open" }, { name = "B", category = "closed" }]
transitions = [{ from = "A", to = "B", required_fields = ["team", "tags"], other_actor_than = "A", requires_reason = true }, { from = "B", to = "A" }]
"#;
    let lifecycle = parse(text).unwrap();
    let comments = Comments {
        header: "Derived from a log.\n\n2 cases\u{2028}of\r1",
        status: &|status| (status.as_str() == "A").then(|| "2 cases,\nall begin here ".to_owned()),
        transition: &|edge| {
            Some(if edge.requires_reason { format!("12 times: {} # {}", edge.from, edge.to) } else { " ".to_owned() })
        },
    };
    let expected = r#"# Derived from a log.
#
# 2 cases of 1

initial = ["A"]

statuses = [
    { name = "A", category = "open" }, # 2 cases, all begin here
    { name = "B", category = "closed" },
]

transitions = [
    { from = "A", to = "B", requires_reason = true, required_fields = ["team", "tags"], other_actor_than = "A" }, # 12 times: A # B

    { from = "B", to = "A" },
]
"#;
    assert_eq!(write_with(&lifecycle, &comments), expected);
    assert_eq!(parse(expected), Ok(lifecycle));
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
