//! What was recorded of every case: audit events and timelines.

use std::collections::HashSet;

use case_api::pb;
use futures_util::{StreamExt, TryStreamExt, stream};
use service_kit::exit::Exit;
use tokio::time::Instant;

use crate::replay::caller::{Caller, Stopped};
use crate::replay::drive::Driven;
use crate::replay::history::{Recorded, changes_of, difference};
use crate::replay::meter::Meter;

use super::{Check, Scope};

/// The largest page that the services give.
const PAGE_SIZE: i32 = 1_000;

/// Reads the audit events of every case. The audit log follows the commands, so it is given time, once for all cases.
pub(super) async fn check_audit(
    caller: &Caller<'_>,
    scope: &Scope<'_>,
    meter: &Meter,
    check: &mut Check,
) -> Result<(), Exit> {
    let settled_by = Instant::now() + caller.patience();
    let reads = stream::iter(0..scope.driven.len()).map(|at| audited(caller, &scope.driven[at], settled_by));
    let mut reads = reads.buffer_unordered(scope.concurrency);
    let mut indexes = HashSet::new();
    while let Some((case, events)) =
        reads.try_next().await.map_err(|stopped| stopped.exit("cannot read the audit log back"))?
    {
        for event in &events {
            check.audit_events += 1;
            if !indexes.insert(event.index()) {
                check.differ(format!("{}: the audit log has two events at index {}", case.case_id, event.index()));
            }
        }
        let recorded: Vec<Recorded> = events.into_iter().map(Recorded::from).collect();
        count_statuses(check, &recorded);
        note_difference(check, case, "in the audit log", &recorded);
        meter.tick();
    }
    let ends = indexes.iter().min().zip(indexes.iter().max());
    check.audit_contiguous = ends.is_some_and(|(first, last)| last - first + 1 == indexes.len() as u64);
    Ok(())
}

/// Reads the timeline of every case.
pub(super) async fn check_timelines(
    caller: &Caller<'_>,
    scope: &Scope<'_>,
    meter: &Meter,
    check: &mut Check,
) -> Result<(), Exit> {
    let reads = stream::iter(0..scope.driven.len()).map(|at| timeline(caller, &scope.driven[at], &scope.token));
    let mut reads = reads.buffer_unordered(scope.concurrency);
    let mut count = 0;
    while let Some((case, entries)) =
        reads.try_next().await.map_err(|stopped| stopped.exit("cannot read the timelines back"))?
    {
        note_difference(check, case, "in the timeline", &entries);
        count += 1;
        meter.tick();
    }
    check.timelines = Some(count);
    Ok(())
}

fn note_difference(check: &mut Check, case: &Driven<'_>, place: &str, recorded: &[Recorded]) {
    if let Some(difference) = difference(case.record, recorded) {
        check.differ(format!("{} ({}) {place}: {difference}", case.case_id, case.record.external_id));
    }
}

fn count_statuses(check: &mut Check, recorded: &[Recorded]) {
    for (from, to) in recorded.iter().filter_map(|change| change.status.clone()) {
        if from.is_empty() {
            *check.initial_statuses.entry(to).or_default() += 1;
        } else {
            *check.transitions.entry((from, to)).or_default() += 1;
        }
    }
}

/// The audit events of a case, as soon as there are enough of them.
async fn audited<'c, 'r>(
    caller: &Caller<'_>,
    case: &'c Driven<'r>,
    settled_by: Instant,
) -> Result<(&'c Driven<'r>, Vec<pb::AuditEvent>), Stopped> {
    let wanted = changes_of(case.record);
    for attempt in 0.. {
        let events = audit_events(caller, &case.case_id).await?;
        let delay = caller.delay(attempt);
        if events.len() as u64 >= wanted || Instant::now() + delay >= settled_by {
            return Ok((case, events));
        }
        tokio::time::sleep(delay).await;
    }
    Ok((case, Vec::new()))
}

async fn audit_events(caller: &Caller<'_>, case_id: &str) -> Result<Vec<pb::AuditEvent>, Stopped> {
    let filter = pb::AuditEventFilter { case_id: case_id.to_owned(), ..pb::AuditEventFilter::default() };
    let mut message =
        pb::ListAuditEventsRequest { filter: Some(filter), page_size: PAGE_SIZE, page_token: String::new() };
    let mut events = Vec::new();
    loop {
        let page = caller.audit_events(&message).await?;
        events.extend(page.audit_events);
        if page.next_page_token.is_empty() {
            return Ok(events);
        }
        message.page_token = page.next_page_token;
    }
}

async fn timeline<'c, 'r>(
    caller: &Caller<'_>,
    case: &'c Driven<'r>,
    token: &str,
) -> Result<(&'c Driven<'r>, Vec<Recorded>), Stopped> {
    let mut message = pb::GetCaseTimelineRequest {
        case_id: case.case_id.clone(),
        page_size: PAGE_SIZE,
        page_token: String::new(),
        consistency: Some(pb::Consistency { at_least_as_fresh: vec![token.to_owned()] }),
    };
    let mut entries = Vec::new();
    loop {
        let page = caller.timeline(&message).await?;
        entries.extend(page.entries.into_iter().map(Recorded::from));
        if page.next_page_token.is_empty() {
            return Ok((case, entries));
        }
        message.page_token = page.next_page_token;
    }
}
