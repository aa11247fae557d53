//! The services of the fake; what a replay does not call is not there.

use case_api::pb;
use case_api::pb::audit_service_server::AuditService;
use case_api::pb::case_command_service_server::CaseCommandService;
use case_api::pb::case_query_service_server::CaseQueryService;
use rpc_error::Reason;
use tonic::{Request, Response, Status};

use super::fake::{Fake, refusal, token};

fn unused<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("a replay does not call it"))
}

#[tonic::async_trait]
impl CaseCommandService for Fake {
    async fn create_case(
        &self,
        request: Request<pb::CreateCaseRequest>,
    ) -> Result<Response<pb::CreateCaseResponse>, Status> {
        let message = request.get_ref();
        let key = message.idempotency_key.clone();
        let answered = self.command(&request, &key, |state, actor| {
            let mut case = message.case.clone().unwrap_or_default();
            case.case_id = format!("CASE-{:03}", state.cases.len() + 1);
            case.status.clone_from(&message.initial_status);
            let status = case.status.clone();
            state.record(&mut case, actor, "case_created", Some(("", &status)));
            Ok(case)
        });
        let (case, replayed, consistency_token) = answered.await?;
        Ok(Response::new(pb::CreateCaseResponse { case: Some(case), replayed, consistency_token }))
    }

    async fn transition_case(
        &self,
        request: Request<pb::TransitionCaseRequest>,
    ) -> Result<Response<pb::TransitionCaseResponse>, Status> {
        let message = request.get_ref();
        let key = message.idempotency_key.clone();
        let answered = self.command(&request, &key, |state, actor| {
            let mut case = state.case(&message.case_id)?;
            let from = std::mem::replace(&mut case.status, message.to_status.clone());
            let edges = &self.lifecycle().transitions;
            let edge = edges.iter().find(|edge| edge.from_status == from && edge.to_status == case.status);
            let edge = edge.ok_or_else(|| refusal(Reason::TransitionNotAllowed, "no such move"))?;
            if edge.requires_reason && message.reason.is_empty() {
                return Err(refusal(Reason::TransitionRequirementNotMet, "say why"));
            }
            case.assignee = message.assignee.clone().unwrap_or(case.assignee);
            case.team = message.team.clone().unwrap_or(case.team);
            state.record(&mut case, actor, "case_transitioned", Some((&from, &message.to_status)));
            Ok(case)
        });
        let (case, replayed, consistency_token) = answered.await?;
        Ok(Response::new(pb::TransitionCaseResponse { case: Some(case), replayed, consistency_token }))
    }

    async fn assign_case(
        &self,
        request: Request<pb::AssignCaseRequest>,
    ) -> Result<Response<pb::AssignCaseResponse>, Status> {
        let message = request.get_ref();
        let key = message.idempotency_key.clone();
        let answered = self.command(&request, &key, |state, actor| {
            let mut case = state.case(&message.case_id)?;
            let before = (case.assignee.clone(), case.team.clone());
            case.assignee.clone_from(&message.assignee);
            case.team = message.team.clone().unwrap_or(case.team);
            if before != (case.assignee.clone(), case.team.clone()) {
                state.record(&mut case, actor, "case_assigned", None);
            }
            Ok(case)
        });
        let (case, replayed, consistency_token) = answered.await?;
        Ok(Response::new(pb::AssignCaseResponse { case: Some(case), replayed, consistency_token }))
    }

    async fn update_case(&self, _: Request<pb::UpdateCaseRequest>) -> Result<Response<pb::UpdateCaseResponse>, Status> {
        unused()
    }

    async fn add_comment(&self, _: Request<pb::AddCommentRequest>) -> Result<Response<pb::AddCommentResponse>, Status> {
        unused()
    }

    async fn link_cases(&self, _: Request<pb::LinkCasesRequest>) -> Result<Response<pb::LinkCasesResponse>, Status> {
        unused()
    }

    async fn unlink_cases(
        &self,
        _: Request<pb::UnlinkCasesRequest>,
    ) -> Result<Response<pb::UnlinkCasesResponse>, Status> {
        unused()
    }
}

#[tonic::async_trait]
impl CaseQueryService for Fake {
    async fn batch_get_cases(
        &self,
        request: Request<pb::BatchGetCasesRequest>,
    ) -> Result<Response<pb::BatchGetCasesResponse>, Status> {
        let state = self.state();
        let head = state.events.len() as u64;
        let message = request.into_inner();
        let wanted = message.consistency.unwrap_or_default().at_least_as_fresh;
        assert_eq!(wanted, [token(head)], "reads ask for the last change");
        let cases = message.case_ids.iter().map(|id| state.case(id)).collect::<Result<_, _>>()?;
        Ok(Response::new(pb::BatchGetCasesResponse { cases, as_of: token(head) }))
    }

    async fn get_case_timeline(
        &self,
        request: Request<pb::GetCaseTimelineRequest>,
    ) -> Result<Response<pb::GetCaseTimelineResponse>, Status> {
        let mut state = self.state();
        state.timelines += 1;
        let events = state.events.iter().filter(|event| event.case_id == request.get_ref().case_id);
        let change = |change: &pb::AuditChange| pb::FieldChange {
            field: change.field.clone(),
            from: change.from.clone(),
            to: change.to.clone(),
        };
        let entries = events.map(|event| pb::TimelineEntry {
            actor_id: event.actor_id.clone(),
            action: event.action.clone(),
            changes: event.changes.iter().map(change).collect(),
            case_version: event.case_version,
            ..pb::TimelineEntry::default()
        });
        Ok(Response::new(pb::GetCaseTimelineResponse { entries: entries.collect(), ..Default::default() }))
    }

    async fn get_lifecycle(
        &self,
        _: Request<pb::GetLifecycleRequest>,
    ) -> Result<Response<pb::GetLifecycleResponse>, Status> {
        Ok(Response::new(pb::GetLifecycleResponse { lifecycle: Some(self.lifecycle().clone()), as_of: String::new() }))
    }

    async fn get_case(&self, _: Request<pb::GetCaseRequest>) -> Result<Response<pb::GetCaseResponse>, Status> {
        unused()
    }

    async fn list_cases(&self, _: Request<pb::ListCasesRequest>) -> Result<Response<pb::ListCasesResponse>, Status> {
        unused()
    }

    async fn list_comments(
        &self,
        _: Request<pb::ListCommentsRequest>,
    ) -> Result<Response<pb::ListCommentsResponse>, Status> {
        unused()
    }
}

#[tonic::async_trait]
impl AuditService for Fake {
    /// Pages of two, so that every longer history needs several.
    async fn list_audit_events(
        &self,
        request: Request<pb::ListAuditEventsRequest>,
    ) -> Result<Response<pb::ListAuditEventsResponse>, Status> {
        const PAGE: usize = 2;
        let message = request.into_inner();
        let case_id = message.filter.unwrap_or_default().case_id;
        let begin: usize = message.page_token.parse().unwrap_or(0);
        let events: Vec<pb::AuditEvent> =
            self.state().events.iter().filter(|event| event.case_id == case_id).cloned().collect();
        let end = (begin + PAGE).min(events.len());
        let next_page_token = if end < events.len() { end.to_string() } else { String::new() };
        let audit_events = events[begin..end].to_vec();
        Ok(Response::new(pb::ListAuditEventsResponse { audit_events, next_page_token }))
    }

    async fn get_audit_event(
        &self,
        _: Request<pb::GetAuditEventRequest>,
    ) -> Result<Response<pb::GetAuditEventResponse>, Status> {
        unused()
    }
}
