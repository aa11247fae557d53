//! What has happened to a case: its comments and its timeline, in pages.

use case_api::pb;
use case_domain::CaseId;
use rpc_error::Failure;
use rusqlite::Connection;
use service_kit::request::RequestMeta;
use storage::Error;

use super::page::{Page, PageLimits};
use super::{Read, Reads, at_one_place, case, not_found, read_span};
use crate::history_sql::{self, Part};
use crate::order::{Cursor, SortValue};
use crate::page_token::ListDigest;
use crate::request::HistoryQuery;
use crate::status_times::StatusTimes;
use crate::stored::Projected;

const US_PER_S: i64 = 1_000_000;
const NS_PER_US: i64 = 1_000;

/// Part of a history of a case on its way to a blocking thread.
#[derive(Debug, Clone, Copy)]
struct Asked {
    after: u64,
    limits: PageLimits,
}

impl Reads {
    /// A page of comments.
    pub(crate) async fn comments(
        &self,
        query: HistoryQuery,
        meta: &RequestMeta,
    ) -> Result<pb::ListCommentsResponse, Failure> {
        let list = query.list;
        let work = |connection: &Connection, Projected { case, .. }: Projected, asked: Asked| {
            history_sql::comments(connection, asked.part(&case.id), |comments| {
                let shown = comments.map(|comment| {
                    let (number, entry) = comment?;
                    Ok((number, entry.into_comment(case.id.as_str(), number)?))
                });
                Page::fill(shown, asked.limits)
            })
        };
        let Read { answer: page, place } = self.history(query, ("list_comments", "comments"), meta, work).await?;
        let next_page_token = next_page_token(list, page.goes_on_after);
        Ok(pb::ListCommentsResponse { comments: page.items, next_page_token, as_of: place.as_of() })
    }

    /// A page of the timeline, and how long the case has been in each status up to now.
    pub(crate) async fn timeline(
        &self,
        query: HistoryQuery,
        meta: &RequestMeta,
    ) -> Result<pb::GetCaseTimelineResponse, Failure> {
        let list = query.list;
        let work = |connection: &Connection, Projected { case, status_times }: Projected, asked: Asked| {
            let page = history_sql::entries(connection, asked.part(&case.id), |entries| {
                let shown = entries.map(|entry| {
                    let (case_version, entry) = entry?;
                    Ok((case_version, entry.into_entry(case_version)?))
                });
                Page::fill(shown, asked.limits)
            });
            Ok((page?, status_times))
        };
        let read = self.history(query, ("list_timeline", "timeline_entries"), meta, work).await?;
        let Read { answer: (page, status_times), place } = read;
        let time_in_status = time_in_status(&status_times, self.clock.unix_us());
        let next_page_token = next_page_token(list, page.goes_on_after);
        Ok(pb::GetCaseTimelineResponse { entries: page.items, time_in_status, next_page_token, as_of: place.as_of() })
    }

    /// Reads something of a case that exists, on a blocking thread: it is a scan.
    async fn history<T: Send + 'static>(
        &self,
        query: HistoryQuery,
        (operation, collection): (&'static str, &'static str),
        meta: &RequestMeta,
        work: impl FnOnce(&Connection, Projected, Asked) -> Result<T, Error> + Send + 'static,
    ) -> Result<Read<T>, Failure> {
        self.freshness.wait(&query.tokens, meta.deadline).await?;
        let HistoryQuery { case_id, page_size, after, .. } = query;
        let asked = Asked { after, limits: PageLimits { items: page_size, bytes: self.answer_bytes_max() } };
        let (span, metrics, wanted) = (read_span(operation, collection), self.metrics.clone(), case_id.clone());
        let read = self.lists.read_blocking(move |connection| {
            let _in_span = span.enter();
            let read = |connection: &Connection| {
                let projected = case::load(connection, &wanted)?;
                projected.map(|projected| work(connection, projected, asked)).transpose()
            };
            metrics.measured(operation, || at_one_place(connection, read))
        });
        let Read { answer, place } = self.read(read.await, operation)?;
        let answer = answer.ok_or_else(|| not_found(case_id.as_str(), meta))?;
        Ok(Read { answer, place })
    }
}

impl Asked {
    const fn part(self, case_id: &CaseId) -> Part {
        Part { number: case_id.number(), after: self.after, limit: self.limits.looked_at() }
    }
}

fn next_page_token(list: ListDigest, goes_on_after: Option<u64>) -> String {
    let cursor = goes_on_after.map(|number| {
        let number = number.cast_signed();
        Cursor { key: SortValue::Number(number), number }
    });
    cursor.map(|cursor| list.encode(&cursor)).unwrap_or_default()
}

fn time_in_status(times: &StatusTimes, now_us: i64) -> Vec<pb::TimeInStatus> {
    let shown = times
        .at(now_us)
        .map(|(status, us)| pb::TimeInStatus { status: status.to_string(), duration: Some(duration(us)) });
    shown.collect()
}

fn duration(us: i64) -> prost_types::Duration {
    // What is left of a second is below 10^9 nanoseconds.
    let nanos = i32::try_from(us % US_PER_S * NS_PER_US).unwrap_or_default();
    prost_types::Duration { seconds: us / US_PER_S, nanos }
}
