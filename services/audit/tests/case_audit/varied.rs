//! Events of every action, by several people, in several traces, at times that repeat.

use case_api::event_pb::RecordedEvent;
use case_api::{SALT_BYTES, Stamp, record_event};
use case_domain::{
    Action, CaseId, CaseIdPrefix, Change, CommentBody, Event, Link, LinkType, Moved, Person, Priority, RequestContext,
    Status, StatusCategory, Timestamp, Title, TraceContext,
};

use crate::events::{CANARY, TIME_UNIX_US, event_id};

/// How many events there are: every action five times.
pub(crate) const EVENTS: u64 = 35;
/// Who acts.
pub(crate) const ACTORS: [&str; 3] = ["amira", "budi", "citra"];
/// How many events each request has made, as if clients gave the same id again.
const EVENTS_OF_A_REQUEST: u64 = 4;
/// How many events have the same time.
const EVENTS_AT_A_TIME: u64 = 3;

/// All of them.
pub(crate) fn events() -> Vec<RecordedEvent> {
    (1..=EVENTS).map(event).collect()
}

/// The microsecond of an event, by its position.
pub(crate) fn unix_us(position: u64) -> i64 {
    TIME_UNIX_US + (position / EVENTS_AT_A_TIME).cast_signed()
}

/// The request of an event.
pub(crate) fn request_id(position: u64) -> String {
    format!("request-{}", position / EVENTS_OF_A_REQUEST)
}

/// The trace of an event; every fifth has none.
pub(crate) fn trace_id(position: u64) -> Option<u128> {
    (!position.is_multiple_of(5)).then_some(0xAB00_0000_0000_0000_0000_0000_0000_0000 + u128::from(position % 3))
}

fn event(position: u64) -> RecordedEvent {
    let index = usize::try_from(position).unwrap();
    let action = Action::ALL[index % Action::ALL.len()];
    let event = Event {
        case_id: case_id(1 + position % 4),
        case_version: position,
        time: Timestamp::from_unix_us(unix_us(position)).unwrap(),
        action,
        request: RequestContext {
            request_id: request_id(position).into(),
            actor: Person::new(ACTORS[index / 2 % ACTORS.len()]).unwrap(),
            trace: trace_id(position).map(|id| TraceContext {
                trace_id: id.to_be_bytes(),
                span_id: [1; 8],
                sampled: false,
            }),
        },
        lifecycle_version: 1,
        status_category: StatusCategory::Open,
        reason: None,
        changes: vec![change(action)],
    };
    record_event(&event, Stamp { position, event_id: &event_id(position), salt: [7; SALT_BYTES] })
}

fn change(action: Action) -> Change {
    let link = || Some(Link { case_id: case_id(9), link_type: LinkType::Duplicates });
    match action {
        Action::CaseCreated => Change::Title { from: None, to: Title::new("Water damage").unwrap() },
        Action::CaseTransitioned => {
            Change::Status { from: Status::new("DRAFT").ok(), to: Status::new("SUBMITTED").unwrap() }
        }
        Action::CaseUpdated => Change::Priority(Moved { from: None, to: Some(Priority::High) }),
        Action::CaseAssigned => Change::Assignee(Moved { from: None, to: Person::new("dewi").ok() }),
        Action::CaseCommented => Change::Comment(CommentBody::new(CANARY).unwrap()),
        Action::CaseLinked => Change::Link(Moved { from: None, to: link() }),
        Action::CaseUnlinked => Change::Link(Moved { from: link(), to: None }),
    }
}

fn case_id(number: u64) -> CaseId {
    CaseIdPrefix::new("CASE").unwrap().id(number)
}
