//! Several cases at one moment.

use std::collections::HashSet;
use std::sync::Arc;

use case_api::pb;
use case_api::rejection::CASE_RESOURCE;
use case_domain::Lifecycle;
use rpc_error::{Failure, Reason};
use rusqlite::Connection;
use service_kit::request::RequestMeta;
use storage::Error;
use tracing::info;

use super::page::bytes_in_list;
use super::{Read, Reads, at_one_place, case, read_span};
use crate::freshness::Fresh;
use crate::names;
use crate::request::{BatchQuery, Wanted};

/// So many cases are read on the runtime's own thread, which takes no longer than handing them over.
const INLINE_MAX: usize = 10;
/// The most bytes of ids that an error names: statuses travel in headers, which clients bound.
const MISSING_BYTES_MAX: usize = 2_048;

/// What there is of the cases that are asked for.
enum Found {
    All(Vec<pb::Case>),
    /// Some are missing: each by the name that the caller gave it, once.
    Missing(Vec<String>),
    /// More than fits into an answer.
    TooLarge,
}

/// A batch on its way to whatever thread reads it.
struct Batch {
    wanted: Vec<Wanted>,
    lifecycle: Arc<Lifecycle>,
    bytes_max: usize,
}

impl Reads {
    /// Several cases, all or none.
    pub(crate) async fn batch(
        &self,
        query: BatchQuery,
        meta: &RequestMeta,
    ) -> Result<pb::BatchGetCasesResponse, Failure> {
        let Fresh { lifecycle, .. } = self.freshness.wait(&query.tokens, meta.deadline).await?;
        let batch = Batch { wanted: query.wanted, lifecycle, bytes_max: self.answer_bytes_max() };
        let (span, metrics) = (read_span("load_batch", "cases"), self.metrics.clone());
        let is_small = batch.wanted.len() <= INLINE_MAX;
        let work = move |connection: &Connection| {
            let _in_span = span.enter();
            metrics.measured("load_batch", || at_one_place(connection, |connection| batch.read(connection)))
        };
        let read = if is_small { self.points.read(work) } else { self.lists.read_blocking(work).await };
        let Read { answer, place } = self.read(read, "load_batch")?;
        match answer {
            Found::All(cases) => Ok(pb::BatchGetCasesResponse { cases, as_of: place.as_of() }),
            Found::Missing(missing) => Err(not_found(&missing, meta)),
            Found::TooLarge => Err(too_large(self.message_bytes_max)),
        }
    }
}

impl Batch {
    fn read(&self, connection: &Connection) -> Result<Found, Error> {
        let (mut cases, mut bytes) = (Vec::with_capacity(self.wanted.len()), 0_usize);
        let (mut missing, mut known_missing) = (Vec::new(), HashSet::new());
        for Wanted { text, case_id } in &self.wanted {
            let found = case_id.as_ref().map(|case_id| case::load(connection, case_id)).transpose()?.flatten();
            let Some(projected) = found else {
                if known_missing.insert(text) {
                    missing.push(text.clone());
                }
                continue;
            };
            // Too many bytes are not kept until it is clear that all cases are there.
            if missing.is_empty() && bytes <= self.bytes_max {
                let case = case::show(connection, &projected.case, &self.lifecycle)?;
                bytes += bytes_in_list(&case);
                cases.push(case);
            }
        }
        Ok(match (missing.is_empty(), bytes > self.bytes_max) {
            (false, _) => Found::Missing(missing),
            (true, true) => Found::TooLarge,
            (true, false) => Found::All(cases),
        })
    }
}

/// Names every missing case, as far as it has room.
fn not_found(missing: &[String], meta: &RequestMeta) -> Failure {
    let first = missing.first().map(String::as_str).unwrap_or_default();
    let (count, case_ids) = (missing.len(), joined(missing));
    info!(
        name: names::CASE_NOT_FOUND,
        case_id = first, missing = count, reason = Reason::CaseNotFound.as_str(), request_id = meta.request_id,
        "{count} cases of a batch are missing, {first} first"
    );
    let message = match count {
        1 => format!("there is no case {first:?}; check the id"),
        _ => format!("{count} of the cases do not exist, {first:?} first; check the ids (`case_ids` in the details)"),
    };
    Failure::new(Reason::CaseNotFound, message)
        .with_metadata("case_id", first)
        .with_metadata("case_ids", case_ids)
        .with_metadata("missing", count.to_string())
        .with_resource(CASE_RESOURCE, first, "no case has this id")
}

/// The names that have room, the first always: it is bounded by the syntax.
fn joined(missing: &[String]) -> String {
    let mut names = String::new();
    for name in missing {
        let separator = if names.is_empty() { "" } else { ", " };
        if !names.is_empty() && names.len() + separator.len() + name.len() > MISSING_BYTES_MAX {
            break;
        }
        names.push_str(separator);
        names.push_str(name);
    }
    names
}

fn too_large(message_bytes: usize) -> Failure {
    let text = format!("the cases have more than {message_bytes} bytes (limits.message_bytes); ask for fewer at once");
    Failure::new(Reason::MessageTooLarge, text)
        .with_metadata("cause", "message_bytes")
        .with_metadata("scope", "message")
        .with_metadata("limit", message_bytes.to_string())
        .with_quota("message", &format!("limits.message_bytes = {message_bytes}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_cases_are_named_as_far_as_there_is_room() {
        let names = |count: usize| (1..=count).map(|number| format!("CASE-{number:03}")).collect::<Vec<_>>();
        assert_eq!(joined(&names(2)), "CASE-001, CASE-002");
        let many = joined(&names(1_000));
        assert!(many.len() <= MISSING_BYTES_MAX && many.len() > MISSING_BYTES_MAX - 12);
        assert!(many.starts_with("CASE-001, ") && many.ends_with(|last: char| last.is_ascii_digit()));
    }
}
