//! Any lifecycle and anything that may be asked of it.

use case_domain::{
    CaseDraft, CustomFields, Description, Lifecycle, LifecycleDraft, Person, Priority, Reason, Severity, Status,
    StatusDefinition, Tag, Tags, Team, Timestamp, Title, Transition,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use crate::given::{CLOSED, OPEN, PAUSED, status};

/// A request that becomes a command once it is known which cases there are.
#[expect(clippy::option_option, reason = "as in the command: unchanged, nobody, somebody")]
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Create {
        /// `None`: the default.
        initial: Option<Place>,
        draft: CaseDraft,
        reason: Option<Reason>,
    },
    Transition {
        /// One of the cases there are, or one more that there is not.
        case: Index,
        to: Place,
        reason: Option<Reason>,
        assignee: Option<Option<Person>>,
        team: Option<Option<Team>>,
        expected: Expected,
    },
}

/// A status.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// One that is allowed, if any is.
    Allowed(Index),
    /// Any one of the lifecycle.
    Defined(Index),
    /// One that the lifecycle does not have.
    Undefined,
}

/// What the caller believes of the version.
#[derive(Debug, Clone)]
pub(crate) enum Expected {
    Nothing,
    TheTruth,
    SomethingElse,
}

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
            vec(any::<bool>(), edges),
        )
            .prop_map(move |(categories, initial, edges, reasons)| {
                let names = some_statuses(count).into_iter();
                let definition = |(name, category)| StatusDefinition { name, category };
                let transition = |((from, to), requires_reason)| Transition { from, to, requires_reason };
                let draft = LifecycleDraft {
                    statuses: names.zip(categories).map(definition).collect(),
                    initial,
                    transitions: edges.into_iter().zip(reasons).map(transition).collect(),
                };
                Lifecycle::new(draft).unwrap()
            })
    })
}

fn any_place() -> impl Strategy<Value = Place> {
    prop_oneof![
        6 => any::<Index>().prop_map(Place::Allowed),
        2 => any::<Index>().prop_map(Place::Defined),
        1 => Just(Place::Undefined),
    ]
}

fn any_person() -> impl Strategy<Value = Person> {
    // Few names, so that a case is often handed to whoever has it.
    select(&["amira", "budi", "citra"][..]).prop_map(|name| Person::new(name).unwrap())
}

fn any_team() -> impl Strategy<Value = Team> {
    select(&["claims", "legal"][..]).prop_map(|name| Team::new(name).unwrap())
}

fn any_reason() -> impl Strategy<Value = Option<Reason>> {
    option::of("[a-z]{1,8}\n[a-zé]{0,3}").prop_map(|text| text.map(|text| Reason::new(&text).unwrap()))
}

fn any_tags() -> impl Strategy<Value = Tags> {
    vec("[a-d]", 0..4).prop_map(|tags| Tags::new(tags.iter().map(|tag| Tag::new(tag).unwrap())).unwrap())
}

fn any_draft() -> impl Strategy<Value = CaseDraft> {
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

fn any_ask() -> impl Strategy<Value = Ask> {
    let create = (option::of(any_place()), any_draft(), any_reason());
    let create = create.prop_map(|(initial, draft, reason)| Ask::Create { initial, draft, reason });
    let expected = prop_oneof![
        3 => Just(Expected::Nothing),
        3 => Just(Expected::TheTruth),
        1 => Just(Expected::SomethingElse),
    ];
    let hand_over = (option::of(option::of(any_person())), option::of(option::of(any_team())));
    let transition = (any::<Index>(), any_place(), any_reason(), hand_over, expected);
    let transition = transition.prop_map(|(case, to, reason, (assignee, team), expected)| Ask::Transition {
        case,
        to,
        reason,
        assignee,
        team,
        expected,
    });
    prop_oneof![1 => create, 5 => transition]
}

/// A sequence of requests, long enough for cases to go round in circles.
pub(crate) fn any_asks() -> impl Strategy<Value = Vec<Ask>> {
    vec(any_ask(), 0..40)
}
