//! Connections between cases. A link is an event on the case that has it; the other side is derived by readers.

use super::Outcome;
use crate::event::{Action, Change, Moved};
use crate::{Case, DecisionContext, LINKS_MAX, Link, Rejection};

/// Existence comes before every other check, that of the other case included.
pub(super) fn other_exists(link: &Link, context: &DecisionContext<'_>) -> Result<(), Rejection> {
    if context.linked_case_exists { Ok(()) } else { Err(Rejection::CaseNotFound { case_id: link.case_id.clone() }) }
}

pub(super) fn link(case: &Case, link: &Link) -> Result<Option<Outcome>, Rejection> {
    if case.links.contains(link) {
        return Err(Rejection::LinkExists { case_id: case.id.clone(), link: link.clone() });
    }
    if case.links.len() >= LINKS_MAX {
        return Err(Rejection::TooManyLinks { case_id: case.id.clone(), max: LINKS_MAX });
    }
    let change = Change::Link(Moved { from: None, to: Some(link.clone()) });
    Ok(Outcome::staying(case, Action::CaseLinked, vec![change]))
}

pub(super) fn unlink(case: &Case, link: &Link) -> Result<Option<Outcome>, Rejection> {
    if !case.links.contains(link) {
        return Err(Rejection::LinkNotFound { case_id: case.id.clone(), link: link.clone() });
    }
    let change = Change::Link(Moved { from: Some(link.clone()), to: None });
    Ok(Outcome::staying(case, Action::CaseUnlinked, vec![change]))
}
