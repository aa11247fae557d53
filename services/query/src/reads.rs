//! The reads themselves: what the store says, at one position.

mod batch;
mod case;
mod history;
mod page;

use std::sync::Arc;

use bytes::Bytes;
use case_api::{ConsistencyToken, lifecycle_to_client, pb, rejection};
use case_domain::{CaseId, Lifecycle};
use prost::Message as _;
use rpc_error::Failure;
use rusqlite::Connection;
use service_kit::clock::Clock;
use service_kit::health::Condition;
use service_kit::request::RequestMeta;
use storage::{Error, Readers};
use tracing::{Span, info, info_span};

use self::page::{Page, PageLimits};
use crate::answers::{Answers, Kept, Looked};
use crate::encoded::EncodedCase;
use crate::freshness::{Fresh, Freshness, LifecycleSeen, lagging};
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
    /// Answers that were read before.
    pub(crate) answers: Arc<Answers>,
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
    place: Place,
}

impl Reads {
    /// One case.
    pub(crate) async fn get(&self, query: GetQuery, meta: &RequestMeta) -> Result<EncodedCase, Failure> {
        // The place before the answers: see there.
        let fresh = self.freshness.wait(&query.tokens, meta.deadline).await?;
        let Fresh { place: Place { epoch, position, .. }, lifecycle } = &fresh;
        let ticket = match self.answers.find(&query.case_id, *epoch, lifecycle) {
            Looked::Found { case, position: read_at } => {
                let as_of = Place { position: read_at.max(*position), ..fresh.place }.as_of();
                return Ok(EncodedCase { case, as_of });
            }
            Looked::Missing(ticket) => ticket,
        };
        let (case, place) = self.load(&query.case_id, lifecycle, meta)?;
        let case = Bytes::from(pb::GetCaseResponse { case: Some(case), as_of: String::new() }.encode_to_vec());
        let Place { epoch, position, .. } = place;
        let kept =
            Kept { case_id: query.case_id, epoch, position, lifecycle: Arc::clone(lifecycle), case: case.clone() };
        self.answers.keep(ticket, kept);
        Ok(EncodedCase { case, as_of: place.as_of() })
    }

    /// One case from the store.
    ///
    /// Read on the runtime's own thread: a read by key takes microseconds, handing it over takes longer.
    fn load(&self, case_id: &CaseId, lifecycle: &Lifecycle, meta: &RequestMeta) -> Result<(pb::Case, Place), Failure> {
        let read = self.metrics.measured("load", || {
            let span = read_span("load", "cases");
            span.in_scope(|| case::read(&self.points, case_id, lifecycle))
        });
        let Read { answer: case, place } = self.read(read, "read")?;
        let case = case.ok_or_else(|| not_found(case_id.as_str(), meta))?;
        Ok((case, place))
    }

    /// A page of cases.
    ///
    /// Read on a blocking thread: it is a scan.
    pub(crate) async fn list(&self, query: ListQuery, meta: &RequestMeta) -> Result<pb::ListCasesResponse, Failure> {
        let Fresh { lifecycle, .. } = self.freshness.wait(&query.tokens, meta.deadline).await?;
        let list = query.list;
        let (span, metrics) = (read_span("list", "cases"), self.metrics.clone());
        let listing = Listing { query, lifecycle, bytes_max: self.answer_bytes_max() };
        let read = self.lists.read_blocking(move |connection| {
            let _in_span = span.enter();
            metrics.measured("list", || at_one_place(connection, |connection| listing.page(connection)))
        });
        let Read { answer: page, place } = self.read(read.await, "list")?;
        let next_page_token = page.goes_on_after.map(|cursor| list.encode(&cursor)).unwrap_or_default();
        Ok(pb::ListCasesResponse { cases: page.items, next_page_token, as_of: place.as_of() })
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
    Ok(Ok(Read { answer: work(connection)?, place }))
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
