//! Cases are updated, handed over, commented on and linked.

use case_api::pb::case_command_service_client::CaseCommandServiceClient;
use case_api::pb::{
    AddCommentRequest, AssignCaseRequest, Case, CaseLink, LinkCasesRequest, LinkType, Priority, TransitionCaseRequest,
    UnlinkCasesRequest, UpdateCaseRequest,
};
use test_support::CallerChannel;
use tonic::Code;

use crate::{Bench, creation, refused, transition};

type Client = CaseCommandServiceClient<CallerChannel>;

fn update(case: Case, paths: &[&str]) -> UpdateCaseRequest {
    UpdateCaseRequest { case: Some(case), update_mask: paths.join(","), ..UpdateCaseRequest::default() }
}

fn first(title: &str) -> Case {
    Case { case_id: "CASE-001".to_owned(), title: title.to_owned(), ..Case::default() }
}

fn assignment(assignee: &str, team: Option<&str>) -> AssignCaseRequest {
    AssignCaseRequest {
        case_id: "CASE-001".to_owned(),
        assignee: assignee.to_owned(),
        team: team.map(ToOwned::to_owned),
        ..AssignCaseRequest::default()
    }
}

fn comment(body: &str, key: &str) -> AddCommentRequest {
    AddCommentRequest {
        case_id: "CASE-001".to_owned(),
        body: body.to_owned(),
        idempotency_key: key.to_owned(),
        ..AddCommentRequest::default()
    }
}

fn link(from: &str, to: &str, link_type: LinkType) -> LinkCasesRequest {
    LinkCasesRequest {
        case_id: from.to_owned(),
        linked_case_id: to.to_owned(),
        link_type: link_type.into(),
        ..LinkCasesRequest::default()
    }
}

fn unlink(from: &str, to: &str, link_type: LinkType) -> UnlinkCasesRequest {
    let LinkCasesRequest { case_id, linked_case_id, link_type, .. } = link(from, to, link_type);
    UnlinkCasesRequest { case_id, linked_case_id, link_type, ..UnlinkCasesRequest::default() }
}

async fn close(client: &mut Client) {
    let request = TransitionCaseRequest { reason: "a duplicate".to_owned(), ..transition("CASE-001", "CANCELLED") };
    client.transition_case(request).await.unwrap();
}

#[tokio::test]
async fn an_update_changes_what_its_mask_names_and_nothing_else() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("before", "")).await.unwrap();
    let new = Case { priority: Priority::High.into(), assignee: "citra".to_owned(), ..first("after") };
    let case = client.update_case(update(new, &["title", "priority"])).await.unwrap().into_inner().case.unwrap();
    assert_eq!((case.version, case.title.as_str(), case.priority()), (2, "after", Priority::High));
    assert_eq!(case.assignee, "", "outside of the mask");
    let emptied = client.update_case(update(first(""), &["priority"])).await.unwrap().into_inner().case.unwrap();
    assert_eq!((emptied.version, emptied.priority()), (3, Priority::Unspecified));
    server.stop().await;
}

#[tokio::test]
async fn an_empty_mask_means_the_fields_that_are_set_and_a_star_means_all() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    let case = Case { reporter: "budi".to_owned(), ..first("before") };
    client.create_case(case_api::pb::CreateCaseRequest { case: Some(case), ..Default::default() }).await.unwrap();
    let new = Case { team: "housing".to_owned(), ..first("") };
    let case = client.update_case(update(new.clone(), &[])).await.unwrap().into_inner().case.unwrap();
    assert_eq!((case.title.as_str(), case.reporter.as_str(), case.team.as_str()), ("before", "budi", "housing"));
    let all = Case { title: "after".to_owned(), ..new };
    let case = client.update_case(update(all, &["*"])).await.unwrap().into_inner().case.unwrap();
    assert_eq!((case.title.as_str(), case.reporter.as_str(), case.team.as_str()), ("after", "", "housing"));
    server.stop().await;
}

#[tokio::test]
async fn a_mask_is_read_in_the_form_of_the_protos_and_in_that_of_json() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "")).await.unwrap();
    for (version, mask) in [(2, "due_time, title"), (3, "dueTime,title")] {
        let due_time = Some(prost_types::Timestamp { seconds: version, nanos: 0 });
        let new = Case { due_time, ..first("t") };
        let case = client.update_case(update(new, &[mask])).await.unwrap().into_inner().case.unwrap();
        assert_eq!((i64::try_from(case.version).unwrap(), case.due_time), (version, due_time));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_mask_that_names_what_cannot_be_changed_is_refused_with_every_such_path() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "")).await.unwrap();
    let refusal = refused(client.update_case(update(first("u"), &["title", "status", "nonsense"])).await);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::InvalidArgument, "UNKNOWN_FIELD"));
    assert_eq!(refusal.fields, ["update_mask", "update_mask"]);
    server.stop().await;
}

#[tokio::test]
async fn what_would_change_nothing_succeeds_and_leaves_the_version() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "")).await.unwrap();
    let updated = client.update_case(update(first("t"), &["title"])).await.unwrap().into_inner();
    assert_eq!(updated.case.unwrap().version, 1);
    let key = AssignCaseRequest { idempotency_key: "k".to_owned(), ..assignment("", None) };
    let assigned = client.assign_case(key.clone()).await.unwrap().into_inner();
    assert_eq!((assigned.case.unwrap().version, assigned.consistency_token == updated.consistency_token), (1, true));
    assert!(client.assign_case(key).await.unwrap().into_inner().replayed, "it was accepted, so its key is remembered");
    server.stop().await;
}

#[tokio::test]
async fn a_closed_case_keeps_its_fields_and_can_be_assigned_commented_on_and_linked() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "")).await.unwrap();
    client.create_case(creation("u", "")).await.unwrap();
    close(&mut client).await;
    let refusal = refused(client.update_case(update(first("v"), &["title"])).await);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::FailedPrecondition, "CASE_CLOSED"));
    assert_eq!(refusal.precondition.as_deref(), Some("CASE_CLOSED"));
    client.assign_case(assignment("citra", Some("housing"))).await.unwrap();
    client.add_comment(comment("noted", "")).await.unwrap();
    let case =
        client.link_cases(link("CASE-001", "CASE-002", LinkType::Blocks)).await.unwrap().into_inner().case.unwrap();
    assert_eq!((case.version, case.assignee.as_str(), case.team.as_str()), (5, "citra", "housing"));
    server.stop().await;
}

#[tokio::test]
async fn an_assignment_hands_over_the_team_only_where_it_says_so() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "")).await.unwrap();
    for (request, expected) in [
        (assignment("citra", Some("housing")), ("citra", "housing")),
        (assignment("dewi", None), ("dewi", "housing")),
        (assignment("", Some("")), ("", "")),
    ] {
        let case = client.assign_case(request).await.unwrap().into_inner().case.unwrap();
        assert_eq!((case.assignee.as_str(), case.team.as_str()), expected);
    }
    server.stop().await;
}

#[tokio::test]
async fn comments_are_numbered_within_their_case_and_a_replay_answers_with_the_same_one() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "")).await.unwrap();
    let first = client.add_comment(comment("Plumber booked.", "k1")).await.unwrap().into_inner();
    let second = client.add_comment(comment("Plumber came.", "")).await.unwrap().into_inner();
    assert_eq!(second.comment.unwrap().comment_id, "CASE-001#2");
    let told = first.comment.clone().unwrap();
    assert_eq!((told.comment_id.as_str(), told.actor_id.as_str()), ("CASE-001#1", "amira"));
    assert_eq!((told.body.as_str(), told.case_id.as_str()), ("Plumber booked.", "CASE-001"));
    let replay = client.add_comment(comment("Plumber booked.", "k1")).await.unwrap().into_inner();
    assert!(replay.replayed);
    assert_eq!((replay.comment, replay.case), (first.comment, first.case));
    server.stop().await;
}

#[tokio::test]
async fn a_link_is_an_event_on_the_case_named_first_and_leaves_the_other_one() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "")).await.unwrap();
    client.create_case(creation("u", "")).await.unwrap();
    let case = client.link_cases(link("CASE-001", "CASE-002", LinkType::Duplicates)).await.unwrap().into_inner().case;
    let expected = CaseLink { case_id: "CASE-002".to_owned(), link_type: LinkType::Duplicates.into() };
    assert_eq!(case.unwrap().links, [expected]);
    let other = client.assign_case(AssignCaseRequest { case_id: "CASE-002".to_owned(), ..Default::default() }).await;
    assert_eq!(other.unwrap().into_inner().case.unwrap().version, 1);
    let again = refused(client.link_cases(link("CASE-001", "CASE-002", LinkType::Duplicates)).await);
    assert_eq!((again.code, again.reason.as_str()), (Code::FailedPrecondition, "LINK_EXISTS"));
    assert_eq!(
        (again.metadata["linked_case_id"].as_str(), again.metadata["link_type"].as_str()),
        ("CASE-002", "DUPLICATES")
    );
    let other_type = refused(client.unlink_cases(unlink("CASE-001", "CASE-002", LinkType::Blocks)).await);
    assert_eq!((other_type.code, other_type.reason.as_str()), (Code::FailedPrecondition, "LINK_NOT_FOUND"));
    let case =
        client.unlink_cases(unlink("CASE-001", "CASE-002", LinkType::Duplicates)).await.unwrap().into_inner().case;
    assert!(case.unwrap().links.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_link_to_itself_an_inverse_and_a_missing_other_case_are_refused() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "")).await.unwrap();
    let itself = refused(client.link_cases(link("CASE-001", "CASE-001", LinkType::RelatesTo)).await);
    assert_eq!((itself.reason.as_str(), itself.fields), ("VALIDATION_FAILED", vec!["linked_case_id".to_owned()]));
    for wrong in [LinkType::BlockedBy, LinkType::Unspecified] {
        let refusal = refused(client.link_cases(link("CASE-001", "CASE-002", wrong)).await);
        assert_eq!((refusal.reason.as_str(), refusal.fields), ("VALIDATION_FAILED", vec!["link_type".to_owned()]));
    }
    for missing in ["CASE-002", "no case"] {
        let refusal = refused(client.link_cases(link("CASE-001", missing, LinkType::Blocks)).await);
        assert_eq!((refusal.reason.as_str(), refusal.resource.as_deref()), ("CASE_NOT_FOUND", Some(missing)));
    }
    server.stop().await;
}

#[tokio::test]
async fn every_change_survives_a_restart() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "")).await.unwrap();
    client.create_case(creation("u", "")).await.unwrap();
    client.add_comment(comment("one", "")).await.unwrap();
    let before = client.link_cases(link("CASE-001", "CASE-002", LinkType::ChildOf)).await.unwrap().into_inner().case;
    server.stop().await;
    let server = bench.start().await;
    let mut client = server.client("amira");
    let unchanged = client.assign_case(assignment("", None)).await.unwrap().into_inner().case;
    assert_eq!(unchanged, before);
    let next = client.add_comment(comment("two", "")).await.unwrap().into_inner().comment.unwrap();
    assert_eq!(next.comment_id, "CASE-001#2");
    server.stop().await;
}
