//! The desk's side of each method.

use case_api::pb;
use case_api::pb::audit_service_server::AuditService;
use case_api::pb::case_command_service_server::CaseCommandService;
use case_api::pb::case_query_service_server::CaseQueryService;
use tonic::{Request, Response, Status};

use super::desk::{Desk, at};

const TOKEN: &str = "token-of-the-change";

/// The case and the token; a dry run has none.
fn changed(desk: &Desk, dry_run: bool) -> (Option<pb::Case>, String) {
    let token = if dry_run { String::new() } else { TOKEN.to_owned() };
    (Some(desk.case.lock().unwrap().clone()), token)
}

#[tonic::async_trait]
impl CaseCommandService for Desk {
    async fn create_case(
        &self,
        request: Request<pb::CreateCaseRequest>,
    ) -> Result<Response<pb::CreateCaseResponse>, Status> {
        self.meet("CreateCase", &request)?;
        let (case, consistency_token) = changed(self, request.get_ref().validate_only);
        Ok(Response::new(pb::CreateCaseResponse { case, replayed: false, consistency_token }))
    }

    async fn transition_case(
        &self,
        request: Request<pb::TransitionCaseRequest>,
    ) -> Result<Response<pb::TransitionCaseResponse>, Status> {
        self.meet("TransitionCase", &request)?;
        let (case, consistency_token) = changed(self, request.get_ref().validate_only);
        let replayed = request.get_ref().idempotency_key == "used";
        Ok(Response::new(pb::TransitionCaseResponse { case, replayed, consistency_token }))
    }

    async fn update_case(
        &self,
        request: Request<pb::UpdateCaseRequest>,
    ) -> Result<Response<pb::UpdateCaseResponse>, Status> {
        self.meet("UpdateCase", &request)?;
        let (case, consistency_token) = changed(self, request.get_ref().validate_only);
        Ok(Response::new(pb::UpdateCaseResponse { case, replayed: false, consistency_token }))
    }

    async fn assign_case(
        &self,
        request: Request<pb::AssignCaseRequest>,
    ) -> Result<Response<pb::AssignCaseResponse>, Status> {
        self.meet("AssignCase", &request)?;
        let (case, consistency_token) = changed(self, request.get_ref().validate_only);
        Ok(Response::new(pb::AssignCaseResponse { case, replayed: false, consistency_token }))
    }

    async fn add_comment(
        &self,
        request: Request<pb::AddCommentRequest>,
    ) -> Result<Response<pb::AddCommentResponse>, Status> {
        self.meet("AddComment", &request)?;
        let (case, consistency_token) = changed(self, request.get_ref().validate_only);
        let comment = Some(comment(&request.get_ref().body));
        Ok(Response::new(pb::AddCommentResponse { comment, case, replayed: false, consistency_token }))
    }

    async fn link_cases(
        &self,
        request: Request<pb::LinkCasesRequest>,
    ) -> Result<Response<pb::LinkCasesResponse>, Status> {
        self.meet("LinkCases", &request)?;
        let (case, consistency_token) = changed(self, request.get_ref().validate_only);
        Ok(Response::new(pb::LinkCasesResponse { case, replayed: false, consistency_token }))
    }

    async fn unlink_cases(
        &self,
        request: Request<pb::UnlinkCasesRequest>,
    ) -> Result<Response<pb::UnlinkCasesResponse>, Status> {
        self.meet("UnlinkCases", &request)?;
        let (case, consistency_token) = changed(self, request.get_ref().validate_only);
        Ok(Response::new(pb::UnlinkCasesResponse { case, replayed: false, consistency_token }))
    }
}

#[tonic::async_trait]
impl CaseQueryService for Desk {
    async fn get_case(&self, request: Request<pb::GetCaseRequest>) -> Result<Response<pb::GetCaseResponse>, Status> {
        self.meet("GetCase", &request)?;
        let case = Some(self.case.lock().unwrap().clone());
        Ok(Response::new(pb::GetCaseResponse { case, as_of: "as-of".to_owned() }))
    }

    async fn list_cases(
        &self,
        request: Request<pb::ListCasesRequest>,
    ) -> Result<Response<pb::ListCasesResponse>, Status> {
        self.meet("ListCases", &request)?;
        let message = request.get_ref();
        let nobody = message.filter.as_ref().is_some_and(|filter| filter.reporters == ["nobody"]);
        let cases = if nobody { Vec::new() } else { vec![self.case.lock().unwrap().clone()] };
        let next_page_token = self.next_page(&message.page_token);
        Ok(Response::new(pb::ListCasesResponse { cases, next_page_token, as_of: "as-of".to_owned() }))
    }

    async fn batch_get_cases(
        &self,
        request: Request<pb::BatchGetCasesRequest>,
    ) -> Result<Response<pb::BatchGetCasesResponse>, Status> {
        self.meet("BatchGetCases", &request)?;
        let case = self.case.lock().unwrap().clone();
        let cases = request.get_ref().case_ids.iter().map(|id| pb::Case { case_id: id.clone(), ..case.clone() });
        Ok(Response::new(pb::BatchGetCasesResponse { cases: cases.collect(), as_of: "as-of".to_owned() }))
    }

    async fn list_comments(
        &self,
        request: Request<pb::ListCommentsRequest>,
    ) -> Result<Response<pb::ListCommentsResponse>, Status> {
        self.meet("ListComments", &request)?;
        let next_page_token = self.next_page(&request.get_ref().page_token);
        Ok(Response::new(pb::ListCommentsResponse {
            comments: vec![comment("Wet.")],
            next_page_token,
            as_of: "as-of".to_owned(),
        }))
    }

    async fn get_case_timeline(
        &self,
        request: Request<pb::GetCaseTimelineRequest>,
    ) -> Result<Response<pb::GetCaseTimelineResponse>, Status> {
        self.meet("GetCaseTimeline", &request)?;
        let change =
            pb::FieldChange { field: "status".to_owned(), from: "DRAFT".to_owned(), to: "SUBMITTED".to_owned() };
        let entry = pb::TimelineEntry {
            time: Some(at(90)),
            actor_id: "amira".to_owned(),
            action: "case_transitioned".to_owned(),
            reason: "complete".to_owned(),
            changes: vec![change],
            case_version: 2,
            request_id: "r-1".to_owned(),
        };
        let duration = Some(prost_types::Duration { seconds: 3, nanos: 200_000_000 });
        let stay = pb::TimeInStatus { status: "DRAFT".to_owned(), duration };
        Ok(Response::new(pb::GetCaseTimelineResponse {
            entries: vec![entry],
            time_in_status: vec![stay],
            next_page_token: self.next_page(&request.get_ref().page_token),
            as_of: "as-of".to_owned(),
        }))
    }

    async fn get_lifecycle(
        &self,
        request: Request<pb::GetLifecycleRequest>,
    ) -> Result<Response<pb::GetLifecycleResponse>, Status> {
        self.meet("GetLifecycle", &request)?;
        let lifecycle = case_api::lifecycle_to_client(1, &lifecycle_file::default_lifecycle());
        Ok(Response::new(pb::GetLifecycleResponse { lifecycle: Some(lifecycle), as_of: String::new() }))
    }
}

#[tonic::async_trait]
impl AuditService for Desk {
    async fn list_audit_events(
        &self,
        request: Request<pb::ListAuditEventsRequest>,
    ) -> Result<Response<pb::ListAuditEventsResponse>, Status> {
        self.meet("ListAuditEvents", &request)?;
        let next_page_token = self.next_page(&request.get_ref().page_token);
        Ok(Response::new(pb::ListAuditEventsResponse { audit_events: vec![event()], next_page_token }))
    }

    async fn get_audit_event(
        &self,
        request: Request<pb::GetAuditEventRequest>,
    ) -> Result<Response<pb::GetAuditEventResponse>, Status> {
        self.meet("GetAuditEvent", &request)?;
        Ok(Response::new(pb::GetAuditEventResponse { audit_event: Some(event()) }))
    }
}

fn comment(body: &str) -> pb::Comment {
    pb::Comment {
        comment_id: "CASE-001#1".to_owned(),
        case_id: "CASE-001".to_owned(),
        actor_id: "amira".to_owned(),
        body: body.to_owned(),
        create_time: Some(at(60)),
    }
}

fn event() -> pb::AuditEvent {
    let change = pb::AuditChange { field: "title".to_owned(), from: String::new(), to: "Water damage".to_owned() };
    pb::AuditEvent {
        audit_event_id: "0193-event".to_owned(),
        index: Some(0),
        case_id: "CASE-001".to_owned(),
        case_version: u64::MAX,
        actor_id: "amira".to_owned(),
        action: "case_created".to_owned(),
        outcome: pb::Outcome::Accepted.into(),
        changes: vec![change],
        reason: "a call".to_owned(),
        time: Some(at(7_200)),
        request_id: "r-1".to_owned(),
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        lifecycle_version: 1,
        leaf: b"{}".to_vec(),
    }
}
