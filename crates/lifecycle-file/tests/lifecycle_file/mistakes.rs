//! Every mistake is reported at once, on its line.

use lifecycle_file::parse;

const STATUSES: &str = r#"
    { name = "DRAFT", category = "open" },
    { name = "CLOSED", category = "closed" },
"#;

fn mistakes(text: &str) -> Vec<String> {
    parse(text).unwrap_err().iter().map(ToString::to_string).collect()
}

/// The mistakes of a file whose fourth and further lines are transitions.
fn of_transitions(transitions: &str) -> Vec<String> {
    let statuses = STATUSES.replace('\n', "");
    mistakes(&format!("initial = [\"DRAFT\"]\nstatuses = [{statuses}]\ntransitions = [\n{transitions}\n]"))
}

#[test]
fn a_file_with_many_mistakes_reports_them_all() {
    let text = r#"initial = ["DRAFT", "SUBMITED", "DRAFT", "draft", 7]
colour = "blue"

statuses = [
    { name = "DRAFT", category = "opened" },
    { name = "SUBMITTED", category = "open", colour = 1 },
    { name = "In review", category = "OPEN" },
    { name = "DRAFT", category = "open" },
    { category = "open" },
    { name = 5 },
    "CLOSED",
    12,
]

[[transitions]]
from = "DRAFT"
to = "SUBMITTED"
requires_raeson = true

[[transitions]]
from = "DRAFT"
to = "NOWHERE"
requires_reason = "yes"

[[transitions]]
from = "SUBMITTED"
to = "SUBMITTED"

[[transitions]]
to = "CLOSD"

[[transitions]]
from = "DRAFT"
to = "SUBMITTED"

[[transitions]]
from = "CLOSED"
to = []
"#;
    let expected = [
        "line 1: \"draft\": a status is named by 1 to 64 of A-Z, 0-9 and _, beginning with a letter; did you mean DRAFT?",
        "line 1: an initial status is a string, not an integer",
        "line 1: the initial status SUBMITED is not defined; did you mean SUBMITTED?",
        "line 1: the initial status DRAFT is named twice",
        "line 2: unknown key \"colour\" (known: initial, statuses, transitions)",
        "line 5: category must be open, paused or closed, not \"opened\"; did you mean open?",
        "line 6: unknown key \"colour\" (known: name, category)",
        "line 7: category must be open, paused or closed, not \"OPEN\"; did you mean open?",
        "line 7: \"In review\": a status is named by 1 to 64 of A-Z, 0-9 and _, beginning with a letter; did you mean IN_REVIEW?",
        "line 8: the status DRAFT is defined twice; first on line 5",
        "line 9: name is missing",
        "line 10: name must be a string, not an integer",
        "line 10: category is missing",
        "line 11: a status is a table in braces, not a string",
        "line 12: a status is a table in braces, not an integer",
        "line 18: unknown key \"requires_raeson\"; did you mean requires_reason? (known: from, to, requires_reason, required_fields, other_actor_than)",
        "line 22: the transition DRAFT -> NOWHERE names NOWHERE, which is not defined",
        "line 23: requires_reason must be true or false, not a string",
        "line 27: the transition SUBMITTED -> SUBMITTED changes nothing",
        "line 29: from is missing",
        "line 30: the status CLOSD is not defined; did you mean CLOSED?",
        "line 33: the transition DRAFT -> SUBMITTED is defined twice; first on line 16",
        "line 38: to must be a string, not a list",
    ];
    let found = mistakes(text);
    assert_eq!(found, expected, "\n{}", found.join("\n"));
}

#[test]
fn without_the_mistakes_the_same_file_is_read() {
    // The control of the tests here: what they write around the mistakes is right.
    let statuses = STATUSES.replace('\n', "");
    let text = format!(
        "initial = [\"DRAFT\"]\nstatuses = [{statuses}]\ntransitions = [\n{{ from = \"DRAFT\", to = \"CLOSED\" }}\n]"
    );
    assert!(parse(&text).is_ok());
}

#[test]
fn an_empty_file_lacks_everything() {
    let found = mistakes("");
    assert_eq!(found.len(), 3);
    for (found, key) in found.iter().zip(["initial", "statuses", "transitions"]) {
        assert!(found.starts_with(&format!("line 1: {key} is missing")), "{found}");
    }
}

#[test]
fn a_syntax_error_has_its_line() {
    let found = mistakes("initial = [\"DRAFT\"]\nstatuses = [\n    { name = \"DRAFT\" category = \"open\" },\n]\n");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("line 3: not valid TOML: "), "{found:?}");
}

#[test]
fn a_key_that_is_there_twice_has_the_second_line() {
    let found = mistakes("initial = []\nstatuses = []\ninitial = []\n");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("line 3: not valid TOML: duplicate key"), "{found:?}");
}

#[test]
fn lists_of_another_type_are_told_on_their_line() {
    let found =
        mistakes("initial = \"DRAFT\"\ntransitions.from = \"DRAFT\"\n\n[statuses.DRAFT]\ncategory = \"open\"\n");
    let starts = [
        "line 1: initial must be a list of the names of statuses where a case may begin, not a string",
        "line 2: transitions must be a list of tables such as { from = \"DRAFT\", to = \"SUBMITTED\" }, not a table",
        "line 4: statuses must be a list of tables such as { name = \"DRAFT\", category = \"open\" }, not a table",
    ];
    assert_eq!(found, starts);
}

#[test]
fn where_the_statuses_cannot_be_read_nobody_is_blamed_for_naming_them() {
    let found = mistakes("initial = [\"DRAFT\"]\nstatuses = 1\ntransitions = [{ from = \"A\", to = \"B\" }]\n");
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn both_unknown_ends_are_told_each_on_its_line() {
    let found = of_transitions("{\n  from = \"DRAUGHT\",\n  to = \"CLOSE\",\n}");
    assert_eq!(
        found,
        [
            "line 5: the transition DRAUGHT -> CLOSE names DRAUGHT, which is not defined",
            "line 6: the transition DRAUGHT -> CLOSE names CLOSE, which is not defined; did you mean CLOSED?",
        ]
    );
}

#[test]
fn an_unknown_status_that_goes_nowhere_is_told_once_as_unknown() {
    assert_eq!(
        of_transitions("{ from = \"X\", to = \"X\" }"),
        [
            "line 4: the transition X -> X names X, which is not defined",
            "line 4: the transition X -> X changes nothing",
        ]
    );
}

#[test]
fn mistakes_in_requirements_are_told_each_on_its_line() {
    let found = of_transitions(
        r#"{
  from = "DRAFT",
  to = "CLOSED",
  required_fields = [
    "asignee",
    "team",
    7,
    "title",
    { name = "team" },
    "team",
    "tags", "team", "tags",
  ],
  other_actor_than = "DRAFTS",
}"#,
    );
    let known = "(known: description, priority, severity, assignee, team, reporter, tags, custom_fields, due_time)";
    assert_eq!(
        found,
        [
            &*format!("line 8: \"asignee\" cannot be required; did you mean assignee? {known}"),
            "line 10: a required field is a string, not an integer",
            &*format!("line 11: \"title\" cannot be required {known}"),
            "line 12: a required field is a string, not a table",
            "line 13: the transition DRAFT -> CLOSED requires team twice; first on line 9",
            "line 14: the transition DRAFT -> CLOSED requires tags twice",
            "line 16: the transition DRAFT -> CLOSED names DRAFTS, which is not defined; did you mean DRAFT?",
        ]
    );
}

#[test]
fn requirements_of_another_type_are_told_on_their_line() {
    let found = of_transitions(
        "{\n from = \"DRAFT\",\n to = \"CLOSED\",\n required_fields = \"team\",\n other_actor_than = [\"DRAFT\"],\n}",
    );
    assert_eq!(
        found,
        [
            "line 7: required_fields must be a list of the names of fields such as \"assignee\", not a string",
            "line 8: other_actor_than must be a string, not a list",
        ]
    );
    assert_eq!(
        of_transitions("{ from = \"DRAFT\", to = \"CLOSED\", other_actor_than = \"\" }"),
        ["line 4: \"\": a status is named by 1 to 64 of A-Z, 0-9 and _, beginning with a letter"]
    );
}

#[test]
fn more_fields_than_there_are_is_one_mistake() {
    let many = "\"tags\", ".repeat(1_000);
    let found = of_transitions(&format!("{{ from = \"DRAFT\", to = \"CLOSED\", required_fields = [{many}] }}"));
    assert_eq!(
        found,
        [
            "line 4: required_fields has 1000 entries, at most 9 are allowed",
            "line 4: the transition DRAFT -> CLOSED requires tags twice",
        ]
    );
}

#[test]
fn an_unknown_status_whose_actor_is_excluded_is_told_once_also_where_an_end_is_wrong() {
    let excluding = |from: &str, to: &str| {
        of_transitions(&format!("{{\n from = {from},\n to = {to},\n other_actor_than = \"CLOSE\",\n}}"))
    };
    let names_it = |line: usize, edge: &str| {
        format!("line {line}: the transition {edge} names CLOSE, which is not defined; did you mean CLOSED?")
    };
    assert_eq!(excluding("\"CLOSE\"", "\"DRAFT\""), [names_it(5, "CLOSE -> DRAFT")]);
    assert_eq!(excluding("\"DRAFT\"", "\"CLOSE\""), [names_it(6, "DRAFT -> CLOSE")]);
    assert_eq!(excluding("\"DRAFT\"", "\"CLOSED\""), [names_it(7, "DRAFT -> CLOSED")]);
    let end_is_no_status = excluding("\"DRAFT\"", "7");
    let expected = [
        "line 6: to must be a string, not an integer",
        "line 7: the status CLOSE is not defined; did you mean CLOSED?",
    ];
    assert_eq!(end_is_no_status, expected);
}

#[test]
fn what_a_file_says_cannot_break_the_lines_of_the_report() {
    let text = format!("\"a\\nline 9: b\" = 1\n\"{}\" = 2\n", "k".repeat(5_000));
    for found in mistakes(&text) {
        assert!(!found.contains('\n'), "{found}");
        assert!(found.len() < 300, "{found}");
    }
}
