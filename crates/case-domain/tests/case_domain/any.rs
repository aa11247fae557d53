//! Any lifecycle and any values that a case may have.

use case_domain::{
    CaseDraft, CommentBody, CustomFields, Description, Lifecycle, LifecycleDraft, Person, Priority, Reason,
    RequiredField, Severity, Status, StatusDefinition, Tags, Team, Timestamp, Title, Transition,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::given::{CLOSED, OPEN, PAUSED, status, tags, time};

fn some_statuses(count: usize) -> Vec<Status> {
    (0..count).map(|n| status(&format!("S{n}"))).collect()
}

pub(crate) fn any_lifecycle() -> impl Strategy<Value = Lifecycle> {
    (1_usize..6).prop_flat_map(|count| {
        let names = some_statuses(count);
        let pair = |from: &Status, to: &Status| (from.clone(), to.clone());
        let pairs: Vec<_> = names
            .iter()
            .flat_map(|from| names.iter().map(move |to| pair(from, to)))
            .filter(|(from, to)| from != to)
            .collect();
        let edges = pairs.len();
        (
            vec(select(&[OPEN, PAUSED, CLOSED][..]), count),
            subsequence(names, 1..=count).prop_shuffle(),
            subsequence(pairs, 0..=edges).prop_shuffle(),
            vec(any_guard(count), edges),
        )
            .prop_map(move |(categories, initial, edges, guards)| {
                let names = some_statuses(count).into_iter();
                let definition = |(name, category)| StatusDefinition { name, category };
                let transition = |((from, to), guard)| Transition { from, to, ..guard };
                let draft = LifecycleDraft {
                    statuses: names.zip(categories).map(definition).collect(),
                    initial,
                    transitions: edges.into_iter().zip(guards).map(transition).collect(),
                };
                Lifecycle::new(draft).unwrap()
            })
    })
}

/// What a transition requires, with ends that do not matter. Most require little, so that cases get anywhere.
fn any_guard(statuses: usize) -> impl Strategy<Value = Transition> {
    let fields = subsequence(RequiredField::ALL.to_vec(), 0..=2).prop_shuffle();
    let fields = option::weighted(0.4, fields).prop_map(Option::unwrap_or_default);
    let other = option::weighted(0.3, select(some_statuses(statuses)));
    let end = status("S0");
    (prop::bool::weighted(0.3), fields, other).prop_map(move |(requires_reason, required_fields, other_actor_than)| {
        Transition { requires_reason, required_fields, other_actor_than, ..Transition::free(end.clone(), end.clone()) }
    })
}

pub(crate) fn any_person() -> impl Strategy<Value = Person> {
    // Few names, so that a case is often handed to whoever has it.
    select(&["amira", "budi", "citra"][..]).prop_map(|name| Person::new(name).unwrap())
}

pub(crate) fn any_team() -> impl Strategy<Value = Team> {
    select(&["claims", "legal"][..]).prop_map(|name| Team::new(name).unwrap())
}

/// Few of each value, so that what is asked for is often what is there. Chosen, for making text from patterns is slow.
pub(crate) fn any_title() -> impl Strategy<Value = Title> {
    select(&["Water damage", "Wärmepumpe", "?"][..]).prop_map(|text| Title::new(text).unwrap())
}

pub(crate) fn any_description() -> impl Strategy<Value = Option<Description>> {
    option::of(select(&["d", "unit 4\nand 5"][..]).prop_map(|text| Description::new(text).unwrap()))
}

pub(crate) fn any_reason() -> impl Strategy<Value = Option<Reason>> {
    option::of(select(&["why", "so\nthat", "é"][..]).prop_map(|text| Reason::new(text).unwrap()))
}

pub(crate) fn any_comment() -> impl Strategy<Value = CommentBody> {
    select(&["c", "Plumber booked.\n"][..]).prop_map(|text| CommentBody::new(text).unwrap())
}

pub(crate) fn any_tags() -> impl Strategy<Value = Tags> {
    vec(select(&["a", "b", "c"][..]), 0..3).prop_map(|names| tags(&names))
}

pub(crate) fn any_custom_fields() -> impl Strategy<Value = Option<CustomFields>> {
    option::of((0_u32..5).prop_map(|n| CustomFields::new(&format!("{{\"n\":{n}}}")).unwrap()))
}

pub(crate) fn any_time() -> impl Strategy<Value = Option<Timestamp>> {
    option::of((-3_i64..3).prop_map(time))
}

pub(crate) fn any_priority() -> impl Strategy<Value = Option<Priority>> {
    option::of(select(&[Priority::Low, Priority::Medium, Priority::High, Priority::Urgent][..]))
}

pub(crate) fn any_severity() -> impl Strategy<Value = Option<Severity>> {
    option::of(select(&[Severity::Low, Severity::Medium, Severity::High, Severity::Urgent][..]))
}

pub(crate) fn any_draft() -> impl Strategy<Value = CaseDraft> {
    let texts = (any_title(), any_description(), any_tags(), any_custom_fields());
    let scales = (any_priority(), any_severity(), any_time());
    let people = (option::of(any_person()), option::of(any_team()), option::of(any_person()));
    (texts, scales, people).prop_map(|(texts, scales, people)| {
        let (title, description, tags, custom_fields) = texts;
        let (priority, severity, due_time) = scales;
        let (assignee, team, reporter) = people;
        CaseDraft { title, description, priority, severity, assignee, team, reporter, tags, custom_fields, due_time }
    })
}
