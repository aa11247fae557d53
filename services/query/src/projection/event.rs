//! What one event makes of the read model.

use std::collections::HashSet;

use case_api::{RecordError, Recorded, event_from_record, shown_changes};
use case_domain::{CaseId, Change, Moved, evolve};
use event_feed::{Delivered, Halt};
use rusqlite::Connection;
use storage::Error;
use tracing::{Span, info_span};

use super::Stopped;
use super::fold::Fold;
use crate::schema::Earlier;
use crate::stored::Projected;
use crate::stored_entry::encode_entry;
use crate::{history_sql, link_sql};

/// Projects one event: its case, its entry in the timeline, and what it says of other cases. Notes the numbers of the cases
/// that show something else now.
///
/// The case itself is in `fold` afterwards, and in its table only if the event has a span.
pub(super) fn project(
    connection: &Connection,
    event: Delivered<'_>,
    (fold, changed): (&mut Fold, &mut HashSet<u64>),
) -> Result<(), Stopped> {
    let position = event.evidence.position;
    let recorded = event_from_record(event.record).map_err(|error| unreadable(position, error))?;
    let shown = shown_changes(event.record).map_err(|error| unreadable(position, error))?;
    let before = fold.load(connection, recorded.event.case_id.number())?;
    let is_new_to_the_batch = |_: &&Projected| !fold.knows(recorded.event.case_id.number());
    let earlier = before.as_ref().filter(is_new_to_the_batch).map(|before| Earlier::of(&before.case));
    let after = next(before, &recorded)?;
    let (id, version, comments) = (after.case.id.clone(), after.case.version, after.case.comment_count);
    let entry = encode_entry(&recorded.event, shown);
    fold.change(earlier, after);
    changed.extend(shows_something_else(&recorded));
    save_span(event.is_traced).in_scope(|| {
        if event.is_traced {
            fold.write_now(connection, id.number())?;
        }
        history_sql::add_entry(connection, position, (id.number(), version), &entry)?;
        save_changes(connection, (&id, comments), &recorded)
    })?;
    Ok(())
}

fn unreadable(position: u64, error: RecordError) -> Halt {
    let reason = format!(
        "the event at position {position} cannot be read: this program may be older than case-command; deploy \
         consumers first"
    );
    Halt::caused_by(reason, error)
}

/// The case after the event, and how long it has been in each status.
fn next(before: Option<Projected>, recorded: &Recorded) -> Result<Projected, Halt> {
    let (before, mut status_times) = before.map(|before| (before.case, before.status_times)).unzip();
    let event = &recorded.event;
    let case = evolve(before, event).map_err(|error| {
        let reason = format!(
            "the event at position {} does not follow from the read model: stop the service and delete the files of \
             query.store, and it is built anew",
            recorded.position
        );
        Halt::caused_by(reason, error)
    })?;
    let mut status_times = status_times.take().unwrap_or_default();
    for change in &event.changes {
        if let Change::Status { to, .. } = change {
            status_times.enter(to, event.time);
        }
    }
    Ok(Projected { case, status_times })
}

/// The case itself, and those that a link has come to or gone from.
fn shows_something_else(recorded: &Recorded) -> impl Iterator<Item = u64> {
    let others = recorded.event.changes.iter().filter_map(|change| match change {
        Change::Link(Moved { from, to }) => Some([from, to].into_iter().flatten().map(|link| link.case_id.number())),
        Change::Comment(_)
        | Change::Status { .. }
        | Change::Title { .. }
        | Change::Description(_)
        | Change::Priority(_)
        | Change::Severity(_)
        | Change::Assignee(_)
        | Change::Team(_)
        | Change::Reporter(_)
        | Change::Tags(_)
        | Change::CustomFields(_)
        | Change::DueTime(_) => None,
    });
    std::iter::once(recorded.event.case_id.number()).chain(others.flatten())
}

/// What stands in tables of its own.
fn save_changes(
    connection: &Connection,
    (id, comment_count): (&CaseId, u64),
    recorded: &Recorded,
) -> Result<(), Error> {
    for change in &recorded.event.changes {
        match change {
            Change::Comment(_) => {
                let comment = (id.number(), comment_count);
                history_sql::add_comment(connection, recorded.position, comment)?;
            }
            Change::Link(moved) => link_sql::save(connection, id, moved)?,
            Change::Status { .. }
            | Change::Title { .. }
            | Change::Description(_)
            | Change::Priority(_)
            | Change::Severity(_)
            | Change::Assignee(_)
            | Change::Team(_)
            | Change::Reporter(_)
            | Change::Tags(_)
            | Change::CustomFields(_)
            | Change::DueTime(_) => {}
        }
    }
    Ok(())
}

fn save_span(is_traced: bool) -> Span {
    if is_traced {
        info_span!(
            "query.store.save",
            otel.kind = "client",
            db.system.name = "sqlite",
            db.operation.name = "save",
            db.collection.name = "cases",
        )
    } else {
        Span::none()
    }
}
