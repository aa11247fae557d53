//! A system with something in it that inputs can refer to.

use std::net::SocketAddr;

use anyhow::Context;
use case_api::pb::{
    AddCommentRequest, Case, CreateCaseRequest, GetCaseTimelineRequest, ListAuditEventsRequest, ListCasesRequest,
};
use test_support::{Caller, System, poll_until};

use super::drive::{self, Target};
use super::schema::Schema;
use super::seeds::Known;

/// Cases that inputs are about.
const CASES: usize = 40;

/// What inputs to one server are made from.
pub(super) async fn target(address: SocketAddr, known: &Known) -> anyhow::Result<Target> {
    let mut schema = Schema::of(address).await?;
    let client = drive::client();
    schema.part(async |method| drive::is_served(&client, address, method).await).await;
    Ok(Target { address, schema, known: known.clone(), run: "hostile" })
}

/// Makes cases, and learns their ids and all kinds of tokens.
pub(super) async fn fill(system: &System) -> anyhow::Result<Known> {
    let (mut commands, mut known) = (system.commands(Caller::actor("amira")), Known::default());
    for n in 0..CASES {
        let case = Case { title: format!("case {n}"), ..Case::default() };
        let request = CreateCaseRequest { case: Some(case), ..CreateCaseRequest::default() };
        let case_id = commands.create_case(request).await.context("making a case")?.into_inner().case;
        let case_id = case_id.context("an answer without its case")?.case_id;
        let request = AddCommentRequest {
            case_id: case_id.clone(),
            body: "a comment".to_owned(),
            ..AddCommentRequest::default()
        };
        known.tokens.push(commands.add_comment(request).await.context("a comment")?.into_inner().consistency_token);
        known.case_ids.push(case_id);
    }
    pages(system, &mut known).await?;
    Ok(known)
}

/// Tokens of next pages, and ids of audit events, once there are as many as there will be.
async fn pages(system: &System, known: &mut Known) -> anyhow::Result<()> {
    let recorded = poll_until("the audit log to catch up", || async {
        let request = ListAuditEventsRequest { page_size: 1_000, ..ListAuditEventsRequest::default() };
        let page = system.audit(Caller::actor("amira")).list_audit_events(request).await.ok()?.into_inner();
        (page.audit_events.len() == 2 * CASES).then_some(page.audit_events)
    })
    .await;
    known.audit_event_ids = recorded.into_iter().map(|event| event.audit_event_id).collect();
    let (mut audit, mut queries) = (system.audit(Caller::actor("amira")), system.queries(Caller::actor("amira")));
    let request = ListAuditEventsRequest { page_size: 1, ..ListAuditEventsRequest::default() };
    known.tokens.push(audit.list_audit_events(request).await?.into_inner().next_page_token);
    for order_by in ["", "create_time", "update_time desc"] {
        let order_by = order_by.to_owned();
        let request = ListCasesRequest { page_size: 1, order_by, ..ListCasesRequest::default() };
        known.tokens.push(queries.list_cases(request).await?.into_inner().next_page_token);
    }
    let (case_id, page_size) = (known.case_ids[0].clone(), 1);
    let request = GetCaseTimelineRequest { case_id, page_size, ..GetCaseTimelineRequest::default() };
    known.tokens.push(queries.get_case_timeline(request).await?.into_inner().next_page_token);
    Ok(())
}
