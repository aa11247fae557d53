//! The rules once more, written so that a decision can be held against them.

use case_domain::{
    Action, AssignCase, Case, Change, ChangeCase, Command, Edit, Event, Lifecycle, Operation, Rejection, RequiredField,
    Requirement, StatusCategory, Transition, TransitionCase,
};

use crate::history::Step;

/// What is wrong with an accepted event under the lifecycle that it was decided under.
pub(crate) fn stray<'e>(lifecycle: &Lifecycle, event: &'e Event) -> Option<String> {
    if !shape(event) {
        return Some(format!("{:?} does not do this", event.action));
    }
    let moved = |change: &'e Change| if let Change::Status { from, to } = change { Some((from, to)) } else { None };
    let (from, to) = event.changes.iter().find_map(moved)?;
    let allowed = match from {
        None => lifecycle.initial().contains(to),
        Some(from) => lifecycle.transitions().iter().any(|edge| {
            let joined = edge.from == *from && edge.to == *to;
            joined && (event.reason.is_some() || !edge.requires_reason)
        }),
    };
    let defined = lifecycle.statuses().iter().find(|definition| definition.name == *to);
    let category = defined.map(|definition| definition.category);
    if !allowed {
        Some(format!("{from:?} -> {to} is not in the lifecycle"))
    } else if category != Some(event.status_category) {
        Some(format!("{to} is not {:?}", event.status_category))
    } else {
        None
    }
}

/// Whether an event changes what its action may change, and nothing else.
fn shape(event: &Event) -> bool {
    let mut fields: Vec<&str> = event.changes.iter().map(Change::field).collect();
    let only = |allowed: &[&str]| fields.iter().all(|field| allowed.contains(field));
    let first_is = |wanted: fn(&Change) -> bool| event.changes.first().is_some_and(wanted);
    let one = fields.len() == 1;
    let fits = match event.action {
        Action::CaseCreated => {
            first_is(|change| matches!(change, Change::Status { from: None, .. }))
                && !fields.iter().any(|field| ["comment", "link"].contains(field))
        }
        Action::CaseTransitioned => {
            first_is(|change| matches!(change, Change::Status { from: Some(_), .. }))
                && only(&["status", "assignee", "team"])
        }
        Action::CaseUpdated => {
            !fields.is_empty() && !fields.iter().any(|field| ["status", "comment", "link"].contains(field))
        }
        Action::CaseAssigned => !fields.is_empty() && only(&["assignee", "team"]),
        Action::CaseCommented => one && only(&["comment"]),
        Action::CaseLinked => {
            one && first_is(
                |change| matches!(change, Change::Link(moved) if moved.from.is_none() && moved.to.is_some()),
            )
        }
        Action::CaseUnlinked => {
            one && first_is(
                |change| matches!(change, Change::Link(moved) if moved.from.is_some() && moved.to.is_none()),
            )
        }
    };
    fields.sort_unstable();
    fits && fields.is_sorted_by(|one, next| one < next)
}

/// What becomes of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Accepted,
    NothingToDo,
    NotFound,
    OtherNotFound,
    WrongVersion,
    NotInitial,
    NotAllowed,
    Unmet,
    Closed,
    LinkThere,
    LinkNotThere,
    TooManyLinks,
}

/// What a decision came to.
pub(crate) fn verdict(command: &Command, outcome: &Result<Option<Event>, Rejection>) -> Verdict {
    match outcome {
        Ok(Some(_)) => Verdict::Accepted,
        Ok(None) => Verdict::NothingToDo,
        Err(Rejection::CaseNotFound { case_id }) if Some(case_id) == command.case_id() => Verdict::NotFound,
        Err(Rejection::CaseNotFound { .. }) => Verdict::OtherNotFound,
        Err(Rejection::VersionMismatch { .. }) => Verdict::WrongVersion,
        Err(Rejection::NotAnInitialStatus { .. }) => Verdict::NotInitial,
        Err(Rejection::TransitionNotAllowed { .. }) => Verdict::NotAllowed,
        Err(Rejection::RequirementsNotMet { .. }) => Verdict::Unmet,
        Err(Rejection::CaseClosed { .. }) => Verdict::Closed,
        Err(Rejection::LinkExists { .. }) => Verdict::LinkThere,
        Err(Rejection::LinkNotFound { .. }) => Verdict::LinkNotThere,
        Err(Rejection::TooManyLinks { .. }) => Verdict::TooManyLinks,
    }
}

/// What it must come to: the first check that fails, in the order of the API.
pub(crate) fn due(lifecycle: &Lifecycle, step: &Step) -> Verdict {
    let change = match &step.command {
        Command::CreateCase(command) => {
            let wanted = command.initial_status.as_ref();
            let begins = wanted.is_none_or(|status| lifecycle.initial().contains(status));
            return if begins { Verdict::Accepted } else { Verdict::NotInitial };
        }
        Command::Change(change) => change,
    };
    let Some(case) = &step.before else {
        return Verdict::NotFound;
    };
    if matches!(change.operation, Operation::Link(_)) && !step.linked_case_exists {
        return Verdict::OtherNotFound;
    }
    if change.expected_version.is_some_and(|version| version != case.version) {
        return Verdict::WrongVersion;
    }
    match &change.operation {
        Operation::Transition(to) => due_of_move(lifecycle, step, case, to),
        Operation::Update(_) if case.status_category == StatusCategory::Closed => Verdict::Closed,
        Operation::Update(edits) => changes(case != &edited(case, edits)),
        Operation::Assign(AssignCase { assignee, team }) => {
            let team = team.as_ref().unwrap_or(&case.team);
            changes((assignee, team) != (&case.assignee, &case.team))
        }
        Operation::Link(link) if case.links.contains(link) => Verdict::LinkThere,
        Operation::Unlink(link) if !case.links.contains(link) => Verdict::LinkNotThere,
        Operation::Comment(_) | Operation::Link(_) | Operation::Unlink(_) => Verdict::Accepted,
    }
}

const fn changes(something: bool) -> Verdict {
    if something { Verdict::Accepted } else { Verdict::NothingToDo }
}

fn due_of_move(lifecycle: &Lifecycle, step: &Step, case: &Case, to: &TransitionCase) -> Verdict {
    let mut edges = lifecycle.transitions().iter();
    match edges.find(|edge| edge.from == case.status && edge.to == to.to_status) {
        None => Verdict::NotAllowed,
        Some(_) if missing(lifecycle, step).is_empty() => Verdict::Accepted,
        Some(_) => Verdict::Unmet,
    }
}

/// Everything that a move requires and does not get; nothing for whatever is no move along an edge.
pub(crate) fn missing(lifecycle: &Lifecycle, step: &Step) -> Vec<Requirement> {
    let (Some(case), Command::Change(ChangeCase { reason, operation: Operation::Transition(to), .. })) =
        (&step.before, &step.command)
    else {
        return Vec::new();
    };
    let mut after = case.clone();
    after.assignee = to.assignee.clone().unwrap_or(after.assignee);
    after.team = to.team.clone().unwrap_or(after.team);
    let mut edges = lifecycle.transitions().iter();
    let Some(edge) = edges.find(|edge| edge.from == case.status && edge.to == to.to_status) else {
        return Vec::new();
    };
    let Transition { requires_reason, required_fields, other_actor_than, .. } = edge;
    let reason = (*requires_reason && reason.is_none()).then_some(Requirement::Reason);
    let fields = required_fields.iter().filter(|field| is_empty(&after, **field)).copied().map(Requirement::Field);
    let other = other_actor_than.iter().filter(|entered| case.entered_by.get(*entered) == Some(&step.actor));
    let other = other.map(|entered| Requirement::OtherActor { entered: entered.clone(), actor: step.actor.clone() });
    reason.into_iter().chain(fields).chain(other).collect()
}

fn is_empty(case: &Case, field: RequiredField) -> bool {
    match field {
        RequiredField::Description => case.description.is_none(),
        RequiredField::Priority => case.priority.is_none(),
        RequiredField::Severity => case.severity.is_none(),
        RequiredField::Assignee => case.assignee.is_none(),
        RequiredField::Team => case.team.is_none(),
        RequiredField::Reporter => case.reporter.is_none(),
        RequiredField::Tags => case.tags.is_empty(),
        RequiredField::CustomFields => case.custom_fields.is_none(),
        RequiredField::DueTime => case.due_time.is_none(),
    }
}

/// The case with every edit made, one after another.
pub(crate) fn edited(case: &Case, edits: &[Edit]) -> Case {
    let mut case = case.clone();
    for edit in edits.iter().cloned() {
        match edit {
            Edit::Title(to) => case.title = to,
            Edit::Description(to) => case.description = to,
            Edit::Priority(to) => case.priority = to,
            Edit::Severity(to) => case.severity = to,
            Edit::Assignee(to) => case.assignee = to,
            Edit::Team(to) => case.team = to,
            Edit::Reporter(to) => case.reporter = to,
            Edit::Tags(to) => case.tags = to,
            Edit::CustomFields(to) => case.custom_fields = to,
            Edit::DueTime(to) => case.due_time = to,
        }
    }
    case
}

/// The controls: an event that breaks a rule is noticed.
mod controls {
    use case_domain::{LinkType, Moved};

    use super::*;
    use crate::given::{Desk, OPEN, PAUSED, case_in, change, comment, link, person, reason, status, transition_to};

    fn strays(mut event: Event, break_rule: impl Fn(&mut Event)) -> bool {
        break_rule(&mut event);
        stray(&Desk::new().lifecycle, &event).is_some()
    }

    fn closing() -> Event {
        let command = ChangeCase { reason: Some(reason("done")), ..transition_to("CLOSED") };
        Desk::new().change(&case_in("DRAFT", OPEN), command)
    }

    #[test]
    fn an_event_outside_the_lifecycle_is_noticed() {
        let strays = |break_rule: &dyn Fn(&mut Event)| strays(closing(), break_rule);
        let to = |name: &str| Change::Status { from: Some(status("DRAFT")), to: status(name) };
        assert!(!strays(&|_| {}));
        assert!(strays(&|event| event.changes[0] = to("WAITING")));
        assert!(strays(&|event| event.changes[0] = to("NOWHERE")));
        assert!(strays(&|event| event.changes.push(to("CLOSED"))));
        assert!(strays(&|event| event.changes.clear()));
        assert!(strays(&|event| event.reason = None));
        assert!(strays(&|event| event.status_category = PAUSED));
        assert!(strays(&|event| event.action = Action::CaseCreated));
    }

    #[test]
    fn a_beginning_outside_the_lifecycle_is_noticed() {
        let begins = |name: &str| {
            strays(closing(), |event| {
                event.action = Action::CaseCreated;
                event.status_category = OPEN;
                event.changes[0] = Change::Status { from: None, to: status(name) };
            })
        };
        assert!(!begins("DRAFT"));
        assert!(begins("SUBMITTED"));
    }

    #[test]
    fn an_action_that_does_another_s_work_is_noticed() {
        let remark = change(Operation::Comment(comment("c")));
        let remark = Desk::new().change(&case_in("DRAFT", OPEN), remark);
        assert!(!strays(remark.clone(), |_| {}));
        for action in Action::ALL.into_iter().filter(|action| *action != Action::CaseCommented) {
            assert!(strays(remark.clone(), |event| event.action = action), "{action:?}");
        }
        let also = Change::Assignee(Moved { from: None, to: Some(person("citra")) });
        assert!(strays(remark.clone(), |event| event.changes.push(also.clone())));
        assert!(strays(remark, |event| event.changes.push(event.changes[0].clone())));
    }

    #[test]
    fn a_link_in_the_wrong_direction_is_noticed() {
        let operation = Operation::Link(link("CASE-002", LinkType::Blocks));
        let linked = Desk::new().change(&case_in("DRAFT", OPEN), change(operation));
        assert!(!strays(linked.clone(), |_| {}));
        assert!(strays(linked, |event| event.action = Action::CaseUnlinked));
    }
}
