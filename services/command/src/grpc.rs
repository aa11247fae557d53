//! The wire side of commands: parse, call, map.

use std::time::Duration;

use case_api::ParsedCommand;
use case_api::pb::case_command_service_server::CaseCommandService;
use case_api::pb::{
    AddCommentRequest, AddCommentResponse, AssignCaseRequest, AssignCaseResponse, Comment, CreateCaseRequest,
    CreateCaseResponse, LinkCasesRequest, LinkCasesResponse, TransitionCaseRequest, TransitionCaseResponse,
    UnlinkCasesRequest, UnlinkCasesResponse, UpdateCaseRequest, UpdateCaseResponse,
};
use case_domain::{Person, RequestContext, TraceContext};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use rpc_error::{Failure, Reason};
use service_kit::request::RequestMeta;
use tonic::{Request, Response, Status};
use tracing::Instrument;

use crate::commands::{Accepted, Commands, span_of};
use crate::fingerprint::Fingerprinted;
use crate::idempotency::KeyedRequest;

/// Serves `casetracker.v1.CaseCommandService`.
pub(crate) struct CommandHandler {
    pub(crate) commands: Commands,
}

/// One method: reads its request, carries it out, and answers with its response.
macro_rules! answer {
    ($self:ident, $request:ident, $read:expr, $response:ident) => {{
        let meta = RequestMeta::of(&$request);
        let request = $request.into_inner();
        let Accepted { case, replayed, consistency_token } = $self.carry_out($read(&request), request, &meta).await?;
        Ok(Response::new($response { case: Some(case), replayed, consistency_token }))
    }};
}

#[tonic::async_trait]
impl CaseCommandService for CommandHandler {
    async fn create_case(&self, request: Request<CreateCaseRequest>) -> Result<Response<CreateCaseResponse>, Status> {
        let read = |request: &_| case_api::create_case(request, &self.commands.lifecycle.lifecycle);
        answer!(self, request, read, CreateCaseResponse)
    }

    async fn transition_case(
        &self,
        request: Request<TransitionCaseRequest>,
    ) -> Result<Response<TransitionCaseResponse>, Status> {
        let read = |request: &_| case_api::transition_case(request, &self.commands.lifecycle.lifecycle);
        answer!(self, request, read, TransitionCaseResponse)
    }

    async fn update_case(&self, request: Request<UpdateCaseRequest>) -> Result<Response<UpdateCaseResponse>, Status> {
        answer!(self, request, case_api::update_case, UpdateCaseResponse)
    }

    async fn assign_case(&self, request: Request<AssignCaseRequest>) -> Result<Response<AssignCaseResponse>, Status> {
        answer!(self, request, case_api::assign_case, AssignCaseResponse)
    }

    async fn add_comment(&self, request: Request<AddCommentRequest>) -> Result<Response<AddCommentResponse>, Status> {
        let meta = RequestMeta::of(&request);
        let request = request.into_inner();
        let (parsed, body) = (case_api::add_comment(&request), request.body.clone());
        let Accepted { case, replayed, consistency_token } = self.carry_out(parsed, request, &meta).await?;
        // A replay gets the case as it was then, so its latest comment and change are this one; and its body is the same,
        // or it would not be a replay.
        let comment = Comment {
            comment_id: case_api::comment_id(&case.case_id, case.comment_count),
            case_id: case.case_id.clone(),
            actor_id: meta.actor,
            body,
            create_time: case.update_time,
        };
        Ok(Response::new(AddCommentResponse { comment: Some(comment), case: Some(case), replayed, consistency_token }))
    }

    async fn link_cases(&self, request: Request<LinkCasesRequest>) -> Result<Response<LinkCasesResponse>, Status> {
        answer!(self, request, case_api::link_cases, LinkCasesResponse)
    }

    async fn unlink_cases(
        &self,
        request: Request<UnlinkCasesRequest>,
    ) -> Result<Response<UnlinkCasesResponse>, Status> {
        answer!(self, request, case_api::unlink_cases, UnlinkCasesResponse)
    }
}

impl CommandHandler {
    async fn carry_out<R: Fingerprinted>(
        &self,
        parsed: Result<ParsedCommand, Failure>,
        request: R,
        meta: &RequestMeta,
    ) -> Result<Accepted, Status> {
        let parsed = parsed.map_err(|failure| {
            // Nothing has been tried yet that could have taken time.
            self.commands.rejected(None, &failure, Duration::ZERO);
            meta.status(failure)
        })?;
        let keyed = |key: &str| KeyedRequest::new(&meta.actor, key, R::METHOD, &request.fingerprinted());
        let key = parsed.idempotency_key.as_deref().map(keyed);
        let span = span_of(&parsed.command);
        let decide = async {
            let context = context(meta)?;
            self.commands.carry_out(parsed, key, (context, meta.deadline)).await
        };
        let accepted = decide.instrument(span.clone()).await.map_err(|failure| meta.status(failure))?;
        span.record("case.id", accepted.case.case_id.as_str());
        Ok(accepted)
    }
}

/// Who asks, as the domain has it. The trace is that of the present span: the one that consumers join.
fn context(meta: &RequestMeta) -> Result<RequestContext, Failure> {
    let actor = Person::new(&meta.actor)
        .map_err(|error| Failure::new(Reason::CredentialsInvalid, format!("the actor's name {error}")))?;
    Ok(RequestContext { request_id: meta.request_id.as_str().into(), actor, trace: current_trace() })
}

/// The trace of what runs now, if there is one.
fn current_trace() -> Option<TraceContext> {
    Context::map_current(|context| {
        let span = context.span();
        let trace = span.span_context();
        trace.is_valid().then(|| TraceContext {
            trace_id: trace.trace_id().to_bytes(),
            span_id: trace.span_id().to_bytes(),
            sampled: trace.is_sampled(),
        })
    })
}
