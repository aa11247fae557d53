//! The wire side of queries: parse, read, map.

use case_api::pb::case_query_service_server::CaseQueryService;
use case_api::pb::{
    BatchGetCasesRequest, BatchGetCasesResponse, GetCaseRequest, GetCaseResponse, GetCaseTimelineRequest,
    GetCaseTimelineResponse, GetLifecycleRequest, GetLifecycleResponse, ListCasesRequest, ListCasesResponse,
    ListCommentsRequest, ListCommentsResponse,
};
use rpc_error::Failure;
use service_kit::request::RequestMeta;
use tonic::{Request, Response, Status};
use tracing::{Instrument, info_span};

use crate::encoded::EncodedCase;
use crate::reads::Reads;
use crate::request;

/// Serves `casetracker.v1.CaseQueryService`.
pub(crate) struct QueryHandler {
    /// The reads.
    pub(crate) reads: Reads,
}

impl QueryHandler {
    /// `GetCase`, with an answer that is encoded already.
    pub(crate) async fn get_encoded(&self, request: Request<GetCaseRequest>) -> Result<Response<EncodedCase>, Status> {
        let meta = RequestMeta::of(&request);
        let work = async {
            let query = request::get_case(request.get_ref())?;
            self.reads.get(query, &meta).await
        };
        answer(work.instrument(info_span!("query.get_case")).await, &meta)
    }
}

#[tonic::async_trait]
impl CaseQueryService for QueryHandler {
    /// The message of [`QueryHandler::get_encoded`], which callers over the wire get without it.
    async fn get_case(&self, request: Request<GetCaseRequest>) -> Result<Response<GetCaseResponse>, Status> {
        let meta = RequestMeta::of(&request);
        let shown = self.get_encoded(request).await?.into_inner().decode();
        answer(shown.map_err(|_| Failure::internal()), &meta)
    }

    async fn list_cases(&self, request: Request<ListCasesRequest>) -> Result<Response<ListCasesResponse>, Status> {
        let meta = RequestMeta::of(&request);
        let work = async {
            let query = request::list_cases(request.get_ref())?;
            self.reads.list(query, &meta).await
        };
        answer(work.instrument(info_span!("query.list_cases")).await, &meta)
    }

    async fn batch_get_cases(
        &self,
        request: Request<BatchGetCasesRequest>,
    ) -> Result<Response<BatchGetCasesResponse>, Status> {
        let meta = RequestMeta::of(&request);
        let work = async {
            let query = request::batch_get_cases(request.into_inner())?;
            self.reads.batch(query, &meta).await
        };
        answer(work.instrument(info_span!("query.batch_get_cases")).await, &meta)
    }

    async fn list_comments(
        &self,
        request: Request<ListCommentsRequest>,
    ) -> Result<Response<ListCommentsResponse>, Status> {
        let meta = RequestMeta::of(&request);
        let work = async {
            let query = request::list_comments(request.get_ref())?;
            self.reads.comments(query, &meta).await
        };
        answer(work.instrument(info_span!("query.list_comments")).await, &meta)
    }

    async fn get_case_timeline(
        &self,
        request: Request<GetCaseTimelineRequest>,
    ) -> Result<Response<GetCaseTimelineResponse>, Status> {
        let meta = RequestMeta::of(&request);
        let work = async {
            let query = request::get_case_timeline(request.get_ref())?;
            self.reads.timeline(query, &meta).await
        };
        answer(work.instrument(info_span!("query.get_case_timeline")).await, &meta)
    }

    async fn get_lifecycle(
        &self,
        request: Request<GetLifecycleRequest>,
    ) -> Result<Response<GetLifecycleResponse>, Status> {
        let meta = RequestMeta::of(&request);
        let work = async {
            let tokens = request::get_lifecycle(request.get_ref())?;
            self.reads.lifecycle(tokens, &meta).await
        };
        answer(work.instrument(info_span!("query.get_lifecycle")).await, &meta)
    }
}

fn answer<T>(read: Result<T, Failure>, meta: &RequestMeta) -> Result<Response<T>, Status> {
    read.map(Response::new).map_err(|failure| meta.status(failure))
}
