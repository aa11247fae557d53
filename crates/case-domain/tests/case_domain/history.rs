//! Requests made one after another, with everything that came of them.

use std::collections::BTreeMap;

use case_domain::{
    Case, CaseId, Command, CreateCase, Event, Lifecycle, Rejection, Status, TransitionCase, decide, evolve,
};
use proptest::sample::Index;

use crate::any::{Ask, Expected, Place};
use crate::given::{Desk, status};

/// One request and what came of it.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) command: Command,
    pub(crate) before: Option<Case>,
    pub(crate) outcome: Result<Option<Event>, Rejection>,
    /// The state of the event's case, or of the command's where there is no event.
    pub(crate) after: Option<Case>,
}

/// A system in miniature: states are kept, commands are decided on them, events are applied to them.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) steps: Vec<Step>,
    pub(crate) states: BTreeMap<CaseId, Case>,
}

impl History {
    pub(crate) fn of(desk: &Desk, asks: &[Ask]) -> Self {
        let mut history = Self::default();
        for ask in asks {
            history.step(desk, ask);
        }
        history
    }

    /// Every accepted event, in order.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.steps.iter().filter_map(|step| step.outcome.as_ref().ok()?.as_ref())
    }

    /// The events of each case.
    pub(crate) fn events_by_case(&self) -> BTreeMap<CaseId, Vec<Event>> {
        let mut events: BTreeMap<CaseId, Vec<Event>> = BTreeMap::new();
        for event in self.events() {
            events.entry(event.case_id.clone()).or_default().push(event.clone());
        }
        events
    }

    fn step(&mut self, desk: &Desk, ask: &Ask) {
        let command = self.command(desk, ask);
        let before = command.case_id().and_then(|id| self.states.get(id)).cloned();
        // The time of a refused command is nobody's business: the clock counts what happened.
        let now_us = i64::try_from(self.events().count()).unwrap();
        let next_case_number = self.states.len() as u64 + 1;
        let context = desk.context(now_us, next_case_number);
        let outcome = decide(before.as_ref(), &command, &context);
        assert_eq!(decide(before.as_ref(), &command, &context), outcome, "not repeatable");
        let after = match &outcome {
            Ok(Some(event)) => {
                let case = evolve(before.clone(), event).unwrap();
                self.states.insert(event.case_id.clone(), case.clone());
                Some(case)
            }
            Ok(None) | Err(_) => before.clone(),
        };
        self.steps.push(Step { command, before, outcome, after });
    }

    fn command(&self, desk: &Desk, ask: &Ask) -> Command {
        let lifecycle = &desk.lifecycle;
        match ask.clone() {
            Ask::Create { initial, draft, reason } => Command::CreateCase(CreateCase {
                draft,
                initial_status: initial.map(|place| resolve(&place, lifecycle.initial(), lifecycle)),
                reason,
            }),
            Ask::Transition { case, to, reason, assignee, team, expected } => {
                let (case_id, state) = self.pick(desk, case);
                let allowed: Vec<Status> = state.map_or_else(Vec::new, |case| {
                    let edges = lifecycle.transitions_from(&case.status);
                    edges.map(|edge| edge.to.clone()).collect()
                });
                let version = state.map_or(0, |case| case.version);
                Command::TransitionCase(TransitionCase {
                    case_id,
                    to_status: resolve(&to, &allowed, lifecycle),
                    reason,
                    assignee,
                    team,
                    expected_version: match expected {
                        Expected::Nothing => None,
                        Expected::TheTruth => Some(version),
                        Expected::SomethingElse => Some(version + 1),
                    },
                })
            }
        }
    }

    /// One of the cases there are, or the id of the next.
    fn pick(&self, desk: &Desk, case: Index) -> (CaseId, Option<&Case>) {
        let count = self.states.len();
        match self.states.values().nth(case.index(count + 1)) {
            Some(case) => (case.id.clone(), Some(case)),
            None => (desk.prefix.id(count as u64 + 1), None),
        }
    }
}

fn resolve(place: &Place, allowed: &[Status], lifecycle: &Lifecycle) -> Status {
    match place {
        Place::Allowed(index) if !allowed.is_empty() => index.get(allowed).clone(),
        Place::Allowed(index) | Place::Defined(index) => index.get(lifecycle.statuses()).name.clone(),
        Place::Undefined => status("UNDEFINED"),
    }
}
