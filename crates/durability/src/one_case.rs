//! What a case is to clients that change it at once: the specification that histories are judged by.

use std::collections::BTreeMap;

use todc_utils::Action;
use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::History;
use todc_utils::specifications::Specification;

/// One command on a case, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// 0: any.
    pub(crate) expected_version: u64,
    /// Clients use some keys more than once, and at once.
    pub(crate) key: u64,
    /// None before the answer.
    pub(crate) answer: Option<Answered>,
}

/// What a client was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answered {
    /// `replayed` is none where a client had to ask again: what is replayed to it may be its own command.
    Accepted {
        version: u64,
        replayed: Option<bool>,
    },
    VersionMismatch {
        current: u64,
    },
    /// The key was used for another request.
    KeyReused,
}

impl Answered {
    fn agrees_with(self, other: Self) -> bool {
        match (self, other) {
            (Self::Accepted { version, replayed: None }, Self::Accepted { version: other, .. }) => version == other,
            (told, other) => told == other,
        }
    }
}

/// One thing that a client saw: the beginning or the end of a command, in the order of real time.
pub(crate) type Seen = (usize, Action<Change>);

/// A case, as if commands came one after the other.
struct OneCase;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    version: u64,
    /// For each key that was accepted: the version expected with it, and the one that came of it.
    keys: BTreeMap<u64, (u64, u64)>,
}

impl Specification for OneCase {
    type State = State;
    type Operation = Change;

    fn init() -> State {
        // The case is there when the clients begin.
        State { version: 1, keys: BTreeMap::new() }
    }

    fn apply(change: &Change, state: &State) -> (bool, State) {
        let (answer, after) = carry_out(change, state);
        (change.answer.is_some_and(|told| told.agrees_with(answer)), after)
    }
}

fn carry_out(change: &Change, state: &State) -> (Answered, State) {
    if let Some((expected_version, version)) = state.keys.get(&change.key) {
        let same = *expected_version == change.expected_version;
        let answer =
            if same { Answered::Accepted { version: *version, replayed: Some(true) } } else { Answered::KeyReused };
        return (answer, state.clone());
    }
    if change.expected_version != 0 && change.expected_version != state.version {
        return (Answered::VersionMismatch { current: state.version }, state.clone());
    }
    let version = state.version + 1;
    let mut keys = state.keys.clone();
    keys.insert(change.key, (change.expected_version, version));
    (Answered::Accepted { version, replayed: Some(false) }, State { version, keys })
}

/// Whether there is an order of the commands, each between its beginning and its end, that explains every answer.
pub(crate) fn is_linearizable(seen: Vec<Seen>) -> bool {
    WGLChecker::<OneCase>::is_linearizable(History::from_actions(seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: u64, expected_version: u64, answer: Option<Answered>) -> Change {
        Change { expected_version, key, answer }
    }

    fn call(client: usize, key: u64, expected: u64) -> Seen {
        (client, Action::Call(change(key, expected, None)))
    }

    fn answer(client: usize, key: u64, expected: u64, answer: Answered) -> Seen {
        (client, Action::Response(change(key, expected, Some(answer))))
    }

    fn accepted(version: u64) -> Answered {
        Answered::Accepted { version, replayed: Some(false) }
    }

    #[test]
    fn commands_at_once_may_take_effect_in_any_order() {
        assert!(is_linearizable(vec![
            call(0, 1, 1),
            call(1, 2, 1),
            answer(0, 1, 1, Answered::VersionMismatch { current: 2 }),
            answer(1, 2, 1, accepted(2)),
        ]));
    }

    #[test]
    fn a_version_that_two_were_given_is_noticed() {
        let seen = vec![call(0, 1, 1), call(1, 2, 1), answer(0, 1, 1, accepted(2)), answer(1, 2, 1, accepted(2))];
        assert!(!is_linearizable(seen));
    }

    #[test]
    fn an_answer_older_than_one_that_was_given_before_is_noticed() {
        assert!(!is_linearizable(vec![
            call(0, 1, 1),
            answer(0, 1, 1, accepted(2)),
            call(1, 2, 5),
            answer(1, 2, 5, Answered::VersionMismatch { current: 1 }),
        ]));
    }

    #[test]
    fn a_key_that_took_effect_twice_is_noticed() {
        let once = |key| vec![call(0, 1, 0), answer(0, 1, 0, accepted(2)), call(1, key, 0)];
        let twice = [once(1), vec![answer(1, 1, 0, accepted(3))]].concat();
        assert!(!is_linearizable(twice));
        let replayed = Answered::Accepted { version: 2, replayed: Some(true) };
        assert!(is_linearizable([once(1), vec![answer(1, 1, 0, replayed)]].concat()));
    }
}
