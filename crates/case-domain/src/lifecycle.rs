//! The lifecycle: which statuses there are and which moves between them.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::StatusCategory;

/// The longest status name, in characters.
const STATUS_CHARS_MAX: usize = 64;

/// The name of a status: an upper-case letter, then upper-case letters, digits or underscores, at most 64 in all.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(Arc<str>);

/// The text is no name of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a status is named by 1 to {STATUS_CHARS_MAX} of A-Z, 0-9 and _, beginning with a letter")]
pub struct InvalidStatus;

impl Status {
    /// Checks a name.
    pub fn new(name: &str) -> Result<Self, InvalidStatus> {
        let valid = name.len() <= STATUS_CHARS_MAX
            && name.bytes().next().is_some_and(|b| b.is_ascii_uppercase())
            && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if valid { Ok(Self(name.into())) } else { Err(InvalidStatus) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One status and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusDefinition {
    /// Its name.
    pub name: Status,
    /// What it means for the clocks and guards.
    pub category: StatusCategory,
}

/// A field of a case that a transition can require. The title is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequiredField {
    /// All that is known of it.
    Description,
    /// How soon it must be dealt with.
    Priority,
    /// How bad it is.
    Severity,
    /// Who works on it.
    Assignee,
    /// The team it lies with.
    Team,
    /// Who reported it.
    Reporter,
    /// At least one tag.
    Tags,
    /// At least one custom field.
    CustomFields,
    /// When it should be done.
    DueTime,
}

impl RequiredField {
    /// Every field that can be required.
    pub const ALL: [Self; 9] = [
        Self::Description,
        Self::Priority,
        Self::Severity,
        Self::Assignee,
        Self::Team,
        Self::Reporter,
        Self::Tags,
        Self::CustomFields,
        Self::DueTime,
    ];

    /// The field's name, as in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Description => "description",
            Self::Priority => "priority",
            Self::Severity => "severity",
            Self::Assignee => "assignee",
            Self::Team => "team",
            Self::Reporter => "reporter",
            Self::Tags => "tags",
            Self::CustomFields => "custom_fields",
            Self::DueTime => "due_time",
        }
    }

    /// Reads [`Self::as_str`]'s form.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }
}

/// One allowed move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The status it leaves.
    pub from: Status,
    /// The status it enters.
    pub to: Status,
    /// Whether it needs a reason.
    pub requires_reason: bool,
    /// Fields that must be set; what the command itself sets counts.
    pub required_fields: Vec<RequiredField>,
    /// Four eyes: the actor must be another one than the one who last moved the case into this status.
    pub other_actor_than: Option<Status>,
}

impl Transition {
    /// A move that requires nothing.
    pub const fn free(from: Status, to: Status) -> Self {
        Self { from, to, requires_reason: false, required_fields: Vec::new(), other_actor_than: None }
    }
}

/// A lifecycle that has not been checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LifecycleDraft {
    /// Every status.
    pub statuses: Vec<StatusDefinition>,
    /// Where a case may begin; the first is the default.
    pub initial: Vec<Status>,
    /// Every move.
    pub transitions: Vec<Transition>,
}

/// What is wrong with a draft. Each names the entry by its index in the draft's list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleProblem {
    /// There is no status at all.
    #[error("a lifecycle needs at least one status")]
    NoStatus,
    /// No case could begin.
    #[error("a lifecycle needs at least one initial status")]
    NoInitialStatus,
    /// Two definitions of one status.
    #[error("the status {status} is defined twice")]
    DuplicateStatus {
        /// The second definition.
        index: usize,
        /// The status.
        status: Status,
    },
    /// An initial status that is not defined.
    #[error("the initial status {status} is not defined")]
    UnknownInitialStatus {
        /// Its place in the list of initial statuses.
        index: usize,
        /// The status.
        status: Status,
    },
    /// An initial status that is named twice.
    #[error("the initial status {status} is named twice")]
    DuplicateInitialStatus {
        /// The second place in the list of initial statuses.
        index: usize,
        /// The status.
        status: Status,
    },
    /// A transition that names a status that is not defined: where it leaves or enters, or whose actor it excludes.
    #[error("the transition {from} -> {to} names {unknown}, which is not defined")]
    UnknownTransitionStatus {
        /// Its place in the list of transitions.
        index: usize,
        /// Where it leaves.
        from: Status,
        /// Where it enters.
        to: Status,
        /// Which one is unknown.
        unknown: Status,
    },
    /// A transition that requires one field twice.
    #[error("the transition {from} -> {to} requires {} twice", field.as_str())]
    DuplicateRequiredField {
        /// Its place in the list of transitions.
        index: usize,
        /// Where it leaves.
        from: Status,
        /// Where it enters.
        to: Status,
        /// The field.
        field: RequiredField,
    },
    /// Two transitions between the same statuses.
    #[error("the transition {from} -> {to} is defined twice")]
    DuplicateTransition {
        /// The second place in the list of transitions.
        index: usize,
        /// Where it leaves.
        from: Status,
        /// Where it enters.
        to: Status,
    },
    /// A transition that goes nowhere.
    #[error("the transition {status} -> {status} changes nothing")]
    SelfTransition {
        /// Its place in the list of transitions.
        index: usize,
        /// The status.
        status: Status,
    },
}

/// A lifecycle that holds together: every name is defined, no entry repeats, and a case can begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    draft: LifecycleDraft,
    categories: HashMap<Status, StatusCategory>,
    /// The places of the transitions that leave each status, in the order of definition.
    leaving: HashMap<Status, Vec<usize>>,
}

impl Lifecycle {
    /// Checks a draft and reports every problem.
    pub fn new(draft: LifecycleDraft) -> Result<Self, Vec<LifecycleProblem>> {
        let mut problems = Vec::new();
        let mut categories = HashMap::new();
        for (index, definition) in draft.statuses.iter().enumerate() {
            if categories.insert(definition.name.clone(), definition.category).is_some() {
                problems.push(LifecycleProblem::DuplicateStatus { index, status: definition.name.clone() });
            }
        }
        if draft.statuses.is_empty() {
            problems.push(LifecycleProblem::NoStatus);
        }
        check_initial(&draft.initial, &categories, &mut problems);
        check_transitions(&draft.transitions, &categories, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut leaving: HashMap<Status, Vec<usize>> = HashMap::new();
        for (index, edge) in draft.transitions.iter().enumerate() {
            leaving.entry(edge.from.clone()).or_default().push(index);
        }
        Ok(Self { draft, categories, leaving })
    }

    /// Every status.
    pub fn statuses(&self) -> &[StatusDefinition] {
        &self.draft.statuses
    }

    /// Where a case may begin.
    pub fn initial(&self) -> &[Status] {
        &self.draft.initial
    }

    /// Every move.
    pub fn transitions(&self) -> &[Transition] {
        &self.draft.transitions
    }

    /// Where a case begins if nobody says otherwise.
    pub fn default_initial(&self) -> &Status {
        // `new` admits no lifecycle without an initial status.
        &self.draft.initial[0]
    }

    /// The category of a status; `None` if the lifecycle does not have it.
    pub fn category(&self, status: &Status) -> Option<StatusCategory> {
        self.categories.get(status).copied()
    }

    /// The move between two statuses, if it is allowed.
    pub fn transition(&self, from: &Status, to: &Status) -> Option<&Transition> {
        self.transitions_from(from).find(move |edge| edge.to == *to)
    }

    /// Every move that leaves a status, in the order of definition.
    pub fn transitions_from(&self, from: &Status) -> impl Iterator<Item = &Transition> + use<'_> {
        let places = self.leaving.get(from).map(Vec::as_slice).unwrap_or_default();
        places.iter().map(|index| &self.draft.transitions[*index])
    }
}

fn check_initial(
    initial: &[Status],
    categories: &HashMap<Status, StatusCategory>,
    problems: &mut Vec<LifecycleProblem>,
) {
    if initial.is_empty() {
        problems.push(LifecycleProblem::NoInitialStatus);
    }
    let mut seen = HashSet::new();
    for (index, status) in initial.iter().enumerate() {
        if !categories.contains_key(status) {
            problems.push(LifecycleProblem::UnknownInitialStatus { index, status: status.clone() });
        }
        if !seen.insert(status) {
            problems.push(LifecycleProblem::DuplicateInitialStatus { index, status: status.clone() });
        }
    }
}

fn check_transitions(
    transitions: &[Transition],
    categories: &HashMap<Status, StatusCategory>,
    problems: &mut Vec<LifecycleProblem>,
) {
    let mut seen = HashSet::new();
    for (index, edge) in transitions.iter().enumerate() {
        let (from, to) = (&edge.from, &edge.to);
        // A status that one transition names more than once is told once.
        let other = edge.other_actor_than.as_ref().filter(|other| *other != from && *other != to);
        let named = [Some(from), Some(to).filter(|to| *to != from), other];
        for unknown in named.into_iter().flatten().filter(|status| !categories.contains_key(*status)) {
            let (from, to, unknown) = (from.clone(), to.clone(), unknown.clone());
            problems.push(LifecycleProblem::UnknownTransitionStatus { index, from, to, unknown });
        }
        for field in repeated(&edge.required_fields) {
            let (from, to) = (from.clone(), to.clone());
            problems.push(LifecycleProblem::DuplicateRequiredField { index, from, to, field });
        }
        if from == to {
            problems.push(LifecycleProblem::SelfTransition { index, status: from.clone() });
        }
        if !seen.insert((from, to)) {
            problems.push(LifecycleProblem::DuplicateTransition { index, from: from.clone(), to: to.clone() });
        }
    }
}

/// The fields that are named more than once, each once.
fn repeated(fields: &[RequiredField]) -> impl Iterator<Item = RequiredField> {
    let count = |wanted| fields.iter().filter(|field| **field == wanted).count();
    RequiredField::ALL.into_iter().filter(move |field| count(*field) > 1)
}
