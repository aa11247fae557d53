//! What the domain says is wrong with a lifecycle, on the lines where it is wrong.

use std::collections::HashSet;

use case_domain::{Lifecycle, LifecycleDraft, LifecycleProblem, Status};

use crate::document::Reader;
use crate::nearest::{nearest, suggestion};
use crate::schema::{DraftLines, LocatedDraft};

/// How many unknown names of one file are compared with the known ones: for 20,000 it would take many seconds.
const COMPARED_MAX: usize = 200;

/// Makes the lifecycle, or notes every problem. `None` always comes with a mistake.
pub(crate) fn check(located: LocatedDraft, reader: &mut Reader) -> Option<Lifecycle> {
    let LocatedDraft { draft, lines, loose_ends } = located;
    let mut names = Names::new(&draft);
    if lines.statuses_known {
        for end in loose_ends {
            if names.defined.contains(&end.value) {
                continue;
            }
            let near = names.near(&end.value);
            reader.note(end.line, format!("the status {} is not defined{near}", end.value));
        }
    }
    // Kept for the first definition of what is defined twice: the domain takes the draft.
    let kept = draft.clone();
    match Lifecycle::new(draft) {
        Ok(lifecycle) => Some(lifecycle),
        Err(problems) => {
            for problem in &problems {
                if let Some((line, hint)) = place(problem, &kept, &lines, &mut names) {
                    reader.note(line, format!("{problem}{hint}"));
                }
            }
            None
        }
    }
}

/// The line of a problem and what may help; `None` where it only follows from a mistake that has been noted already.
fn place(
    problem: &LifecycleProblem,
    draft: &LifecycleDraft,
    lines: &DraftLines,
    names: &mut Names,
) -> Option<(usize, String)> {
    let first = |line: Option<&usize>| line.map_or_else(String::new, |line| format!("; first on line {line}"));
    match problem {
        LifecycleProblem::NoStatus => lines.no_status.map(|line| (line, String::new())),
        LifecycleProblem::NoInitialStatus => lines.no_initial.map(|line| (line, String::new())),
        LifecycleProblem::DuplicateStatus { index, status } => {
            let earlier = draft.statuses.iter().position(|definition| definition.name == *status);
            let earlier = earlier.and_then(|earlier| lines.statuses.get(earlier));
            Some((*lines.statuses.get(*index)?, first(earlier)))
        }
        LifecycleProblem::UnknownInitialStatus { index, status } => {
            let line = *lines.initial.get(*index)?;
            lines.statuses_known.then(|| (line, names.near(status)))
        }
        LifecycleProblem::DuplicateInitialStatus { index, .. } => Some((*lines.initial.get(*index)?, String::new())),
        LifecycleProblem::UnknownTransitionStatus { index, from, to, unknown } => {
            let edge = lines.transitions.get(*index)?;
            // What is neither end is the status whose actor is excluded.
            let line = match edge.other_actor_than {
                _ if unknown == from => edge.from,
                Some(other) if unknown != to => other,
                Some(_) | None => edge.to,
            };
            lines.statuses_known.then(|| (line, names.near(unknown)))
        }
        LifecycleProblem::DuplicateRequiredField { index, field, .. } => {
            let fields = &draft.transitions.get(*index)?.required_fields;
            let mut places = lines.transitions.get(*index)?.required_fields.iter().zip(fields);
            let earlier = places.find(|(_, named)| *named == field).map(|(line, _)| line);
            let (line, _) = places.find(|(_, named)| *named == field)?;
            Some((*line, first(earlier.filter(|earlier| *earlier != line))))
        }
        LifecycleProblem::DuplicateTransition { index, from, to } => {
            let mut edges = draft.transitions.iter();
            let earlier = edges.position(|edge| edge.from == *from && edge.to == *to);
            let earlier = earlier.and_then(|earlier| lines.transitions.get(earlier));
            Some((lines.transitions.get(*index)?.from, first(earlier.map(|edge| &edge.from))))
        }
        LifecycleProblem::SelfTransition { index, .. } => Some((lines.transitions.get(*index)?.to, String::new())),
    }
}

/// The statuses that are defined.
struct Names {
    defined: HashSet<Status>,
    in_order: Vec<Status>,
    compared: usize,
}

impl Names {
    fn new(draft: &LifecycleDraft) -> Self {
        let in_order: Vec<Status> = draft.statuses.iter().map(|definition| definition.name.clone()).collect();
        Self { defined: in_order.iter().cloned().collect(), in_order, compared: 0 }
    }

    fn near(&mut self, status: &Status) -> String {
        self.compared += 1;
        if self.compared > COMPARED_MAX {
            return String::new();
        }
        suggestion(nearest(status.as_str(), self.in_order.iter().map(Status::as_str)))
    }
}
