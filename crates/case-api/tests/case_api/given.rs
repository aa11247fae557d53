//! One event of each action. Between them they change every field, in every way: set, changed, taken away.

use case_domain::{
    Action, CaseId, Change, CommentBody, CustomFields, Event, Line, Link, LinkType, Moved, Person, Priority, Prose,
    Reason, RequestContext, Severity, Status, StatusCategory, Tag, Tags, Timestamp, Title, TraceContext,
};

/// 2026-11-23T09:30:00.25Z
pub(crate) const TIME_UNIX_US: i64 = 1_795_426_200_250_000;

/// The events, in the order of [`Action::ALL`].
pub(crate) fn events() -> [Event; Action::ALL.len()] {
    [created(), transitioned(), updated(), assigned(), commented(), linked(), unlinked()]
}

fn event(action: Action, case_version: u64, changes: Vec<Change>) -> Event {
    Event {
        case_id: case_id("CASE-001"),
        case_version,
        time: time(TIME_UNIX_US),
        action,
        request: RequestContext {
            request_id: "req-1".into(),
            actor: line("amira"),
            trace: Some(TraceContext { trace_id: [0x0a; 16], span_id: [0xb7; 8], sampled: true }),
        },
        lifecycle_version: 3,
        status_category: StatusCategory::Open,
        reason: None,
        changes,
    }
}

fn created() -> Event {
    let changes = vec![
        Change::Status { from: None, to: status("DRAFT") },
        Change::Title { from: None, to: line("Water damage, unit 4") },
        Change::Description(set(prose("Since Monday.\nZoë called \u{1f4a7}"))),
        Change::Priority(set(Priority::High)),
        Change::Severity(set(Severity::Urgent)),
        Change::Assignee(set(line("budi"))),
        Change::Team(set(line("claims"))),
        Change::Reporter(set(line("Zoë \"Z\""))),
        Change::Tags(set(tags(&["water", "a\\b"]))),
        Change::CustomFields(set(fields(r#"{"floor":4,"insured":true,"tenant":"Mrs. Adeyemi"}"#))),
        Change::DueTime(set(time(TIME_UNIX_US + 1))),
    ];
    event(Action::CaseCreated, 1, changes)
}

/// Without a trace, at the ends of the numbers.
fn transitioned() -> Event {
    let changes = vec![
        Change::Status { from: Some(status("IN_REVIEW")), to: status("CANCELLED") },
        Change::Assignee(unset(line("budi"))),
        Change::Team(set(line("archive"))),
    ];
    let event = event(Action::CaseTransitioned, u64::MAX, changes);
    Event {
        time: Timestamp::MIN,
        request: RequestContext { trace: None, ..event.request },
        lifecycle_version: u32::MAX,
        status_category: StatusCategory::Closed,
        reason: Reason::new("duplicate of CASE-002").ok(),
        ..event
    }
}

fn updated() -> Event {
    let changes = vec![
        Change::Title { from: Some(line("Water damage, unit 4")), to: line("Water damage, units 4 and 5") },
        Change::Description(unset(prose("Since Monday."))),
        Change::Priority(Moved { from: Some(Priority::Low), to: Some(Priority::Medium) }),
        Change::Severity(unset(Severity::Medium)),
        Change::Reporter(Moved { from: Some(line("budi")), to: Some(line("citra")) }),
        Change::Tags(unset(tags(&["water"]))),
        Change::CustomFields(Moved { from: Some(fields(r#"{"floor":4}"#)), to: Some(fields(r#"{"floor":5}"#)) }),
        Change::DueTime(unset(time(-1))),
    ];
    Event { status_category: StatusCategory::Paused, ..event(Action::CaseUpdated, 3, changes) }
}

fn assigned() -> Event {
    let changes = vec![
        Change::Assignee(Moved { from: Some(line("budi")), to: Some(line("citra")) }),
        Change::Team(unset(line("claims"))),
    ];
    Event { reason: Reason::new("on leave").ok(), ..event(Action::CaseAssigned, 4, changes) }
}

fn commented() -> Event {
    event(Action::CaseCommented, 5, vec![Change::Comment(CommentBody::new("Plumber booked.\nTuesday.").unwrap())])
}

fn linked() -> Event {
    let link = Link { case_id: case_id("CASE-002"), link_type: LinkType::Duplicates };
    event(Action::CaseLinked, 6, vec![Change::Link(set(link))])
}

fn unlinked() -> Event {
    let link = Link { case_id: case_id("CASE-1000"), link_type: LinkType::ChildOf };
    Event { reason: Reason::new("a mistake").ok(), ..event(Action::CaseUnlinked, 7, vec![Change::Link(unset(link))]) }
}

fn set<T>(to: T) -> Moved<T> {
    Moved { from: None, to: Some(to) }
}

fn unset<T>(from: T) -> Moved<T> {
    Moved { from: Some(from), to: None }
}

pub(crate) fn case_id(text: &str) -> CaseId {
    CaseId::parse(text).unwrap()
}

pub(crate) fn line<const MAX: usize>(text: &str) -> Line<MAX> {
    Line::new(text).unwrap()
}

pub(crate) fn prose<const MAX: usize>(text: &str) -> Prose<MAX> {
    Prose::new(text).unwrap()
}

pub(crate) fn status(name: &str) -> Status {
    Status::new(name).unwrap()
}

fn tags(names: &[&str]) -> Tags {
    Tags::new(names.iter().map(|name| Tag::new(name).unwrap())).unwrap()
}

fn fields(json: &str) -> CustomFields {
    CustomFields::new(json).unwrap()
}

fn time(unix_us: i64) -> Timestamp {
    Timestamp::from_unix_us(unix_us).unwrap()
}

#[test]
fn every_action_and_every_field_is_there() {
    let actions = events().map(|event| event.action);
    assert_eq!(actions, Action::ALL);
    let title: Title = line("t");
    let person: Person = line("p");
    assert_eq!((title.as_str(), person.as_str()), ("t", "p"));
}
