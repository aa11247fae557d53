//! Cases are created and moved.

use case_api::pb::{Case, CreateCaseRequest, Priority, Severity, StatusCategory, TransitionCaseRequest};
use prost_types::value::Kind;
use prost_types::{Struct, Timestamp, Value};

use crate::{Bench, creation, transition};

fn everything() -> Case {
    let value = Value { kind: Some(Kind::NumberValue(3.0)) };
    Case {
        title: "Water damage, unit 4".to_owned(),
        description: "Since Monday.\nSecond line.".to_owned(),
        priority: Priority::High.into(),
        severity: Severity::Low.into(),
        assignee: "citra".to_owned(),
        team: "housing".to_owned(),
        reporter: "budi".to_owned(),
        tags: vec!["water".to_owned(), "unit-4".to_owned(), "water".to_owned()],
        custom_fields: Some(Struct { fields: [("floor".to_owned(), value)].into() }),
        due_time: Some(Timestamp { seconds: 1_800_000_000, nanos: 0 }),
        ..Case::default()
    }
}

#[tokio::test]
async fn a_new_case_has_what_was_said_and_what_the_system_adds() {
    let bench = Bench::new();
    let server = bench.start().await;
    let request = CreateCaseRequest { case: Some(everything()), ..CreateCaseRequest::default() };
    let answer = server.client("amira").create_case(request).await.unwrap().into_inner();
    assert!(!answer.replayed && !answer.consistency_token.is_empty());
    let case = answer.case.unwrap();
    assert_eq!((case.case_id.as_str(), case.version, case.status.as_str()), ("CASE-001", 1, "DRAFT"));
    assert_eq!(case.status_category(), StatusCategory::Open);
    assert_eq!(case.tags, ["water", "unit-4"]);
    assert!(case.create_time.is_some() && case.create_time == case.update_time && case.close_time.is_none());
    let allowed: Vec<_> = case.allowed_transitions.iter().map(|t| (t.to_status.as_str(), t.requires_reason)).collect();
    assert_eq!(allowed, [("SUBMITTED", false), ("CANCELLED", true)]);
    let given = everything();
    assert_eq!(
        (case.title, case.description, case.custom_fields),
        (given.title, given.description, given.custom_fields)
    );
    assert_eq!((case.assignee, case.team, case.reporter), (given.assignee, given.team, given.reporter));
    assert_eq!((case.priority, case.severity, case.due_time), (given.priority, given.severity, given.due_time));
    server.stop().await;
}

#[tokio::test]
async fn ids_are_assigned_in_order_with_the_configured_prefix() {
    let bench = Bench::new().with(|settings| settings.command.case_id_prefix = "LAB".to_owned());
    let server = bench.start().await;
    for id in ["LAB-001", "LAB-002", "LAB-003"] {
        let answer = server.client("amira").create_case(creation("t", "")).await.unwrap().into_inner();
        assert_eq!(answer.case.unwrap().case_id, id);
    }
    server.stop().await;
}

#[tokio::test]
async fn output_only_fields_of_a_request_are_ignored() {
    let bench = Bench::new();
    let server = bench.start().await;
    let forged = Case { case_id: "CASE-900".to_owned(), version: 9, status: "CLOSED".to_owned(), ..everything() };
    let request = CreateCaseRequest { case: Some(forged), ..CreateCaseRequest::default() };
    let case = server.client("amira").create_case(request).await.unwrap().into_inner().case.unwrap();
    assert_eq!((case.case_id.as_str(), case.version, case.status.as_str()), ("CASE-001", 1, "DRAFT"));
    server.stop().await;
}

#[tokio::test]
async fn a_transition_moves_the_case_and_hands_it_over_in_one_change() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(CreateCaseRequest { case: Some(everything()), ..CreateCaseRequest::default() }).await.unwrap();
    let request = TransitionCaseRequest {
        expected_version: 1,
        assignee: Some(String::new()),
        team: Some("review".to_owned()),
        ..transition("CASE-001", "SUBMITTED")
    };
    let case = client.transition_case(request).await.unwrap().into_inner().case.unwrap();
    assert_eq!((case.version, case.status.as_str()), (2, "SUBMITTED"));
    assert_eq!((case.assignee.as_str(), case.team.as_str()), ("", "review"));
    server.stop().await;
}

#[tokio::test]
async fn a_case_that_closes_has_a_close_time_and_loses_it_when_it_is_reopened() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "")).await.unwrap();
    let mut closed = None;
    for status in ["SUBMITTED", "IN_REVIEW", "APPROVED", "CLOSED"] {
        bench.clock.advance_us(1_000_000);
        let request = TransitionCaseRequest { reason: "because".to_owned(), ..transition("CASE-001", status) };
        closed = client.transition_case(request).await.unwrap().into_inner().case;
    }
    let closed = closed.unwrap();
    assert_eq!(closed.status_category(), StatusCategory::Closed);
    assert_eq!(closed.close_time, closed.update_time);
    let request = TransitionCaseRequest { reason: "new facts".to_owned(), ..transition("CASE-001", "IN_REVIEW") };
    let reopened = client.transition_case(request).await.unwrap().into_inner().case.unwrap();
    assert!(reopened.close_time.is_none());
    server.stop().await;
}

#[tokio::test]
async fn times_never_run_backwards_though_the_clock_does() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    let first = client.create_case(creation("a", "")).await.unwrap().into_inner().case.unwrap();
    server.clock.advance_us(-60_000_000);
    let second = client.create_case(creation("b", "")).await.unwrap().into_inner().case.unwrap();
    assert_eq!(second.create_time, first.create_time);
    server.clock.advance_us(120_000_000);
    let third = client.create_case(creation("c", "")).await.unwrap().into_inner().case.unwrap();
    assert_ne!(third.create_time, first.create_time, "control: a clock that moves on is followed");
    server.stop().await;
}

#[tokio::test]
async fn concurrent_commands_get_distinct_numbers_without_gaps() {
    let bench = Bench::new();
    let server = bench.start().await;
    let client = server.client("amira");
    let calls = (0..64).map(|n| {
        let mut client = client.clone();
        tokio::spawn(async move { client.create_case(creation(&format!("t{n}"), "")).await.unwrap().into_inner() })
    });
    let calls: Vec<_> = calls.collect();
    let mut ids = Vec::new();
    for call in calls {
        ids.push(call.await.unwrap().case.unwrap().case_id);
    }
    ids.sort();
    let expected: Vec<_> = (1..=64).map(|n| format!("CASE-{n:03}")).collect();
    assert_eq!(ids, expected);
    server.stop().await;
}
