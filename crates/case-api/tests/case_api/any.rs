//! Any event.

use case_domain::{
    Action, CaseIdPrefix, Change, CustomFields, Event, Line, Link, LinkType, Moved, Priority, Prose, RequestContext,
    Severity, Status, StatusCategory, Tags, Timestamp, TraceContext,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Any event, whatever its action: what it changes need not fit.
pub(crate) fn any_event() -> impl Strategy<Value = Event> {
    let decided = (any_time(), select(&Action::ALL[..]), select(&CATEGORIES[..]), any::<(u64, u32)>());
    let changes = vec(any_change(), 0..8).prop_map(each_field_once);
    (decided, 1_u64.., any_request(), option::of(any_prose::<2_000>()), changes).prop_map(
        |((time, action, status_category, (case_version, lifecycle_version)), number, request, reason, changes)| {
            Event {
                case_id: CaseIdPrefix::new("CASE").unwrap().id(number),
                case_version,
                time,
                action,
                request,
                lifecycle_version,
                status_category,
                reason,
                changes,
            }
        },
    )
}

const CATEGORIES: [StatusCategory; 3] = [StatusCategory::Open, StatusCategory::Paused, StatusCategory::Closed];

fn each_field_once(mut changes: Vec<Change>) -> Vec<Change> {
    let mut seen = Vec::new();
    changes.retain(|change| {
        let is_new = !seen.contains(&change.field());
        seen.push(change.field());
        is_new
    });
    changes
}

fn any_request() -> impl Strategy<Value = RequestContext> {
    let trace = (1_u128.., 1_u64.., any::<bool>()).prop_map(|(trace_id, span_id, sampled)| TraceContext {
        trace_id: trace_id.to_be_bytes(),
        span_id: span_id.to_be_bytes(),
        sampled,
    });
    ("[!-~]{1,128}", any_line::<128>(), option::of(trace)).prop_map(|(request_id, actor, trace)| RequestContext {
        request_id: request_id.into(),
        actor,
        trace,
    })
}

fn any_change() -> impl Strategy<Value = Change> {
    let status = "[A-Z][A-Z0-9_]{0,63}".prop_map(|name| Status::new(&name).unwrap());
    prop_oneof![
        (option::of(status.clone()), status).prop_map(|(from, to)| Change::Status { from, to }),
        (option::of(any_line::<200>()), any_line::<200>()).prop_map(|(from, to)| Change::Title { from, to }),
        moved(any_prose::<16_384>()).prop_map(Change::Description),
        moved(select(&[Priority::Low, Priority::Medium, Priority::High, Priority::Urgent][..]))
            .prop_map(Change::Priority),
        moved(select(&[Severity::Low, Severity::Medium, Severity::High, Severity::Urgent][..]))
            .prop_map(Change::Severity),
        moved(any_line::<128>()).prop_map(Change::Assignee),
        moved(any_line::<128>()).prop_map(Change::Team),
        moved(any_line::<128>()).prop_map(Change::Reporter),
        moved(any_tags()).prop_map(Change::Tags),
        moved(any_fields()).prop_map(Change::CustomFields),
        moved(any_time()).prop_map(Change::DueTime),
        any_prose::<16_384>().prop_map(Change::Comment),
        moved(any_link()).prop_map(Change::Link),
    ]
}

/// Set, changed, taken away.
fn moved<T: Clone + std::fmt::Debug>(value: impl Strategy<Value = T> + Clone) -> impl Strategy<Value = Moved<T>> {
    (option::of(value.clone()), option::of(value)).prop_map(|(from, to)| Moved { from, to })
}

/// What JSON and hexadecimal digits could stumble over is among the characters.
fn any_text() -> impl Strategy<Value = String> + Clone {
    let c = prop_oneof![4 => any::<char>(), 1 => select(&['"', '\\', '/', '{', '\u{2028}', '\u{feff}', 'é', '💧'][..])];
    vec(c.prop_filter("a control character", |c| !c.is_control()), 1..40)
        .prop_map(|chars| chars.into_iter().collect::<String>())
        .prop_filter("blank", |text: &String| !text.trim().is_empty())
}

fn any_line<const MAX: usize>() -> impl Strategy<Value = Line<MAX>> + Clone {
    any_text().prop_map(|text| Line::new(&text).unwrap())
}

fn any_prose<const MAX: usize>() -> impl Strategy<Value = Prose<MAX>> + Clone {
    (any_text(), select(&["", "\n", "\r\n\t"][..])).prop_map(|(text, end)| Prose::new(&(text + end)).unwrap())
}

/// Empty tags are unset: no event has them.
fn any_tags() -> impl Strategy<Value = Tags> + Clone {
    vec(any_line::<64>(), 1..5).prop_map(|tags| Tags::new(tags).unwrap())
}

fn any_fields() -> impl Strategy<Value = CustomFields> + Clone {
    any::<i64>().prop_map(|number| CustomFields::new(&format!("{{\"n\":{number}}}")).unwrap())
}

fn any_link() -> impl Strategy<Value = Link> + Clone {
    let types = [LinkType::RelatesTo, LinkType::Duplicates, LinkType::Blocks, LinkType::ChildOf];
    (1_u64.., select(types.to_vec()))
        .prop_map(|(number, link_type)| Link { case_id: CaseIdPrefix::new("X9").unwrap().id(number), link_type })
}

fn any_time() -> impl Strategy<Value = Timestamp> + Clone {
    (Timestamp::MIN.unix_us()..=Timestamp::MAX.unix_us()).prop_map(|us| Timestamp::from_unix_us(us).unwrap())
}
