//! Any lifecycle and any values that a case may have.

use case_domain::{
    CaseDraft, CustomFields, Description, Lifecycle, LifecycleDraft, Person, Priority, Reason, RequiredField, Severity,
    Status, StatusDefinition, Tag, Tags, Team, Timestamp, Title, Transition,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::given::{CLOSED, OPEN, PAUSED, status};

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
    let fields = option::weighted(0.3, fields).prop_map(Option::unwrap_or_default);
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

pub(crate) fn any_reason() -> impl Strategy<Value = Option<Reason>> {
    option::of("[a-z]{1,8}\n[a-zé]{0,3}").prop_map(|text| text.map(|text| Reason::new(&text).unwrap()))
}

fn any_tags() -> impl Strategy<Value = Tags> {
    vec("[a-d]", 0..4).prop_map(|tags| Tags::new(tags.iter().map(|tag| Tag::new(tag).unwrap())).unwrap())
}

pub(crate) fn any_draft() -> impl Strategy<Value = CaseDraft> {
    let priority = select(&[Priority::Low, Priority::Medium, Priority::High, Priority::Urgent][..]);
    let severity = select(&[Severity::Low, Severity::Medium, Severity::High, Severity::Urgent][..]);
    let people = (option::of(any_person()), option::of(any_team()), option::of(any_person()));
    let texts = ("[a-zA-Z]{1,12}", option::of("[a-z]{1,12}"), option::of(0_u32..1_000));
    let due = option::of(-1_000_000_i64..1_000_000);
    let scales = (option::of(priority), option::of(severity));
    (texts, scales, people, any_tags(), due).prop_map(|(texts, scales, people, tags, due)| {
        let (title, description, custom) = texts;
        let (assignee, team, reporter) = people;
        CaseDraft {
            title: Title::new(&title).unwrap(),
            description: description.map(|text| Description::new(&text).unwrap()),
            priority: scales.0,
            severity: scales.1,
            assignee,
            team,
            reporter,
            tags,
            custom_fields: custom.map(|n| CustomFields::new(&format!("{{\"n\":{n}}}")).unwrap()),
            due_time: due.and_then(Timestamp::from_unix_us),
        }
    })
}
