//! What happens to cases, as case-command would write it.

use std::collections::BTreeMap;

use case_api::event_pb::{LifecycleDefinition, RecordedEvent};
use case_api::{SALT_BYTES, Stamp, lifecycle_to_pb, record_event};
use case_domain::{
    AssignCase, Case, CaseDraft, CaseIdPrefix, ChangeCase, Command, CreateCase, DecisionContext, Edit, Lifecycle, Line,
    Link, LinkType, Operation, Person, Priority, Prose, RequestContext, Status, Tags, Timestamp, TraceContext,
    TransitionCase, decide, evolve,
};

/// When the first event happens: 2026-11-23T09:30:00Z. Two events each microsecond, so that equal times occur.
pub(crate) const TIME_UNIX_US: i64 = 1_795_426_200_000_000;

/// Decides commands as the domain does, and keeps the events.
pub(crate) struct History {
    pub(crate) events: Vec<RecordedEvent>,
    pub(crate) cases: BTreeMap<u64, Case>,
    lifecycle: Lifecycle,
    waited_us: i64,
}

pub(crate) fn lifecycle() -> Lifecycle {
    lifecycle_file::default_lifecycle()
}

pub(crate) fn lifecycle_definition() -> LifecycleDefinition {
    lifecycle_to_pb(1, &lifecycle())
}

impl History {
    pub(crate) fn new() -> Self {
        Self { events: Vec::new(), cases: BTreeMap::new(), lifecycle: lifecycle(), waited_us: 0 }
    }

    /// A history of so many new cases.
    pub(crate) fn of_cases(count: u64) -> Self {
        let mut history = Self::new();
        for number in 1..=count {
            history.create(&format!("case {number}"));
        }
        history
    }

    /// The last position.
    pub(crate) fn head(&self) -> u64 {
        self.events.len() as u64
    }

    /// Opens a case, whose number says what is in it.
    pub(crate) fn create(&mut self, title: &str) -> &Case {
        let number = self.cases.len() as u64 + 1;
        let nth = usize::try_from(number).unwrap();
        let person = |name: &str| Some(Person::new(name).unwrap());
        let draft = CaseDraft {
            title: Line::new(title).unwrap(),
            description: Some(Prose::new("Wet floor,\nwet walls.").unwrap()),
            priority: [None, Some(Priority::High)][nth % 2],
            severity: None,
            assignee: [None, person("amira"), person("budi")][nth % 3].clone(),
            team: None,
            reporter: person("citra"),
            tags: Tags::new([Line::new(["water", "fire"][nth % 2]).unwrap()]).unwrap(),
            custom_fields: None,
            due_time: None,
        };
        self.decide(number, &Command::CreateCase(CreateCase { draft, initial_status: None, reason: None }))
    }

    /// Moves a case.
    pub(crate) fn transition(&mut self, number: u64, to_status: &str) -> &Case {
        let to_status = Status::new(to_status).unwrap();
        self.change(number, Operation::Transition(TransitionCase { to_status, assignee: None, team: None }))
    }

    /// Hands a case over, to nobody or somebody.
    pub(crate) fn assign(&mut self, number: u64, assignee: Option<&str>) -> &Case {
        let assignee = assignee.map(|name| Person::new(name).unwrap());
        self.change(number, Operation::Assign(AssignCase { assignee, team: None }))
    }

    /// Changes fields of a case.
    pub(crate) fn update(&mut self, number: u64, edits: Vec<Edit>) -> &Case {
        self.change(number, Operation::Update(edits))
    }

    /// Makes a remark.
    pub(crate) fn comment(&mut self, number: u64, body: &str) -> &Case {
        self.change(number, Operation::Comment(Prose::new(body).unwrap()))
    }

    /// Connects a case to another one.
    pub(crate) fn link(&mut self, number: u64, link_type: LinkType, other: u64) -> &Case {
        let case_id = self.cases[&other].id.clone();
        self.change(number, Operation::Link(Link { case_id, link_type }))
    }

    /// Takes a connection away.
    pub(crate) fn unlink(&mut self, number: u64, link_type: LinkType, other: u64) -> &Case {
        let case_id = self.cases[&other].id.clone();
        self.change(number, Operation::Unlink(Link { case_id, link_type }))
    }

    /// Time goes by before the next event.
    pub(crate) fn wait(&mut self, us: i64) {
        self.waited_us += us;
    }

    fn change(&mut self, number: u64, operation: Operation) -> &Case {
        let command = ChangeCase {
            case_id: self.cases[&number].id.clone(),
            expected_version: None,
            reason: Some(Prose::new("because").unwrap()),
            operation,
        };
        self.decide(number, &Command::Change(command))
    }

    fn decide(&mut self, number: u64, command: &Command) -> &Case {
        let position = self.head() + 1;
        let request = RequestContext {
            request_id: format!("request-{position}").as_str().into(),
            actor: Person::new("amira").unwrap(),
            trace: Some(TraceContext { trace_id: trace_id(position), span_id: [1; 8], sampled: true }),
        };
        let context = DecisionContext {
            now: Timestamp::from_unix_us(TIME_UNIX_US + self.waited_us + position.cast_signed() / 2).unwrap(),
            request: &request,
            lifecycle: &self.lifecycle,
            lifecycle_version: 1,
            case_id_prefix: &CaseIdPrefix::new("CASE").unwrap(),
            next_case_number: number,
            linked_case_exists: true,
        };
        let before = self.cases.remove(&number);
        let event = decide(before.as_ref(), command, &context).unwrap().unwrap();
        let event_id = format!("01938f5c-4b3a-7000-8000-{position:012x}");
        self.events.push(record_event(&event, Stamp { position, event_id: &event_id, salt: [7; SALT_BYTES] }));
        self.cases.entry(number).or_insert(evolve(before, &event).unwrap())
    }
}

/// The trace of the request behind the event at a position.
pub(crate) fn trace_id(position: u64) -> [u8; 16] {
    (0xcafe_0000_0000_0000_u128 + u128::from(position)).to_be_bytes()
}
