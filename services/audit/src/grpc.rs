//! The wire side of the log: parse, read, map.

use case_api::pb::audit_service_server::AuditService;
use case_api::pb::{
    AuditEvent, GetAuditEventRequest, GetAuditEventResponse, ListAuditEventsRequest, ListAuditEventsResponse,
};
use rpc_error::Failure;
use service_kit::health::Condition;
use service_kit::request::RequestMeta;
use storage::{Error, Readers};
use tonic::{Request, Response, Status};
use tracing::{Instrument, Span, info_span};

use crate::failures;
use crate::list_sql::{self, Page, PageLimit};
use crate::request::{ListQuery, event_id};
use crate::store;
use crate::wire::{Corrupt, audit_event};

/// Serves `casetracker.v1.AuditService`.
pub(crate) struct AuditHandler {
    /// Connections that read the log.
    pub(crate) readers: Readers,
    /// Fails for good when a record does not verify.
    pub(crate) store: Condition,
    /// The largest answer, in bytes.
    pub(crate) message_bytes_max: usize,
}

#[tonic::async_trait]
impl AuditService for AuditHandler {
    async fn list_audit_events(
        &self,
        request: Request<ListAuditEventsRequest>,
    ) -> Result<Response<ListAuditEventsResponse>, Status> {
        let meta = RequestMeta::of(&request);
        let span = info_span!("audit.list_audit_events");
        let listed = self.list(request.into_inner()).instrument(span).await;
        listed.map(Response::new).map_err(|failure| meta.status(failure))
    }

    async fn get_audit_event(
        &self,
        request: Request<GetAuditEventRequest>,
    ) -> Result<Response<GetAuditEventResponse>, Status> {
        let meta = RequestMeta::of(&request);
        let span = info_span!("audit.get_audit_event");
        let found = span.in_scope(|| self.get(&request.into_inner()));
        let response = |event| Response::new(GetAuditEventResponse { audit_event: Some(event) });
        found.map(response).map_err(|failure| meta.status(failure))
    }
}

/// A page as it is sent.
struct Listed {
    audit_events: Vec<AuditEvent>,
    /// After which event the list goes on.
    goes_on_after: Option<u64>,
}

impl AuditHandler {
    /// On a blocking thread: a page is a scan, and its texts are digested.
    async fn list(&self, request: ListAuditEventsRequest) -> Result<ListAuditEventsResponse, Failure> {
        let query = ListQuery::parse(&request)?;
        let Some(filter) = query.filter.clone() else {
            return Ok(ListAuditEventsResponse::default());
        };
        // An answer has the leaf, about the same again as fields, and the texts.
        let limit = PageLimit { count: query.page_size, bytes: self.message_bytes_max / 3 };
        let (span, from_index) = (read_span(), query.from_index);
        let read = move |connection: &_| {
            let _in_span = span.enter();
            list_sql::page(connection, &filter, from_index, limit).map(listed)
        };
        let listed = self.read(self.readers.read_blocking(read).await)?;
        let next_page_token = listed.goes_on_after.map(|index| query.next_page_token(index)).unwrap_or_default();
        Ok(ListAuditEventsResponse { audit_events: listed.audit_events, next_page_token })
    }

    /// On the runtime's own thread: a read by key takes microseconds, handing it over takes longer.
    fn get(&self, request: &GetAuditEventRequest) -> Result<AuditEvent, Failure> {
        let id = event_id(request)?;
        let found = read_span().in_scope(|| self.readers.read(|connection| store::find_event(connection, id)));
        let record = found.map_err(|error| failures::of_store(&error, &self.store))?;
        let record = record.ok_or_else(|| failures::event_not_found(&request.audit_event_id))?;
        self.read(Ok(audit_event(record)))
    }

    fn read<T>(&self, read: Result<Result<T, Corrupt>, Error>) -> Result<T, Failure> {
        read.map_err(|error| failures::of_store(&error, &self.store))?
            .map_err(|corrupt| failures::of_corrupt_record(&corrupt, &self.store))
    }
}

fn listed(page: Page) -> Result<Listed, Corrupt> {
    let last = page.records.last().map(|record| record.index);
    let goes_on_after = last.filter(|_| page.has_more);
    let audit_events = page.records.into_iter().map(audit_event).collect::<Result<_, _>>()?;
    Ok(Listed { audit_events, goes_on_after })
}

fn read_span() -> Span {
    info_span!(
        "store.read",
        otel.kind = "client",
        db.system.name = "sqlite",
        db.operation.name = "SELECT",
        db.collection.name = "audit_log",
    )
}
