//! Transitions that require a reason, fields, or another person.

use std::fs;

use case_api::pb::{Case, CreateCaseRequest, TransitionCaseRequest};
use tonic::Code;

use crate::{Bench, refused, transition};

const LIFECYCLE: &str = r#"
initial = ["DRAFT"]
statuses = [
    { name = "DRAFT", category = "open" },
    { name = "SUBMITTED", category = "open" },
    { name = "APPROVED", category = "closed" },
]
transitions = [
    { from = "DRAFT", to = "SUBMITTED" },
    { from = "SUBMITTED", to = "APPROVED", requires_reason = true, required_fields = ["assignee", "due_time"], other_actor_than = "SUBMITTED" },
    { from = "APPROVED", to = "DRAFT" },
]
"#;

fn guarded() -> Bench {
    let bench = Bench::new();
    let path = bench.folder.path().join("lifecycle.toml");
    fs::write(&path, LIFECYCLE).unwrap();
    bench.with(|settings| settings.lifecycle.path = Some(path))
}

fn due_case() -> CreateCaseRequest {
    let due_time = Some(prost_types::Timestamp { seconds: 1_800_000_000, nanos: 0 });
    let case = Case { title: "t".to_owned(), due_time, ..Case::default() };
    CreateCaseRequest { case: Some(case), ..CreateCaseRequest::default() }
}

#[tokio::test]
async fn everything_that_is_missing_is_named_at_once() {
    let bench = guarded();
    let server = bench.start().await;
    let mut client = server.client("amira");
    let case = Case { title: "t".to_owned(), ..Case::default() };
    client.create_case(CreateCaseRequest { case: Some(case), ..CreateCaseRequest::default() }).await.unwrap();
    let case = client.transition_case(transition("CASE-001", "SUBMITTED")).await.unwrap().into_inner().case.unwrap();
    let allowed = &case.allowed_transitions[0];
    assert_eq!((allowed.to_status.as_str(), allowed.requires_reason), ("APPROVED", true));
    assert_eq!(allowed.required_fields, ["assignee", "due_time"]);
    assert_eq!(allowed.requires_other_actor_than, "SUBMITTED");
    let refusal = refused(client.transition_case(transition("CASE-001", "APPROVED")).await);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::FailedPrecondition, "TRANSITION_REQUIREMENT_NOT_MET"));
    assert_eq!(refusal.metadata["requirements"], "reason, assignee, due_time, other_actor");
    server.stop().await;
}

#[tokio::test]
async fn a_second_person_who_sets_what_is_missing_in_the_same_command_may_approve() {
    let bench = guarded();
    let server = bench.start().await;
    server.client("amira").create_case(due_case()).await.unwrap();
    server.client("amira").transition_case(transition("CASE-001", "SUBMITTED")).await.unwrap();
    let approval = TransitionCaseRequest {
        reason: "complete".to_owned(),
        assignee: Some("citra".to_owned()),
        ..transition("CASE-001", "APPROVED")
    };
    let same = refused(server.client("amira").transition_case(approval.clone()).await);
    assert_eq!(same.metadata["requirements"], "other_actor");
    assert_eq!(same.precondition.as_deref(), Some("OTHER_ACTOR_REQUIRED"));
    let case = server.client("budi").transition_case(approval).await.unwrap().into_inner().case.unwrap();
    assert_eq!(case.status, "APPROVED");
    server.stop().await;
}

#[tokio::test]
async fn four_eyes_look_at_the_latest_visit_also_after_a_restart() {
    let bench = guarded();
    let server = bench.start().await;
    server.client("amira").create_case(due_case()).await.unwrap();
    server.client("amira").transition_case(transition("CASE-001", "SUBMITTED")).await.unwrap();
    let approval = TransitionCaseRequest {
        reason: "complete".to_owned(),
        assignee: Some("citra".to_owned()),
        ..transition("CASE-001", "APPROVED")
    };
    server.client("budi").transition_case(approval.clone()).await.unwrap();
    server.client("budi").transition_case(transition("CASE-001", "DRAFT")).await.unwrap();
    server.client("budi").transition_case(transition("CASE-001", "SUBMITTED")).await.unwrap();
    server.stop().await;
    let server = bench.start().await;
    let refusal = refused(server.client("budi").transition_case(approval.clone()).await);
    assert_eq!(refusal.metadata["requirements"], "other_actor", "budi submitted it this time");
    server.client("amira").transition_case(approval).await.unwrap();
    server.stop().await;
}
