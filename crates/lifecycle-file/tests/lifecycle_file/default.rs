//! The default lifecycle is the one that the API describes.

use case_domain::{Lifecycle, RequiredField, StatusCategory, Transition};

const OPEN: StatusCategory = StatusCategory::Open;
const PAUSED: StatusCategory = StatusCategory::Paused;
const CLOSED: StatusCategory = StatusCategory::Closed;

fn edges<'l>(lifecycle: &'l Lifecycle) -> Vec<(&'l str, &'l str, bool)> {
    let edge = |edge: &'l Transition| (edge.from.as_str(), edge.to.as_str(), edge.requires_reason);
    lifecycle.transitions().iter().map(edge).collect()
}

#[test]
fn the_default_has_the_statuses_and_moves_of_the_api() {
    let lifecycle = lifecycle_file::default_lifecycle();
    let statuses: Vec<_> = lifecycle.statuses().iter().map(|status| (status.name.as_str(), status.category)).collect();
    assert_eq!(
        statuses,
        [
            ("DRAFT", OPEN),
            ("SUBMITTED", OPEN),
            ("IN_REVIEW", OPEN),
            ("WAITING", PAUSED),
            ("APPROVED", OPEN),
            ("REJECTED", OPEN),
            ("CANCELLED", CLOSED),
            ("CLOSED", CLOSED),
        ]
    );
    assert_eq!(
        edges(&lifecycle),
        [
            ("DRAFT", "SUBMITTED", false),
            ("DRAFT", "CANCELLED", true),
            ("SUBMITTED", "IN_REVIEW", false),
            ("SUBMITTED", "DRAFT", true),
            ("SUBMITTED", "CANCELLED", true),
            ("IN_REVIEW", "WAITING", false),
            ("IN_REVIEW", "APPROVED", false),
            ("IN_REVIEW", "REJECTED", true),
            ("WAITING", "IN_REVIEW", false),
            ("APPROVED", "CLOSED", true),
            ("REJECTED", "CLOSED", true),
            ("REJECTED", "IN_REVIEW", true),
            ("CLOSED", "IN_REVIEW", true),
        ]
    );
    assert_eq!(lifecycle.default_initial().as_str(), "DRAFT");
    assert_eq!(lifecycle.initial().len(), 1);
}

#[test]
fn a_new_case_is_shown_its_moves_in_the_order_of_definition() {
    let lifecycle = lifecycle_file::default_lifecycle();
    let shown: Vec<_> = lifecycle
        .transitions_from(lifecycle.default_initial())
        .map(|edge| (edge.to.as_str(), edge.requires_reason))
        .collect();
    assert_eq!(shown, [("SUBMITTED", false), ("CANCELLED", true)]);
}

#[test]
fn the_default_asks_for_no_field_and_no_second_person() {
    let lifecycle = lifecycle_file::default_lifecycle();
    let free = |edge: &Transition| edge.required_fields.is_empty() && edge.other_actor_than.is_none();
    assert!(lifecycle.transitions().iter().all(free));
}

#[test]
fn the_comment_of_the_default_names_every_field_that_can_be_required() {
    let (_, after) = lifecycle_file::DEFAULT_TOML.split_once("required_fields   fields").unwrap();
    let (list, _) = after.split_once(':').unwrap().1.split_once('.').unwrap();
    let words: Vec<&str> = list.split([',', ' ', '\n', '#']).filter(|word| !word.is_empty()).collect();
    assert_eq!(words, RequiredField::ALL.map(RequiredField::as_str));
}

#[test]
fn the_example_in_the_comment_of_the_default_means_what_it_says() {
    let default = lifecycle_file::DEFAULT_TOML;
    let example: Vec<&str> = default.lines().filter_map(|line| line.strip_prefix("#     ")).take(6).collect();
    assert_eq!(example[0], "[[transitions]]");
    let (without_transitions, _) = default.split_once("transitions = [\n").unwrap();
    let lifecycle = lifecycle_file::parse(&format!("{without_transitions}\n{}\n", example.join("\n"))).unwrap();
    let [edge] = lifecycle.transitions() else { panic!("{lifecycle:?}") };
    assert_eq!((edge.from.as_str(), edge.to.as_str(), edge.requires_reason), ("IN_REVIEW", "APPROVED", true));
    assert_eq!(edge.required_fields, [RequiredField::Assignee, RequiredField::DueTime]);
    assert_eq!(edge.other_actor_than.as_ref().unwrap().as_str(), "SUBMITTED");
}

#[test]
fn the_comment_of_the_default_states_the_limits_that_hold() {
    let comment = "At most 200 statuses, 10,000 transitions and 1 MiB of text.";
    assert!(lifecycle_file::DEFAULT_TOML.contains(comment));
    assert_eq!(lifecycle_file::STATUSES_MAX, 200);
    assert_eq!(lifecycle_file::TRANSITIONS_MAX, 10_000);
    assert_eq!(lifecycle_file::FILE_BYTES_MAX, 1 << 20);
}
