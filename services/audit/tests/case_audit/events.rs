//! Events as case-command writes them.

use case_api::event_pb::RecordedEvent;
use case_api::{SALT_BYTES, Stamp, record_event};
use case_domain::{
    Action, CaseIdPrefix, Change, Event, Person, Reason, RequestContext, Status, StatusCategory, Timestamp, Title,
    TraceContext,
};

/// Free text that must not be found where it can never be forgotten.
pub(crate) const CANARY: &str = "canary of Mrs. Adeyemi";

/// When the events begin, one each microsecond: 2026-11-23T09:30:00Z.
pub(crate) const TIME_UNIX_US: i64 = 1_795_426_200_000_000;

/// The trace of every event.
pub(crate) const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";

/// What distinguishes one event from another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happened {
    pub(crate) position: u64,
    pub(crate) case_number: u64,
    pub(crate) case_version: u64,
}

/// Events from position 1 on: each of `cases` is created, then moved, one after the other.
pub(crate) fn of_cases(cases: u64) -> Vec<RecordedEvent> {
    let all = (1..=cases).flat_map(|case_number| [(case_number, 1), (case_number, 2)]);
    all.zip(1..)
        .map(|((case_number, case_version), position)| record(Happened { position, case_number, case_version }))
        .collect()
}

/// One event: the first version of a case is its creation, every other one a move with a reason.
pub(crate) fn record(happened: Happened) -> RecordedEvent {
    let Happened { position, case_number, case_version } = happened;
    let is_new = case_version == 1;
    let status = Change::Status {
        from: (!is_new).then(|| Status::new("DRAFT").unwrap()),
        to: Status::new(if is_new { "DRAFT" } else { "CANCELLED" }).unwrap(),
    };
    let title = Change::Title { from: None, to: Title::new(CANARY).unwrap() };
    let event = Event {
        case_id: CaseIdPrefix::new("CASE").unwrap().id(case_number),
        case_version,
        time: Timestamp::from_unix_us(TIME_UNIX_US + i64::try_from(position).unwrap()).unwrap(),
        action: if is_new { Action::CaseCreated } else { Action::CaseTransitioned },
        request: RequestContext {
            request_id: format!("request-{position}").as_str().into(),
            actor: Person::new("amira").unwrap(),
            trace: Some(TraceContext { trace_id: trace_id(), span_id: [1; 8], sampled: true }),
        },
        lifecycle_version: 3,
        status_category: if is_new { StatusCategory::Open } else { StatusCategory::Closed },
        reason: (!is_new).then(|| Reason::new(&format!("duplicate, says the {CANARY}")).unwrap()),
        changes: if is_new { vec![status, title] } else { vec![status] },
    };
    record_event(&event, Stamp { position, event_id: &event_id(position), salt: [7; SALT_BYTES] })
}

/// The id of the event at a position.
pub(crate) fn event_id(position: u64) -> String {
    format!("01938f5c-4b3a-7000-8000-{position:012x}")
}

fn trace_id() -> [u8; 16] {
    u128::from_str_radix(TRACE_ID, 16).unwrap().to_be_bytes()
}
