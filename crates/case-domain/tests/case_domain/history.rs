//! Requests made one after another, with everything that came of them.

use std::collections::BTreeMap;

use case_domain::{
    AssignCase, Case, CaseId, ChangeCase, Command, CreateCase, DecisionContext, Event, Lifecycle, Link, Operation,
    Person, Rejection, Status, TransitionCase, decide, evolve,
};

use crate::asks::{Ask, Expected, Place, Tie, What, Whom, Wish};
use crate::given::{Desk, request_of, status};

/// One request and what came of it.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) actor: Person,
    pub(crate) command: Command,
    /// Whether the case to be linked was there.
    pub(crate) linked_case_exists: bool,
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
        let request = request_of(ask.actor.clone());
        let linked_case_exists = command.linked_case_id().is_some_and(|id| self.states.contains_key(id));
        let context =
            DecisionContext { request: &request, linked_case_exists, ..desk.context(now_us, next_case_number) };
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
        let actor = ask.actor.clone();
        self.steps.push(Step { actor, command, linked_case_exists, before, outcome, after });
    }

    fn command(&self, desk: &Desk, ask: &Ask) -> Command {
        let reason = ask.reason.clone();
        match ask.wish.clone() {
            Wish::Create { initial, draft } => {
                let lifecycle = &desk.lifecycle;
                let initial_status = initial.map(|place| resolve(&place, lifecycle.initial(), lifecycle));
                Command::CreateCase(CreateCase { draft, initial_status, reason })
            }
            Wish::Change { case, expected, what } => {
                let (case_id, state) = self.pick(desk, &case);
                let version = state.map_or(0, |case| case.version);
                let expected_version = match expected {
                    Expected::Nothing => None,
                    Expected::TheTruth => Some(version),
                    Expected::SomethingElse => Some(version + 1),
                };
                let operation = self.operation(desk, state, what);
                Command::Change(ChangeCase { case_id, expected_version, reason, operation })
            }
        }
    }

    fn operation(&self, desk: &Desk, state: Option<&Case>, what: What) -> Operation {
        let lifecycle = &desk.lifecycle;
        match what {
            What::Transition { to, assignee, team } => {
                let allowed: Vec<Status> = state.map_or_else(Vec::new, |case| {
                    let edges = lifecycle.transitions_from(&case.status);
                    edges.map(|edge| edge.to.clone()).collect()
                });
                Operation::Transition(TransitionCase { to_status: resolve(&to, &allowed, lifecycle), assignee, team })
            }
            What::Update(edits) => Operation::Update(edits),
            What::Assign(assignee, team) => Operation::Assign(AssignCase { assignee, team }),
            What::Comment(body) => Operation::Comment(body),
            What::Link(tie) => Operation::Link(self.tie(desk, state, tie)),
            What::Unlink(tie) => Operation::Unlink(self.tie(desk, state, tie)),
        }
    }

    fn tie(&self, desk: &Desk, state: Option<&Case>, tie: Tie) -> Link {
        let own = state.map_or(&[][..], |case| &case.links);
        match tie {
            Tie::Own(index, _) if !own.is_empty() => index.get(own).clone(),
            Tie::Own(other, link_type) => Link { case_id: self.pick(desk, &Whom::Known(other)).0, link_type },
            Tie::Any(other, link_type) => Link { case_id: self.pick(desk, &other).0, link_type },
        }
    }

    /// A case, or the id of the next.
    fn pick(&self, desk: &Desk, whom: &Whom) -> (CaseId, Option<&Case>) {
        let cases: Vec<&Case> = self.states.values().collect();
        match whom {
            Whom::Known(index) if !cases.is_empty() => {
                let case = *index.get(&cases);
                (case.id.clone(), Some(case))
            }
            Whom::Known(_) | Whom::Unknown => (desk.prefix.id(cases.len() as u64 + 1), None),
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
