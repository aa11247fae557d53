//! Anything that may be asked of the cases there are.

use case_domain::{CaseDraft, CommentBody, Edit, LinkType, Person, Reason, Team};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::any::{
    any_comment, any_custom_fields, any_description, any_draft, any_person, any_priority, any_reason, any_severity,
    any_tags, any_team, any_time, any_title,
};

/// A request that becomes a command once it is known which cases there are.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) actor: Person,
    pub(crate) reason: Option<Reason>,
    pub(crate) wish: Wish,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) enum Wish {
    Create {
        /// `None`: the default.
        initial: Option<Place>,
        draft: CaseDraft,
    },
    Change {
        case: Whom,
        expected: Expected,
        what: What,
    },
}

/// What is asked to be done to a case.
#[expect(clippy::option_option, reason = "as in the command: unchanged, nobody, somebody")]
#[derive(Debug, Clone)]
pub(crate) enum What {
    Transition { to: Place, assignee: Option<Option<Person>>, team: Option<Option<Team>> },
    Update(Vec<Edit>),
    Assign(Option<Person>, Option<Option<Team>>),
    Comment(CommentBody),
    Link(Tie),
    Unlink(Tie),
}

/// A case.
#[derive(Debug, Clone)]
pub(crate) enum Whom {
    /// One that there is, if there is any.
    Known(Index),
    /// One more that there is not.
    Unknown,
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

/// A link.
#[derive(Debug, Clone)]
pub(crate) enum Tie {
    /// One that the case has, if it has any; else as [`Tie::Any`].
    Own(Index, LinkType),
    /// One to any case.
    Any(Whom, LinkType),
}

/// What the caller believes of the version.
#[derive(Debug, Clone)]
pub(crate) enum Expected {
    Nothing,
    TheTruth,
    SomethingElse,
}

fn any_place() -> impl Strategy<Value = Place> {
    prop_oneof![
        6 => any::<Index>().prop_map(Place::Allowed),
        2 => any::<Index>().prop_map(Place::Defined),
        1 => Just(Place::Undefined),
    ]
}

fn any_whom() -> impl Strategy<Value = Whom> {
    prop_oneof![12 => any::<Index>().prop_map(Whom::Known), 1 => Just(Whom::Unknown)]
}

/// A link that is probably there (`own` to 2), or probably not.
fn any_tie(own: u32) -> impl Strategy<Value = Tie> {
    let types = || select(&[LinkType::RelatesTo, LinkType::Duplicates, LinkType::Blocks, LinkType::ChildOf][..]);
    prop_oneof![
        own => (any::<Index>(), types()).prop_map(|(index, link_type)| Tie::Own(index, link_type)),
        2 => (any_whom(), types()).prop_map(|(whom, link_type)| Tie::Any(whom, link_type)),
    ]
}

fn any_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        any_title().prop_map(Edit::Title),
        any_description().prop_map(Edit::Description),
        any_priority().prop_map(Edit::Priority),
        any_severity().prop_map(Edit::Severity),
        option::of(any_person()).prop_map(Edit::Assignee),
        option::of(any_team()).prop_map(Edit::Team),
        option::of(any_person()).prop_map(Edit::Reporter),
        any_tags().prop_map(Edit::Tags),
        any_custom_fields().prop_map(Edit::CustomFields),
        any_time().prop_map(Edit::DueTime),
    ]
}

fn any_what() -> impl Strategy<Value = What> {
    let hand_over = (option::of(option::of(any_person())), option::of(option::of(any_team())));
    let transition = (any_place(), hand_over);
    let assign = (option::of(any_person()), option::of(option::of(any_team())));
    prop_oneof![
        6 => transition.prop_map(|(to, (assignee, team))| What::Transition { to, assignee, team }),
        3 => vec(any_edit(), 0..=4).prop_map(What::Update),
        2 => assign.prop_map(|(assignee, team)| What::Assign(assignee, team)),
        1 => any_comment().prop_map(What::Comment),
        2 => any_tie(1).prop_map(What::Link),
        1 => any_tie(4).prop_map(What::Unlink),
    ]
}

fn any_create() -> impl Strategy<Value = Wish> {
    (option::of(any_place()), any_draft()).prop_map(|(initial, draft)| Wish::Create { initial, draft })
}

fn any_change() -> impl Strategy<Value = Wish> {
    let expected = prop_oneof![
        4 => Just(Expected::Nothing),
        4 => Just(Expected::TheTruth),
        1 => Just(Expected::SomethingElse),
    ];
    (any_whom(), expected, any_what()).prop_map(|(case, expected, what)| Wish::Change { case, expected, what })
}

fn any_ask(wish: impl Strategy<Value = Wish>) -> impl Strategy<Value = Ask> {
    (any_person(), any_reason(), wish).prop_map(|(actor, reason, wish)| Ask { actor, reason, wish })
}

/// A sequence of requests, long enough for cases to go round in circles. It begins with a case, so that there is one.
pub(crate) fn any_asks() -> impl Strategy<Value = Vec<Ask>> {
    let further = vec(any_ask(prop_oneof![1 => any_create(), 12 => any_change()]), 0..50);
    (any_ask(any_create()), further).prop_map(|(first, mut asks)| {
        asks.insert(0, first);
        asks
    })
}
