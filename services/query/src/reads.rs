//! The reads themselves: what the store says, at one position.

use std::sync::Arc;

use case_api::{ConsistencyToken, case_to_pb, pb, rejection};
use case_domain::{CaseId, Lifecycle};
use prost::Message as _;
use rpc_error::Failure;
use rusqlite::Connection;
use service_kit::health::Condition;
use service_kit::request::RequestMeta;
use storage::{Error, Readers};
use tracing::{Span, info, info_span};

use crate::filter::{Cursor, Filter, Order};
use crate::freshness::{Freshness, lagging};
use crate::metrics::StoreMetrics;
use crate::request::{GetQuery, ListQuery};
use crate::schema::Place;
use crate::view::Lag;
use crate::{list_sql, names, schema};

/// What an answer has beside its cases, in bytes, generously.
const ANSWER_OVERHEAD_BYTES: usize = 1_024;
/// What a case in a list has beside itself, in bytes: tag and length.
const CASE_OVERHEAD_BYTES: usize = 6;

/// Reads cases.
#[derive(Debug, Clone)]
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
}

/// What was read in one transaction.
struct Read<T> {
    answer: T,
    as_of: String,
}

/// Cases of one page.
struct Page {
    cases: Vec<pb::Case>,
    /// Behind which case the list goes on, if it does.
    goes_on_after: Option<Cursor>,
}

impl Reads {
    /// One case.
    ///
    /// Read on the runtime's own thread: a read by key takes microseconds, handing it over takes longer.
    pub(crate) async fn get(&self, query: GetQuery, meta: &RequestMeta) -> Result<pb::GetCaseResponse, Failure> {
        let lifecycle = self.freshness.wait(&query.tokens, meta.deadline).await?;
        let read = self.metrics.measured("load", || {
            read_span("load").in_scope(|| {
                self.points.read(|connection| at_one_place(connection, |connection| load(connection, &query.case_id)))
            })
        });
        let Read { answer: case, as_of } = self.read(read, "read")?;
        let case = case.ok_or_else(|| {
            let case_id = query.case_id.as_str();
            info!(name: names::CASE_NOT_FOUND, case_id, request_id = meta.request_id, "there is no case {case_id}");
            rejection::case_not_found(case_id)
        })?;
        Ok(pb::GetCaseResponse { case: Some(case_to_pb(&case, &lifecycle)), as_of })
    }

    /// A page of cases.
    ///
    /// Read on a blocking thread: it is a scan.
    pub(crate) async fn list(&self, query: ListQuery, meta: &RequestMeta) -> Result<pb::ListCasesResponse, Failure> {
        let lifecycle = self.freshness.wait(&query.tokens, meta.deadline).await?;
        let list = query.list;
        let (span, metrics) = (read_span("list"), self.metrics.clone());
        let bytes_max = self.message_bytes_max.saturating_sub(ANSWER_OVERHEAD_BYTES);
        let listing = Listing { query, lifecycle, bytes_max };
        let read = self.lists.read_blocking(move |connection| {
            let _in_span = span.enter();
            metrics.measured("list", || at_one_place(connection, |connection| listing.page(connection)))
        });
        let Read { answer: page, as_of } = self.read(read.await, "list")?;
        let next_page_token = page.goes_on_after.map(|cursor| list.encode(cursor)).unwrap_or_default();
        Ok(pb::ListCasesResponse { cases: page.cases, next_page_token, as_of })
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

/// A number is given once, but the prefix of ids can be changed: the text decides whether it is this case.
fn load(connection: &Connection, case_id: &CaseId) -> Result<Option<case_domain::Case>, Error> {
    Ok(schema::load_case(connection, case_id.number())?.filter(|case| case.id == *case_id))
}

/// A list on its way to a blocking thread.
struct Listing {
    query: ListQuery,
    lifecycle: Arc<Lifecycle>,
    bytes_max: usize,
}

impl Listing {
    /// As many cases as the caller wants and the answer holds; at least one, however large, if there is any.
    fn page(&self, connection: &Connection) -> Result<Page, Error> {
        let ListQuery { filter, order, page_size, after, .. } = &self.query;
        let places = places(connection, filter, *order, *after, *page_size)?;
        let mut page = Page { cases: Vec::new(), goes_on_after: None };
        let (mut bytes, mut last) = (0, None);
        for place in places {
            let case = self.case(connection, place)?;
            bytes += case.encoded_len() + CASE_OVERHEAD_BYTES;
            let is_full = page.cases.len() == *page_size || bytes > self.bytes_max;
            if is_full && last.is_some() {
                page.goes_on_after = last;
                break;
            }
            page.cases.push(case);
            last = Some(place);
        }
        Ok(page)
    }

    fn case(&self, connection: &Connection, place: Cursor) -> Result<pb::Case, Error> {
        let number = place.number.cast_unsigned();
        let case = schema::load_case(connection, number)?;
        let case = case.ok_or_else(|| Error::corrupt(format!("an index has case {number}, the table has not")))?;
        Ok(case_to_pb(&case, &self.lifecycle))
    }
}

/// One more than the page has: whether the list goes on.
fn places(
    connection: &Connection,
    filter: &Filter,
    order: Order,
    after: Option<Cursor>,
    page_size: usize,
) -> Result<Vec<Cursor>, Error> {
    list_sql::page(connection, filter, order, after, page_size + 1)
}

fn read_span(operation: &'static str) -> Span {
    info_span!(
        "store.read",
        otel.kind = "client",
        db.system.name = "sqlite",
        db.operation.name = operation,
        db.collection.name = "cases",
    )
}
