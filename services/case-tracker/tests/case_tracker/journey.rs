//! One case, all the way through.

use case_api::pb::{
    AuditEvent, AuditEventFilter, Case, CaseFilter, Consistency, GetCaseRequest, ListAuditEventsRequest,
    ListCasesRequest, Outcome,
};
use test_support::{Caller, poll_until};

use crate::system::{System, creation, transition};

fn amira() -> Caller {
    Caller::actor("amira")
}

async fn read(system: &System, case_id: &str, token: &str) -> Case {
    let consistency = Consistency { at_least_as_fresh: vec![token.to_owned()] };
    let request = GetCaseRequest { case_id: case_id.to_owned(), consistency: Some(consistency) };
    system.queries(amira()).get_case(request).await.unwrap().into_inner().case.unwrap()
}

/// The audit events of a case once there are `count`: the log follows the commands within moments.
async fn audit_events(system: &System, case_id: &str, count: usize) -> Vec<AuditEvent> {
    poll_until("the audit events", || async {
        let filter = Some(AuditEventFilter { case_id: case_id.to_owned(), ..AuditEventFilter::default() });
        let request = ListAuditEventsRequest { filter, ..ListAuditEventsRequest::default() };
        let events = system.audit(amira()).list_audit_events(request).await.unwrap().into_inner().audit_events;
        (events.len() >= count).then_some(events)
    })
    .await
}

/// Everything that a stranger does with the first case, and what they find afterwards.
async fn everything_about_the_first_case(system: &System) {
    let case = read(system, "CASE-001", &first_token(system).await).await;
    assert_eq!((case.version, case.status.as_str(), case.title.as_str()), (2, "SUBMITTED", "Water damage"));
    assert_eq!(case.allowed_transitions.len(), 3);
    let filter = CaseFilter { statuses: vec!["SUBMITTED".to_owned()], ..CaseFilter::default() };
    let request = ListCasesRequest { filter: Some(filter), ..ListCasesRequest::default() };
    let listed = system.queries(amira()).list_cases(request).await.unwrap().into_inner();
    assert_eq!(listed.cases, [case]);
    let events = audit_events(system, "CASE-001", 2).await;
    let told: Vec<_> =
        events.iter().map(|e| (e.index, e.action.as_str(), e.actor_id.as_str(), e.request_id.as_str())).collect();
    assert_eq!(
        told,
        [(Some(0), "case_created", "amira", "req-create"), (Some(1), "case_transitioned", "amira", "req-move")]
    );
    assert!(events.iter().all(|event| event.outcome() == Outcome::Accepted && event.trace_id.len() == 32));
    let change = &events[1].changes[0];
    assert_eq!((change.field.as_str(), change.from.as_str(), change.to.as_str()), ("status", "DRAFT", "SUBMITTED"));
}

/// A replay of the last command tells its token again.
async fn first_token(system: &System) -> String {
    let mut client = system.commands(amira().with("x-request-id", "req-replay"));
    let replay = client.transition_case(transition("CASE-001", "SUBMITTED", "k2")).await.unwrap().into_inner();
    assert!(replay.replayed);
    replay.consistency_token
}

async fn walk_through(mut system: System) {
    let mut client = system.commands(amira().with("x-request-id", "req-create"));
    let created = client.create_case(creation("Water damage", "k1")).await.unwrap().into_inner();
    assert_eq!(read(&system, "CASE-001", &created.consistency_token).await, created.case.unwrap());
    let mut client = system.commands(amira().with("x-request-id", "req-move"));
    let moved = client.transition_case(transition("CASE-001", "SUBMITTED", "k2")).await.unwrap().into_inner();
    assert_eq!(read(&system, "CASE-001", &moved.consistency_token).await, moved.case.unwrap());
    everything_about_the_first_case(&system).await;
    system.stop().await;
    system.start_again().await;
    everything_about_the_first_case(&system).await;
    system.stop().await;
}

#[tokio::test]
async fn a_case_is_created_moved_read_and_proved_in_one_process_and_again_after_a_restart() {
    walk_through(System::all_in_one(&[]).await).await;
}

#[tokio::test]
async fn a_case_is_created_moved_read_and_proved_across_three_processes_and_again_after_a_restart() {
    walk_through(System::apart(&[]).await).await;
}
