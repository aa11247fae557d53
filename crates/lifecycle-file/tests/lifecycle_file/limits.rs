//! What is too much is refused.

use lifecycle_file::{FILE_BYTES_MAX, STATUSES_MAX, TRANSITIONS_MAX, parse};

/// A lifecycle with so many statuses and transitions, each on a line of its own.
fn text(statuses: usize, transitions: usize) -> String {
    let status = |n: usize| format!("    {{ name = \"S{n}\", category = \"open\" }},\n");
    // Every pair of different statuses, as far as asked for.
    let pairs = (0..statuses).flat_map(|from| (0..statuses).filter(move |to| *to != from).map(move |to| (from, to)));
    let transition = |(from, to)| format!("    {{ from = \"S{from}\", to = \"S{to}\" }},\n");
    let statuses: String = (0..statuses).map(status).collect();
    let transitions: String = pairs.take(transitions).map(transition).collect();
    format!("initial = [\"S0\"]\nstatuses = [\n{statuses}]\ntransitions = [\n{transitions}]\n")
}

fn mistakes(text: &str) -> Vec<String> {
    parse(text).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn as_many_as_allowed_are_read() {
    let lifecycle = parse(&text(STATUSES_MAX, TRANSITIONS_MAX)).unwrap();
    assert_eq!(lifecycle.statuses().len(), STATUSES_MAX);
    assert_eq!(lifecycle.transitions().len(), TRANSITIONS_MAX);
}

#[test]
fn one_status_too_many_is_one_mistake_on_its_line() {
    // The last status is in transitions too; that it was not read is not held against them.
    let line = 2 + STATUSES_MAX + 1;
    let all_pairs_of_the_first = STATUSES_MAX;
    assert_eq!(
        mistakes(&text(STATUSES_MAX + 1, all_pairs_of_the_first)),
        [format!("line {line}: statuses has 201 entries, at most 200 are allowed")]
    );
}

#[test]
fn one_transition_too_many_is_one_mistake_on_its_line() {
    let line = 2 + STATUSES_MAX + 2 + TRANSITIONS_MAX + 1;
    assert_eq!(
        mistakes(&text(STATUSES_MAX, TRANSITIONS_MAX + 1)),
        [format!("line {line}: transitions has 10001 entries, at most 10000 are allowed")]
    );
}

#[test]
fn initial_statuses_are_limited_like_statuses() {
    let names = "\"S0\",\n".repeat(STATUSES_MAX + 1);
    let text = text(1, 0).replace("[\"S0\"]", &format!("[\n{names}]"));
    let found = mistakes(&text);
    assert_eq!(
        found[STATUSES_MAX - 1],
        format!("line {}: initial has 201 entries, at most 200 are allowed", STATUSES_MAX + 2)
    );
}

#[test]
fn a_text_of_the_greatest_size_is_read_and_a_larger_one_is_not() {
    let mut text = text(2, 2);
    text.push('#');
    text.extend(std::iter::repeat_n('x', FILE_BYTES_MAX - text.len()));
    assert!(parse(&text).is_ok());
    text.push('x');
    assert_eq!(mistakes(&text), ["line 1: the file is too large: at most 1048576 bytes are read"]);
}

#[test]
fn deep_nesting_is_refused_without_overflowing_the_stack() {
    let text = format!("initial = {}", "[".repeat(FILE_BYTES_MAX / 2));
    assert_eq!(mistakes(&text).len(), 1);
}
