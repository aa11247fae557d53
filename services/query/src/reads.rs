//! The reads themselves: what the store says, at one position.

mod batch;
mod case;
mod history;
mod page;

use std::sync::Arc;

use case_api::{ConsistencyToken, lifecycle_to_client, pb, rejection};
use case_domain::Lifecycle;
use rpc_error::Failure;
use rusqlite::Connection;
use service_kit::clock::Clock;
use service_kit::health::Condition;
use service_kit::request::RequestMeta;
use storage::{Error, Readers};
use tracing::{Span, info, info_span};

use self::page::{Page, PageLimits};
use crate::freshness::{Freshness, LifecycleSeen, lagging};
use crate::metrics::StoreMetrics;
use crate::order::Cursor;
use crate::request::{GetQuery, ListQuery};
use crate::schema::Place;
use crate::view::Lag;
use crate::{list_sql, names, schema};

/// What an answer has beside its cases, in bytes, generously.
const ANSWER_OVERHEAD_BYTES: usize = 1_024;

/// Reads cases.
#[derive(Clone)]
pub(crate) struct Reads {
    /// For reads by key.
    pub(crate) points: Readers,
    /// For lists.
    pub(crate) lists: Readers,
    /// Waits for the projection.
    pub(crate) freshness: Freshness,
    /// Fails for good when the store is damaged.
    pub(crate) store: Condition,
    /// How long reads take.
    pub(crate) metrics: StoreMetrics,
    /// The largest answer.
    pub(crate) message_bytes_max: usize,
    /// Says how long the visit to a status has gone on.
    pub(crate) clock: Arc<dyn Clock>,
}

/// What was read in one transaction.
struct Read<T> {
    answer: T,
    as_of: String,
}

impl Reads {
    /// One case.
    ///
    /// Read on the runtime's own thread: a read by key takes microseconds, handing it over takes longer.
    pub(crate) async fn get(&self, query: GetQuery, meta: &RequestMeta) -> Result<pb::GetCaseResponse, Failure> {
        let lifecycle = self.freshness.wait(&query.tokens, meta.deadline).await?;
        let load = |connection: &Connection| {
            let projected = case::load(connection, &query.case_id)?;
            projected.map(|projected| case::show(connection, &projected.case, &lifecycle)).transpose()
        };
        let read = self.metrics.measured("load", || {
            let span = read_span("load", "cases");
            span.in_scope(|| self.points.read(|connection| at_one_place(connection, load)))
        });
        let Read { answer: case, as_of } = self.read(read, "read")?;
        let case = case.ok_or_else(|| not_found(query.case_id.as_str(), meta))?;
        Ok(pb::GetCaseResponse { case: Some(case), as_of })
    }

    /// A page of cases.
    ///
    /// Read on a blocking thread: it is a scan.
    pub(crate) async fn list(&self, query: ListQuery, meta: &RequestMeta) -> Result<pb::ListCasesResponse, Failure> {
        let lifecycle = self.freshness.wait(&query.tokens, meta.deadline).await?;
        let list = query.list;
        let (span, metrics) = (read_span("list", "cases"), self.metrics.clone());
        let listing = Listing { query, lifecycle, bytes_max: self.answer_bytes_max() };
        let read = self.lists.read_blocking(move |connection| {
            let _in_span = span.enter();
            metrics.measured("list", || at_one_place(connection, |connection| listing.page(connection)))
        });
        let Read { answer: page, as_of } = self.read(read.await, "list")?;
        let next_page_token = page.goes_on_after.map(|cursor| list.encode(&cursor)).unwrap_or_default();
        Ok(pb::ListCasesResponse { cases: page.items, next_page_token, as_of })
    }

    /// The lifecycle last received. It is in memory: without tokens there is nothing to wait for.
    pub(crate) async fn lifecycle(
        &self,
        tokens: Vec<ConsistencyToken>,
        meta: &RequestMeta,
    ) -> Result<pb::GetLifecycleResponse, Failure> {
        if !tokens.is_empty() {
            self.freshness.wait(&tokens, meta.deadline).await?;
        }
        let LifecycleSeen { version, lifecycle, as_of } = self.freshness.lifecycle()?;
        let lifecycle = Some(lifecycle_to_client(version, &lifecycle));
        Ok(pb::GetLifecycleResponse { lifecycle, as_of: as_of.encode() })
    }

    /// How much of a list an answer holds.
    const fn answer_bytes_max(&self) -> usize {
        self.message_bytes_max.saturating_sub(ANSWER_OVERHEAD_BYTES)
    }

    fn read<T>(&self, read: Result<Result<T, Lag>, Error>, operation: &'static str) -> Result<T, Failure> {
        read.map_err(|error| store_failure::failure(&error, operation, &self.store))?.map_err(lagging)
    }
}

/// Reads with the place that the answer is as of. Looked at again in the same transaction: since the freshness was judged,
/// a rebuild may have begun.
fn at_one_place<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<Result<Read<T>, Lag>, Error> {
    let Some(place) = schema::load_place(connection)? else {
        return Ok(Err(Lag { position: 0, wanted: 0 }));
    };
    if place.lag().events() > 0 {
        return Ok(Err(place.lag()));
    }
    let Place { epoch, position, .. } = place;
    let as_of = ConsistencyToken { epoch, position }.encode();
    Ok(Ok(Read { answer: work(connection)?, as_of }))
}

fn not_found(case_id: &str, meta: &RequestMeta) -> Failure {
    info!(name: names::CASE_NOT_FOUND, case_id, reason = rpc_error::Reason::CaseNotFound.as_str(), request_id = meta.request_id, "there is no case {case_id}");
    rejection::case_not_found(case_id)
}

/// A list on its way to a blocking thread.
struct Listing {
    query: ListQuery,
    lifecycle: Arc<Lifecycle>,
    bytes_max: usize,
}

impl Listing {
    fn page(&self, connection: &Connection) -> Result<Page<pb::Case, Cursor>, Error> {
        let ListQuery { filter, order, page_size, after, .. } = &self.query;
        let limits = PageLimits { items: *page_size, bytes: self.bytes_max };
        let places = list_sql::page(connection, filter, *order, after.as_ref(), limits.looked_at())?;
        let cases = places.into_iter().map(|place| {
            let case = self.case(connection, place.number.cast_unsigned())?;
            Ok((place, case))
        });
        Page::fill(cases, limits)
    }

    fn case(&self, connection: &Connection, number: u64) -> Result<pb::Case, Error> {
        let projected = schema::load_case(connection, number)?;
        let projected =
            projected.ok_or_else(|| Error::corrupt(format!("an index has case {number}, the table has not")))?;
        case::show(connection, &projected.case, &self.lifecycle)
    }
}

fn read_span(operation: &'static str, collection: &'static str) -> Span {
    info_span!(
        "store.read",
        otel.kind = "client",
        db.system.name = "sqlite",
        db.operation.name = operation,
        db.collection.name = collection,
    )
}
