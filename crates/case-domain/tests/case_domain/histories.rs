//! What holds of any sequence of commands under any lifecycle.

use std::collections::BTreeMap;

use case_domain::{Case, Event, EvolveError, evolve};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::any::{Ask, Place, any_asks, any_lifecycle};
use crate::given::{CLOSED, Desk, OPEN, case_in, transition_to};
use crate::history::History;
use crate::rules::{Verdict, due, stray, verdict};
use crate::truth::faults;

fn replay(events: &[Event]) -> Result<Option<Case>, EvolveError> {
    let mut state = None;
    for event in events {
        state = Some(evolve(state, event)?);
    }
    Ok(state)
}

/// Whether the versions count from 1 without a gap and the times never run backwards.
fn contiguous(events: &[Event]) -> bool {
    let versions = events.iter().map(|event| event.case_version);
    versions.eq(1..=events.len() as u64) && events.is_sorted_by_key(|event| event.time)
}

fn any_history() -> impl Strategy<Value = (Desk, History)> {
    (any_lifecycle(), any_asks()).prop_map(|(lifecycle, asks)| {
        let desk = Desk::with(lifecycle);
        let history = History::of(&desk, &asks);
        (desk, history)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn replaying_the_events_gives_the_state((_, history) in any_history()) {
        let events = history.events_by_case();
        prop_assert!(events.keys().eq(history.states.keys()));
        for (id, events) in &events {
            prop_assert_eq!(replay(events), Ok(history.states.get(id).cloned()));
        }
    }

    #[test]
    fn no_accepted_event_is_outside_the_lifecycle((desk, history) in any_history()) {
        for event in history.events() {
            prop_assert_eq!(stray(&desk.lifecycle, event), None);
        }
    }

    #[test]
    fn every_event_says_the_truth_and_all_of_it((_, history) in any_history()) {
        for step in &history.steps {
            if let (Ok(Some(event)), Some(after)) = (&step.outcome, &step.after) {
                prop_assert_eq!(faults(step.before.as_ref(), event, after), Vec::<String>::new());
            }
        }
    }

    #[test]
    fn versions_are_contiguous((_, history) in any_history()) {
        for events in history.events_by_case().values() {
            prop_assert!(contiguous(events));
        }
    }

    #[test]
    fn a_command_is_refused_where_a_rule_says_so_and_nowhere_else((desk, history) in any_history()) {
        for step in &history.steps {
            let due = due(&desk.lifecycle, step.before.as_ref(), &step.command);
            prop_assert_eq!(verdict(&step.outcome), due);
        }
    }

    #[test]
    fn a_refused_command_leaves_no_event_and_no_trace((lifecycle, asks) in (any_lifecycle(), any_asks())) {
        let desk = Desk::with(lifecycle);
        let history = History::of(&desk, &asks);
        for step in &history.steps {
            prop_assert_eq!(step.outcome.is_err(), step.before == step.after);
        }
        let without = History::of(&desk, &only(&history, &asks, |verdict| verdict == Verdict::Accepted));
        prop_assert!(without.events().eq(history.events()));
        prop_assert_eq!(without.states, history.states);
    }
}

/// The requests that came to a certain verdict.
fn only(history: &History, asks: &[Ask], wanted: impl Fn(Verdict) -> bool) -> Vec<Ask> {
    let steps = history.steps.iter().zip(asks);
    let kept = steps.filter(|(step, _)| wanted(verdict(&step.outcome)));
    kept.map(|(_, ask)| ask.clone()).collect()
}

#[test]
fn an_accepted_command_that_is_left_out_is_missed() {
    // The control of `a_refused_command_leaves_no_event_and_no_trace`.
    let desk = Desk::new();
    let ask = |initial| Ask::Create { initial, draft: crate::given::draft(), reason: None };
    let asks = [ask(None), ask(Some(Place::Undefined)), ask(None)];
    let history = History::of(&desk, &asks);
    let same = |asks: &[Ask]| History::of(&desk, asks).events().eq(history.events());
    assert!(same(&only(&history, &asks, |verdict| verdict != Verdict::NotInitial)));
    assert!(!same(&asks[1..]));
}

#[test]
fn a_replay_that_differs_is_noticed() {
    // The control of `replaying_the_events_gives_the_state`: lost, doubled and exchanged events.
    let desk = Desk::new();
    let create = case_domain::Command::CreateCase(crate::given::create());
    let mut created = desk.accept(None, create);
    created.case_id = crate::given::case_id("CASE-001");
    let first = evolve(None, &created).unwrap();
    let submit = case_domain::Command::TransitionCase(transition_to("SUBMITTED"));
    let submitted = desk.accept(Some(&first), submit);
    let second = evolve(Some(first), &submitted).unwrap();
    let wait = case_domain::Command::TransitionCase(transition_to("WAITING"));
    let waiting = desk.accept(Some(&second), wait);
    let truth = [created.clone(), submitted.clone(), waiting.clone()];
    let state = replay(&truth).unwrap();
    assert_ne!(replay(&truth[..2]).unwrap(), state);
    assert!(replay(&[created.clone(), waiting.clone()]).is_err());
    assert!(replay(&[created.clone(), submitted.clone(), submitted.clone()]).is_err());
    assert!(replay(&[submitted.clone(), created.clone(), waiting.clone()]).is_err());
    assert!(contiguous(&truth));
    assert!(!contiguous(&truth[1..]));
    assert!(!contiguous(&[created.clone(), waiting]));
    assert!(!contiguous(&[created.clone(), submitted.clone(), submitted.clone()]));
    created.time = crate::given::time(crate::given::NOW_US + 1);
    assert!(!contiguous(&[created, submitted]));
}

#[test]
fn a_decision_that_is_not_due_is_noticed() {
    // The control of `a_command_is_refused_where_a_rule_says_so_and_nowhere_else`.
    let desk = Desk::new();
    let case = case_in("DRAFT", OPEN);
    let allowed = case_domain::Command::TransitionCase(transition_to("SUBMITTED"));
    let forbidden = case_domain::Command::TransitionCase(transition_to("WAITING"));
    let accepted = desk.decide(Some(&case), allowed);
    let refused = desk.decide(Some(&case), forbidden.clone());
    let due = due(&desk.lifecycle, Some(&case), &forbidden);
    assert_eq!(verdict(&refused), due);
    assert_ne!(verdict(&accepted), due);
}

#[test]
fn the_histories_meet_everything_that_can_happen() {
    // The control of all properties here: they do not hold for want of anything to look at.
    let mut runner = TestRunner::deterministic();
    let mut met: BTreeMap<Verdict, usize> = BTreeMap::new();
    let (mut closed, mut reopened, mut handed_over, mut kept) = (0, 0, 0, 0);
    for _ in 0..300 {
        let (_, history) = any_history().new_tree(&mut runner).unwrap().current();
        for step in &history.steps {
            *met.entry(verdict(&step.outcome)).or_default() += 1;
            let (Some(before), Some(after), Ok(Some(event))) = (&step.before, &step.after, &step.outcome) else {
                continue;
            };
            let ends = (before.status_category == CLOSED, after.status_category == CLOSED);
            closed += usize::from(ends == (false, true));
            reopened += usize::from(ends == (true, false));
            kept += usize::from(ends == (true, true));
            handed_over += usize::from(event.changes.len() > 1);
        }
    }
    let refusals =
        [Verdict::NotFound, Verdict::WrongVersion, Verdict::NotInitial, Verdict::NotAllowed, Verdict::NoReason];
    for expected in refusals.into_iter().chain([Verdict::Accepted]) {
        assert!(met.get(&expected).is_some_and(|count| *count > 30), "{expected:?}: {met:?}");
    }
    // Creating and moving always change something.
    assert_eq!(met.get(&Verdict::NothingToDo), None);
    let kinds = [closed, reopened, kept, handed_over];
    assert!(kinds.iter().all(|count| *count > 30), "{kinds:?}");
}
