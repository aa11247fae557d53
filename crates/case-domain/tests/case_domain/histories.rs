//! What holds of any sequence of commands under any lifecycle.

use std::collections::BTreeMap;

use case_domain::{
    Action, Case, Change, ChangeCase, Command, Edit, Event, EvolveError, Operation, Rejection, Requirement, evolve,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::any::any_lifecycle;
use crate::asks::{Ask, Place, Wish, any_asks};
use crate::given::{CLOSED, Desk, OPEN, case_in, person, transition_to};
use crate::history::{History, Step};
use crate::rules::{Verdict, due, edited, missing, stray, verdict};
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
    #![proptest_config(ProptestConfig::with_cases(200))]

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
            prop_assert_eq!(verdict(&step.command, &step.outcome), due(&desk.lifecycle, step));
        }
    }

    #[test]
    fn a_refused_move_is_told_all_that_is_missing((desk, history) in any_history()) {
        for step in &history.steps {
            if let Err(Rejection::RequirementsNotMet { missing: told, .. }) = &step.outcome {
                prop_assert_eq!(told, &missing(&desk.lifecycle, step));
            }
        }
    }

    #[test]
    fn an_update_makes_the_case_what_was_asked_for((_, history) in any_history()) {
        for step in &history.steps {
            if let (Some(edits), Ok(_), Some(before), Some(after)) =
                (edits(&step.command), &step.outcome, &step.before, &step.after)
            {
                let Case { version, update_time, .. } = *after;
                prop_assert_eq!(after, &Case { version, update_time, ..edited(before, edits) });
            }
        }
    }

    #[test]
    fn a_closed_case_keeps_its_fields((_, history) in any_history()) {
        for step in &history.steps {
            if let (Some(before), Some(after)) = (&step.before, &step.after)
                && before.status_category == CLOSED
            {
                prop_assert_eq!(kept_by_closed(before), kept_by_closed(after));
            }
        }
    }

    #[test]
    fn who_brought_a_case_into_a_status_is_told_by_its_events((_, history) in any_history()) {
        for (id, events) in &history.events_by_case() {
            let mut entered_by = BTreeMap::new();
            for event in events {
                for change in &event.changes {
                    if let Change::Status { to, .. } = change {
                        entered_by.insert(to.clone(), event.request.actor.clone());
                    }
                }
            }
            prop_assert_eq!(&history.states[id].entered_by, &entered_by);
        }
    }

    #[test]
    fn a_refused_command_leaves_no_event_and_no_trace((lifecycle, asks) in (any_lifecycle(), any_asks())) {
        let desk = Desk::with(lifecycle);
        let history = History::of(&desk, &asks);
        for step in &history.steps {
            prop_assert_eq!(matches!(step.outcome, Ok(Some(_))), step.before != step.after);
        }
        let without = History::of(&desk, &only(&history, &asks, |verdict| verdict == Verdict::Accepted));
        prop_assert!(without.events().eq(history.events()));
        prop_assert_eq!(without.states, history.states);
    }
}

fn edits(command: &Command) -> Option<&[Edit]> {
    match command {
        Command::Change(ChangeCase { operation: Operation::Update(edits), .. }) => Some(edits),
        Command::CreateCase(_) | Command::Change(_) => None,
    }
}

/// A case without what may change while it is closed: where it stands, whose it is, and what it is linked to.
fn kept_by_closed(case: &Case) -> Case {
    let nothing = case_in("CLOSED", CLOSED);
    Case {
        title: case.title.clone(),
        description: case.description.clone(),
        priority: case.priority,
        severity: case.severity,
        reporter: case.reporter.clone(),
        tags: case.tags.clone(),
        custom_fields: case.custom_fields.clone(),
        due_time: case.due_time,
        create_time: case.create_time,
        ..nothing
    }
}

/// The requests that came to a certain verdict.
fn only(history: &History, asks: &[Ask], wanted: impl Fn(Verdict) -> bool) -> Vec<Ask> {
    let steps = history.steps.iter().zip(asks);
    let kept = steps.filter(|(step, _)| wanted(verdict(&step.command, &step.outcome)));
    kept.map(|(_, ask)| ask.clone()).collect()
}

#[test]
fn an_accepted_command_that_is_left_out_is_missed() {
    // The control of `a_refused_command_leaves_no_event_and_no_trace`.
    let desk = Desk::new();
    let ask = |initial| {
        let wish = Wish::Create { initial, draft: crate::given::draft() };
        Ask { actor: person("amira"), reason: None, wish }
    };
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
    let create = Command::CreateCase(crate::given::create());
    let mut created = desk.accept(None, create);
    created.case_id = crate::given::case_id("CASE-001");
    let first = evolve(None, &created).unwrap();
    let submitted = desk.change(&first, transition_to("SUBMITTED"));
    let second = evolve(Some(first), &submitted).unwrap();
    let waiting = desk.change(&second, transition_to("WAITING"));
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
    let step = |to: &str, asked: &str| Step {
        actor: person("amira"),
        command: Command::Change(transition_to(to)),
        linked_case_exists: false,
        before: Some(case.clone()),
        outcome: desk.ask(&case, transition_to(asked)),
        after: None,
    };
    let agrees = |step: &Step| verdict(&step.command, &step.outcome) == due(&desk.lifecycle, step);
    // Allowed, without the reason that it requires, forbidden.
    let ends = ["SUBMITTED", "CLOSED", "WAITING"];
    for to in ends {
        for asked in ends {
            assert_eq!(agrees(&step(to, asked)), to == asked, "{to} {asked}");
        }
    }
}

#[test]
fn a_closed_case_whose_field_changes_is_noticed() {
    // The control of `a_closed_case_keeps_its_fields`.
    let case = case_in("CLOSED", CLOSED);
    let changed = Case { title: crate::given::title("t"), ..case.clone() };
    let handed_over = Case { assignee: None, ..case.clone() };
    assert_ne!(kept_by_closed(&case), kept_by_closed(&changed));
    assert_eq!(kept_by_closed(&case), kept_by_closed(&handed_over));
}

/// How often something was met.
#[derive(Debug, Default)]
struct Met {
    verdicts: BTreeMap<Verdict, usize>,
    actions: BTreeMap<&'static str, usize>,
    missing: BTreeMap<&'static str, usize>,
    kinds: BTreeMap<&'static str, usize>,
}

impl Met {
    fn step(&mut self, step: &Step) {
        *self.verdicts.entry(verdict(&step.command, &step.outcome)).or_default() += 1;
        match &step.outcome {
            Err(Rejection::RequirementsNotMet { missing, .. }) => self.missing(missing),
            Ok(Some(event)) => self.event(step, event),
            Ok(None) | Err(_) => {}
        }
    }

    fn missing(&mut self, missing: &[Requirement]) {
        for requirement in missing {
            let name = match requirement {
                Requirement::Reason => "reason",
                Requirement::Field(field) => field.as_str(),
                Requirement::OtherActor { .. } => "other actor",
            };
            *self.missing.entry(name).or_default() += 1;
        }
        *self.missing.entry("several").or_default() += usize::from(missing.len() > 1);
    }

    fn event(&mut self, step: &Step, event: &Event) {
        *self.actions.entry(event.action.as_str()).or_default() += 1;
        let (Some(before), Some(after)) = (&step.before, &step.after) else {
            return;
        };
        let ends = (before.status_category == CLOSED, after.status_category == CLOSED);
        let moved = event.action == Action::CaseTransitioned;
        let kinds = [
            ("closed", ends == (false, true)),
            ("reopened", ends == (true, false)),
            ("moved while closed", moved && ends == (true, true)),
            ("something else while closed", !moved && ends == (true, true)),
            ("handed over by a move", moved && event.changes.len() > 1),
            ("several fields updated", event.action == Action::CaseUpdated && event.changes.len() > 1),
            ("several links", after.links.len() > 1),
            (
                "entered by another again",
                moved && before.entered_by.get(&after.status).is_some_and(|who| *who != step.actor),
            ),
        ];
        for (kind, met) in kinds {
            *self.kinds.entry(kind).or_default() += usize::from(met);
        }
    }
}

#[test]
fn the_histories_meet_everything_that_can_happen() {
    // The control of all properties here: they do not hold for want of anything to look at.
    let mut runner = TestRunner::deterministic();
    let mut met = Met::default();
    for _ in 0..300 {
        let (_, history) = any_history().new_tree(&mut runner).unwrap().current();
        history.steps.iter().for_each(|step| met.step(step));
    }
    // All verdicts but that of too many links, which an example shows.
    let verdicts: Vec<_> = met.verdicts.keys().copied().collect();
    assert_eq!(verdicts.len(), 11, "{met:?}");
    assert!(!verdicts.contains(&Verdict::TooManyLinks));
    assert_eq!(met.actions.len(), Action::ALL.len(), "{met:?}");
    assert_eq!(met.missing.len(), 2 + case_domain::RequiredField::ALL.len() + 1, "{met:?}");
    let often = |count: &usize| *count > 30;
    assert!(met.verdicts.values().all(often), "{met:?}");
    assert!(met.actions.values().chain(met.kinds.values()).all(often), "{met:?}");
    assert!(met.missing.values().all(|count| *count > 5), "{met:?}");
}
