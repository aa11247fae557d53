//! Every filter, alone and with every other one, against a plain search in memory.

use case_api::pb::{AuditEvent, AuditEventFilter, ListAuditEventsRequest, Outcome};
use prost_types::Timestamp;

use crate::system::{Audit, Surroundings};
use crate::varied::{ACTORS, EVENTS, events, request_id, trace_id, unix_us};

/// Sets one field of a filter.
type Narrow = Box<dyn Fn(&mut AuditEventFilter)>;

fn narrow(set: impl Fn(&mut AuditEventFilter) + 'static) -> Narrow {
    Box::new(set)
}

/// What each field may be asked for: something that is there, and something that is not.
fn fields() -> Vec<[Narrow; 2]> {
    let (some, late) = (12, EVENTS + 9);
    let trace = |id: u128| format!("{id:032x}");
    let there = trace(trace_id(some).unwrap());
    let nowhere = trace(7);
    vec![
        [narrow(|f| f.case_id = "CASE-001".into()), narrow(|f| f.case_id = "CASE-077".into())],
        [narrow(|f| f.actor_id = ACTORS[1].into()), narrow(|f| f.actor_id = "nobody".into())],
        [narrow(|f| f.action = "case_commented".into()), narrow(|f| f.action = "case_unlinked".into())],
        [narrow(|f| f.outcome = Outcome::Accepted.into()), narrow(|f| f.outcome = Outcome::Unspecified.into())],
        [narrow(move |f| f.time_from = time(unix_us(some))), narrow(move |f| f.time_from = time(unix_us(late)))],
        [narrow(move |f| f.time_to = time(unix_us(some + 9))), narrow(move |f| f.time_to = time(unix_us(0)))],
        [narrow(move |f| f.request_id = request_id(some)), narrow(move |f| f.request_id = request_id(late))],
        [narrow(move |f| f.trace_id.clone_from(&there)), narrow(move |f| f.trace_id.clone_from(&nowhere))],
    ]
}

#[expect(clippy::unnecessary_wraps, reason = "as the fields want it")]
fn time(unix_us: i64) -> Option<Timestamp> {
    let nanos = i32::try_from(unix_us.rem_euclid(1_000_000) * 1_000).unwrap();
    Some(Timestamp { seconds: unix_us.div_euclid(1_000_000), nanos })
}

/// What the filter means, said once more.
fn matches(filter: &AuditEventFilter, event: &AuditEvent) -> bool {
    let is = |wanted: &String, found: &String| wanted.is_empty() || wanted == found;
    let order = |time: &Option<Timestamp>| time.as_ref().map(|time| (time.seconds, time.nanos));
    is(&filter.case_id, &event.case_id)
        && is(&filter.actor_id, &event.actor_id)
        && is(&filter.action, &event.action)
        && is(&filter.request_id, &event.request_id)
        && is(&filter.trace_id.to_ascii_lowercase(), &event.trace_id)
        && (filter.outcome == 0 || filter.outcome == event.outcome)
        && (filter.time_from.is_none() || order(&filter.time_from) <= order(&event.time))
        && (filter.time_to.is_none() || order(&event.time) < order(&filter.time_to))
}

async fn page(audit: &Audit, filter: &AuditEventFilter, page_size: i32, page_token: &str) -> (Vec<AuditEvent>, String) {
    let request = ListAuditEventsRequest { filter: Some(filter.clone()), page_size, page_token: page_token.to_owned() };
    let response = audit.list(request).await.unwrap();
    (response.audit_events, response.next_page_token)
}

/// The whole list in pages of three, every page but the last a full one.
async fn in_pages(audit: &Audit, filter: &AuditEventFilter) -> Vec<AuditEvent> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let (events, next) = page(audit, filter, 3, &token).await;
        assert!(next.is_empty() || events.len() == 3, "{filter:?}");
        all.extend(events);
        token = next;
        if token.is_empty() {
            return all;
        }
    }
}

#[tokio::test]
async fn every_filter_alone_finds_its_events_in_whole_pages() {
    let (_surroundings, audit) = Surroundings::recorded(events()).await;
    let all = audit.all().await;
    for (field, values) in fields().iter().enumerate() {
        for (value, set) in values.iter().enumerate() {
            let mut filter = AuditEventFilter::default();
            set(&mut filter);
            let expected: Vec<AuditEvent> = all.iter().filter(|event| matches(&filter, event)).cloned().collect();
            // The control: the first value of each field is there; the second is not, but for those of small sets.
            let is_small_set = field == 2 || field == 3;
            assert_eq!(expected.is_empty(), value == 1 && !is_small_set, "{filter:?}");
            assert_eq!(page(&audit, &filter, 0, "").await, (expected.clone(), String::new()), "{filter:?}");
            assert_eq!(in_pages(&audit, &filter).await, expected, "{filter:?}");
        }
    }
    audit.stop().await;
}

/// Each field absent, there, or not there: 6,561 filters, of which every seventh is asked for.
#[tokio::test]
async fn filters_are_joined_by_and() {
    let (_surroundings, audit) = Surroundings::recorded(events()).await;
    let (all, fields) = (audit.all().await, fields());
    let (mut found, mut found_by_several) = (0, 0);
    for combination in (0..3_usize.pow(8)).step_by(7) {
        let mut filter = AuditEventFilter::default();
        let mut given = 0;
        for (field, values) in fields.iter().enumerate() {
            let choice = combination / 3_usize.pow(u32::try_from(field).unwrap()) % 3;
            if choice > 0 {
                values[choice - 1](&mut filter);
                given += 1;
            }
        }
        if filter
            .time_from
            .is_some_and(|from| filter.time_to.is_some_and(|to| (to.seconds, to.nanos) < (from.seconds, from.nanos)))
        {
            continue;
        }
        let expected: Vec<AuditEvent> = all.iter().filter(|event| matches(&filter, event)).cloned().collect();
        found += usize::from(!expected.is_empty());
        found_by_several += usize::from(expected.len() > 1 && given > 2);
        assert_eq!(page(&audit, &filter, 0, "").await, (expected, String::new()), "{filter:?}");
    }
    assert!(found > 20 && found_by_several > 5, "the control: {found}, {found_by_several}");
    audit.stop().await;
}

#[tokio::test]
async fn a_trace_is_found_in_either_case() {
    let (_surroundings, audit) = Surroundings::recorded(events()).await;
    let lower = format!("{:032x}", trace_id(1).unwrap());
    let of = |trace_id: String| AuditEventFilter { trace_id, ..AuditEventFilter::default() };
    let found = in_pages(&audit, &of(lower.clone())).await;
    assert!(!found.is_empty() && found.iter().all(|event| event.trace_id == lower));
    assert_eq!(in_pages(&audit, &of(lower.to_ascii_uppercase())).await, found);
    // A token of the one is a token of the other: it is the same list.
    let (_, token) = page(&audit, &of(lower.clone()), 1, "").await;
    let (next, _) = page(&audit, &of(lower.to_ascii_uppercase()), 1, &token).await;
    assert_eq!(next, found[1..2]);
    audit.stop().await;
}

#[tokio::test]
async fn a_page_token_belongs_to_every_field_of_its_filter() {
    let (_surroundings, audit) = Surroundings::recorded(events()).await;
    for values in fields() {
        let [mut filter, mut other] = [AuditEventFilter::default(), AuditEventFilter::default()];
        values[0](&mut filter);
        values[1](&mut other);
        let (_, page_token) = page(&audit, &filter, 1, "").await;
        assert_ne!(page_token, "", "{filter:?}");
        for other in [other, AuditEventFilter::default()] {
            let request = ListAuditEventsRequest { filter: Some(other), page_size: 1, page_token: page_token.clone() };
            let refused = audit.list(request).await.unwrap_err();
            assert!(refused.message().contains("another filter"), "{filter:?}: {}", refused.message());
        }
    }
    audit.stop().await;
}
