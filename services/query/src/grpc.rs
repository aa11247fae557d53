//! The wire side of queries: parse, read, map.

use case_api::pb::case_query_service_server::CaseQueryService;
use case_api::pb::{GetCaseRequest, GetCaseResponse, ListCasesRequest, ListCasesResponse};
use service_kit::request::RequestMeta;
use tonic::{Request, Response, Status};
use tracing::{Instrument, info_span};

use crate::reads::Reads;
use crate::request;

/// Serves `casetracker.v1.CaseQueryService`.
pub(crate) struct QueryHandler {
    /// The reads.
    pub(crate) reads: Reads,
}

#[tonic::async_trait]
impl CaseQueryService for QueryHandler {
    async fn get_case(&self, request: Request<GetCaseRequest>) -> Result<Response<GetCaseResponse>, Status> {
        let meta = RequestMeta::of(&request);
        let work = async {
            let query = request::get_case(request.get_ref())?;
            self.reads.get(query, &meta).await
        };
        let got = work.instrument(info_span!("query.get_case")).await;
        got.map(Response::new).map_err(|failure| meta.status(failure))
    }

    async fn list_cases(&self, request: Request<ListCasesRequest>) -> Result<Response<ListCasesResponse>, Status> {
        let meta = RequestMeta::of(&request);
        let work = async {
            let query = request::list_cases(request.get_ref())?;
            self.reads.list(query, &meta).await
        };
        let listed = work.instrument(info_span!("query.list_cases")).await;
        listed.map(Response::new).map_err(|failure| meta.status(failure))
    }
}
