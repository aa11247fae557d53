//! The rules: which command becomes which event.

mod creation;
mod fields;
mod links;
mod transition;

use crate::event::{Action, Change, Event, Moved};
use crate::{Case, CaseId, ChangeCase, Command, DecisionContext, Operation, Rejection, StatusCategory};

/// Decides a command on the present state of its case (`None`: there is no such case).
///
/// `Ok(None)` means accepted without anything to change.
pub fn decide(
    state: Option<&Case>,
    command: &Command,
    context: &DecisionContext<'_>,
) -> Result<Option<Event>, Rejection> {
    match command {
        Command::CreateCase(command) => creation::create(command, context).map(Some),
        Command::Change(command) => {
            let case = existing(state, &command.case_id)?;
            if let Operation::Link(link) = &command.operation {
                links::other_exists(link, context)?;
            }
            expect_version(case, command.expected_version)?;
            let outcome = change(case, command, context)?;
            Ok(outcome.map(|outcome| outcome.into_event(case, command, context)))
        }
    }
}

/// What a command does to a case, apart from what every event has.
struct Outcome {
    action: Action,
    changes: Vec<Change>,
    /// The category of the status after it.
    status_category: StatusCategory,
}

impl Outcome {
    /// Something other than a transition: the status stays. Nothing where nothing changes.
    fn staying(case: &Case, action: Action, changes: Vec<Change>) -> Option<Self> {
        (!changes.is_empty()).then_some(Self { action, changes, status_category: case.status_category })
    }

    fn into_event(self, case: &Case, command: &ChangeCase, context: &DecisionContext<'_>) -> Event {
        Event {
            case_id: case.id.clone(),
            case_version: case.version + 1,
            time: context.now,
            action: self.action,
            request: context.request.clone(),
            lifecycle_version: context.lifecycle_version,
            status_category: self.status_category,
            reason: command.reason.clone(),
            changes: self.changes,
        }
    }
}

fn change(case: &Case, command: &ChangeCase, context: &DecisionContext<'_>) -> Result<Option<Outcome>, Rejection> {
    match &command.operation {
        Operation::Transition(to) => transition::transition(case, to, command.reason.as_ref(), context).map(Some),
        Operation::Update(edits) => fields::update(case, edits, context),
        Operation::Assign(to) => Ok(fields::assign(case, to)),
        Operation::Comment(body) => {
            Ok(Outcome::staying(case, Action::CaseCommented, vec![Change::Comment(body.clone())]))
        }
        Operation::Link(link) => links::link(case, link),
        Operation::Unlink(link) => links::unlink(case, link),
    }
}

fn existing<'a>(state: Option<&'a Case>, case_id: &CaseId) -> Result<&'a Case, Rejection> {
    state.filter(|case| case.id == *case_id).ok_or_else(|| Rejection::CaseNotFound { case_id: case_id.clone() })
}

fn expect_version(case: &Case, expected: Option<u64>) -> Result<(), Rejection> {
    match expected {
        Some(expected) if expected != case.version => {
            Err(Rejection::VersionMismatch { case_id: case.id.clone(), expected, current: case.version })
        }
        Some(_) | None => Ok(()),
    }
}

/// A value that appears.
fn first<T: Clone + PartialEq>(to: Option<&T>) -> Option<Moved<T>> {
    moved(None, to)
}

/// A value that changes; nothing where it stays.
fn moved<T: Clone + PartialEq>(from: Option<&T>, to: Option<&T>) -> Option<Moved<T>> {
    (from != to).then(|| Moved { from: from.cloned(), to: to.cloned() })
}
