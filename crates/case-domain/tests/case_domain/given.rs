//! What the examples begin with.

use std::collections::BTreeMap;

use case_domain::{
    Case, CaseDraft, CaseId, CaseIdPrefix, ChangeCase, Command, CommentBody, CreateCase, DecisionContext, Description,
    Event, Lifecycle, LifecycleDraft, LifecycleProblem, Link, LinkType, Operation, Person, Reason, Rejection,
    RequestContext, Status, StatusCategory, StatusDefinition, Tag, Tags, Team, Timestamp, Title, Transition,
    TransitionCase, decide,
};

pub(crate) const OPEN: StatusCategory = StatusCategory::Open;
pub(crate) const PAUSED: StatusCategory = StatusCategory::Paused;
pub(crate) const CLOSED: StatusCategory = StatusCategory::Closed;

/// When cases were created in the examples.
pub(crate) const CREATED_US: i64 = 1_000;
/// When decisions are made in the examples.
pub(crate) const NOW_US: i64 = 5_000;

/// A transition: from, to, whether it requires a reason.
pub(crate) type Edge<'a> = (&'a str, &'a str, bool);

pub(crate) fn status(name: &str) -> Status {
    Status::new(name).unwrap()
}

pub(crate) fn person(name: &str) -> Person {
    Person::new(name).unwrap()
}

pub(crate) fn team(name: &str) -> Team {
    Team::new(name).unwrap()
}

pub(crate) fn reason(text: &str) -> Reason {
    Reason::new(text).unwrap()
}

pub(crate) fn description(text: &str) -> Description {
    Description::new(text).unwrap()
}

pub(crate) fn comment(text: &str) -> CommentBody {
    CommentBody::new(text).unwrap()
}

pub(crate) fn tags(names: &[&str]) -> Tags {
    Tags::new(names.iter().map(|name| Tag::new(name).unwrap())).unwrap()
}

pub(crate) fn link(to: &str, link_type: LinkType) -> Link {
    Link { case_id: case_id(to), link_type }
}

pub(crate) fn title(text: &str) -> Title {
    Title::new(text).unwrap()
}

pub(crate) fn time(unix_us: i64) -> Timestamp {
    Timestamp::from_unix_us(unix_us).unwrap()
}

pub(crate) fn case_id(text: &str) -> CaseId {
    CaseId::parse(text).unwrap()
}

/// A transition without fields or a second person.
pub(crate) fn edge((from, to, requires_reason): Edge<'_>) -> Transition {
    Transition { requires_reason, ..Transition::free(status(from), status(to)) }
}

pub(crate) fn lifecycle(
    statuses: &[(&str, StatusCategory)],
    initial: &[&str],
    edges: &[Edge<'_>],
) -> Result<Lifecycle, Vec<LifecycleProblem>> {
    guarded(statuses, initial, edges.iter().copied().map(edge).collect())
}

/// A lifecycle whose transitions may require anything.
pub(crate) fn guarded(
    statuses: &[(&str, StatusCategory)],
    initial: &[&str],
    transitions: Vec<Transition>,
) -> Result<Lifecycle, Vec<LifecycleProblem>> {
    let definition =
        |(name, category): &(&str, StatusCategory)| StatusDefinition { name: status(name), category: *category };
    Lifecycle::new(LifecycleDraft {
        statuses: statuses.iter().map(definition).collect(),
        initial: initial.iter().map(|name| status(name)).collect(),
        transitions,
    })
}

/// Everything a decision depends on besides the state and the command.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) request: RequestContext,
    pub(crate) prefix: CaseIdPrefix,
    /// Whether the case to be linked exists.
    pub(crate) linked_case_exists: bool,
}

pub(crate) fn request_of(actor: Person) -> RequestContext {
    RequestContext { request_id: "r-1".into(), actor, trace: None }
}

impl Desk {
    pub(crate) fn with(lifecycle: Lifecycle) -> Self {
        Self {
            lifecycle,
            request: request_of(person("amira")),
            prefix: CaseIdPrefix::new("CASE").unwrap(),
            linked_case_exists: true,
        }
    }

    /// A lifecycle with every kind of move: on, back, paused, closed in two ways, from closed to closed, reopened.
    pub(crate) fn new() -> Self {
        let statuses =
            [("DRAFT", OPEN), ("SUBMITTED", OPEN), ("WAITING", PAUSED), ("CLOSED", CLOSED), ("ARCHIVED", CLOSED)];
        let edges = [
            ("DRAFT", "SUBMITTED", false),
            ("DRAFT", "CLOSED", true),
            ("SUBMITTED", "WAITING", false),
            ("WAITING", "SUBMITTED", false),
            ("SUBMITTED", "CLOSED", true),
            ("CLOSED", "ARCHIVED", false),
            ("CLOSED", "SUBMITTED", true),
        ];
        Self::with(lifecycle(&statuses, &["DRAFT", "CLOSED"], &edges).unwrap())
    }

    pub(crate) fn context(&self, now_us: i64, next_case_number: u64) -> DecisionContext<'_> {
        DecisionContext {
            now: time(now_us),
            request: &self.request,
            lifecycle: &self.lifecycle,
            lifecycle_version: 3,
            case_id_prefix: &self.prefix,
            next_case_number,
            linked_case_exists: self.linked_case_exists,
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "the examples make their command where they use it")]
    pub(crate) fn decide(&self, state: Option<&Case>, command: Command) -> Result<Option<Event>, Rejection> {
        decide(state, &command, &self.context(NOW_US, 7))
    }

    /// The event of a command that must be accepted.
    pub(crate) fn accept(&self, state: Option<&Case>, command: Command) -> Event {
        self.decide(state, command).unwrap().unwrap()
    }

    /// What becomes of a change to a case that is there.
    pub(crate) fn ask(&self, case: &Case, change: ChangeCase) -> Result<Option<Event>, Rejection> {
        self.decide(Some(case), Command::Change(change))
    }

    /// The event of a change that must be accepted.
    pub(crate) fn change(&self, case: &Case, change: ChangeCase) -> Event {
        self.accept(Some(case), Command::Change(change))
    }

    /// Why a change that must be refused is refused.
    pub(crate) fn refuse(&self, case: &Case, change: ChangeCase) -> Rejection {
        self.ask(case, change).unwrap_err()
    }
}

/// A draft with a title and nothing else.
pub(crate) fn draft() -> CaseDraft {
    CaseDraft {
        title: title("Water damage"),
        description: None,
        priority: None,
        severity: None,
        assignee: None,
        team: None,
        reporter: None,
        tags: Tags::default(),
        custom_fields: None,
        due_time: None,
    }
}

pub(crate) fn create() -> CreateCase {
    CreateCase { draft: draft(), initial_status: None, reason: None }
}

/// A change of CASE-001, with nothing but what is to be done.
pub(crate) fn change(operation: Operation) -> ChangeCase {
    ChangeCase { case_id: case_id("CASE-001"), expected_version: None, reason: None, operation }
}

/// A move of CASE-001, with nothing but its end.
pub(crate) fn transition_to(to: &str) -> ChangeCase {
    change(Operation::Transition(move_to(to)))
}

/// A move that hands nothing over.
pub(crate) fn move_to(to: &str) -> TransitionCase {
    TransitionCase { to_status: status(to), assignee: None, team: None }
}

/// CASE-001 at version 4, with somebody and a team; closed (if it is) at its latest change.
pub(crate) fn case_in(name: &str, status_category: StatusCategory) -> Case {
    Case {
        id: case_id("CASE-001"),
        version: 4,
        status: status(name),
        status_category,
        title: title("Water damage"),
        description: None,
        priority: None,
        severity: None,
        assignee: Some(person("budi")),
        team: Some(team("claims")),
        reporter: None,
        tags: Tags::default(),
        custom_fields: None,
        due_time: None,
        create_time: time(CREATED_US),
        update_time: time(CREATED_US + 1),
        close_time: (status_category == CLOSED).then(|| time(CREATED_US + 1)),
        links: Vec::new(),
        comment_count: 0,
        entered_by: BTreeMap::from([(status(name), person("dewi"))]),
    }
}
