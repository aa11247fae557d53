//! The wire side of commands: parse, call, map.

use case_api::pb::case_command_service_server::CaseCommandService;
use case_api::pb::{Case, CreateCaseRequest, CreateCaseResponse, TransitionCaseRequest, TransitionCaseResponse};
use case_api::{ParsedCommand, create_case, parse_traceparent, transition_case};
use case_domain::{Person, RequestContext};
use prost::Message;
use rpc_error::{Failure, Reason};
use service_kit::request::{RequestMeta, current_trace};
use tonic::{Request, Response, Status};
use tracing::Instrument;

use crate::commands::{Accepted, Commands, span_of};
use crate::idempotency::KeyedRequest;

/// Serves `casetracker.v1.CaseCommandService`.
pub(crate) struct CommandHandler {
    pub(crate) commands: Commands,
}

#[tonic::async_trait]
impl CaseCommandService for CommandHandler {
    async fn create_case(&self, request: Request<CreateCaseRequest>) -> Result<Response<CreateCaseResponse>, Status> {
        let meta = RequestMeta::of(&request);
        let request = request.into_inner();
        let parsed = create_case(&request, &self.commands.lifecycle.lifecycle);
        let fingerprinted = || normal_creation(request).encode_to_vec();
        let accepted = self.carry_out("CreateCase", parsed, fingerprinted, &meta).await;
        let Accepted { case, replayed, consistency_token } = accepted.map_err(|failure| meta.status(failure))?;
        Ok(Response::new(CreateCaseResponse { case: Some(case), replayed, consistency_token }))
    }

    async fn transition_case(
        &self,
        request: Request<TransitionCaseRequest>,
    ) -> Result<Response<TransitionCaseResponse>, Status> {
        let meta = RequestMeta::of(&request);
        let request = request.into_inner();
        let parsed = transition_case(&request, &self.commands.lifecycle.lifecycle);
        let fingerprinted = || TransitionCaseRequest { idempotency_key: String::new(), ..request }.encode_to_vec();
        let accepted = self.carry_out("TransitionCase", parsed, fingerprinted, &meta).await;
        let Accepted { case, replayed, consistency_token } = accepted.map_err(|failure| meta.status(failure))?;
        Ok(Response::new(TransitionCaseResponse { case: Some(case), replayed, consistency_token }))
    }
}

impl CommandHandler {
    async fn carry_out(
        &self,
        method: &'static str,
        parsed: Result<ParsedCommand, Failure>,
        fingerprinted: impl FnOnce() -> Vec<u8>,
        meta: &RequestMeta,
    ) -> Result<Accepted, Failure> {
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(failure) => {
                self.commands.rejected(None, &failure);
                return Err(failure);
            }
        };
        let keyed = |key: &str| KeyedRequest::new(&meta.actor, key, method, &fingerprinted());
        let key = parsed.idempotency_key.as_deref().map(keyed);
        let span = span_of(&parsed.command);
        let decide = async {
            let context = context(meta)?;
            self.commands.carry_out(parsed, key, (context, meta)).await
        };
        let accepted = decide.instrument(span.clone()).await;
        if let Ok(accepted) = &accepted {
            span.record("case.id", accepted.case.case_id.as_str());
        }
        accepted
    }
}

/// Who asks, as the domain has it. The trace is that of the present span: the one that consumers join.
fn context(meta: &RequestMeta) -> Result<RequestContext, Failure> {
    let actor = Person::new(&meta.actor)
        .map_err(|error| Failure::new(Reason::CredentialsInvalid, format!("the actor's name {error}")))?;
    let trace = parse_traceparent(&current_trace().traceparent);
    Ok(RequestContext { request_id: meta.request_id.as_str().into(), actor, trace })
}

/// What two requests with one key must agree in: everything that is not ignored. Output-only fields are.
fn normal_creation(request: CreateCaseRequest) -> CreateCaseRequest {
    let case = request.case.map(|case| Case {
        case_id: String::new(),
        version: 0,
        status: String::new(),
        status_category: 0,
        create_time: None,
        update_time: None,
        close_time: None,
        allowed_transitions: Vec::new(),
        ..case
    });
    CreateCaseRequest { case, idempotency_key: String::new(), ..request }
}
