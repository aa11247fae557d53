//! What each of the three services shows of what has happened.

use std::net::SocketAddr;
use std::sync::Arc;

use case_api::ConsistencyToken;
use case_api::event_pb::RecordedEvent;
use case_api::pb::case_query_service_client::CaseQueryServiceClient;
use case_api::pb::{GetAuditEventRequest, GetCaseTimelineRequest, ListAuditEventsRequest, ListCasesRequest};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::Status;

use crate::{AUDIT, COMMAND, Caller, CallerChannel, Effect, QUERY, System, View, eventually, history, poll_until};

/// Cases whose timelines are asked for at once.
const TIMELINES_AT_ONCE: usize = 16;
/// The largest page.
const PAGE: i32 = 1_000;

/// The history, the read model and the audit log, once the latter two have caught up with the first. `DATA_LOSS` if one of
/// them is not whole in itself.
pub async fn views(system: &System) -> Result<[View; 3], Status> {
    let events = history(system.address(COMMAND)).await?;
    if let Some(last) = events.last().and_then(|event| event.evidence.as_ref()) {
        caught_up(system, last.position, &last.event_id).await;
    }
    let command = View { name: COMMAND, effects: command_effects(events)? };
    let query = View { name: QUERY, effects: query_effects(system.address(QUERY)).await? };
    let audit = View { name: AUDIT, effects: audit_effects(system.address(AUDIT)).await? };
    Ok([command, query, audit])
}

/// Waits until both consumers have the last event.
async fn caught_up(system: &System, position: u64, event_id: &str) {
    poll_until("the read model to catch up", || async {
        let request = ListCasesRequest { page_size: 1, ..ListCasesRequest::default() };
        let page = system.queries(Caller::actor("judge")).list_cases(request).await.ok()?.into_inner();
        let seen = ConsistencyToken::decode(&page.as_of).ok()?.position;
        (seen >= position).then_some(())
    })
    .await;
    poll_until("the audit log to catch up", || async {
        let request = GetAuditEventRequest { audit_event_id: event_id.to_owned() };
        system.audit(Caller::actor("judge")).get_audit_event(request).await.ok()
    })
    .await;
}

fn command_effects(events: Vec<RecordedEvent>) -> Result<Vec<Effect>, Status> {
    let effect = |(event, position): (RecordedEvent, u64)| {
        let (evidence, content) = (event.evidence.unwrap_or_default(), event.content.unwrap_or_default());
        if evidence.position != position {
            return Err(Status::data_loss(format!("position {} stands where {position} must", evidence.position)));
        }
        Ok(Effect { mark: content.reason, case_id: evidence.case_id, version: evidence.case_version })
    };
    events.into_iter().zip(1..).map(effect).collect()
}

async fn query_effects(address: SocketAddr) -> Result<Vec<Effect>, Status> {
    let mut queries = Caller::actor("judge").queries(address);
    let (turns, mut timelines) = (Arc::new(Semaphore::new(TIMELINES_AT_ONCE)), JoinSet::new());
    let mut page_token = String::new();
    loop {
        let request = ListCasesRequest { page_size: PAGE, page_token, ..ListCasesRequest::default() };
        let page = queries.list_cases(request).await?.into_inner();
        for case in page.cases {
            let (queries, turns) = (queries.clone(), Arc::clone(&turns));
            timelines.spawn(async move {
                let _turn = turns.acquire_owned().await;
                timeline(queries, case.case_id, case.version).await
            });
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let mut effects = Vec::new();
    while let Some(timeline) = eventually("a timeline", timelines.join_next()).await {
        effects.extend(timeline.expect("no reader panics")?);
    }
    Ok(effects)
}

type Queries = CaseQueryServiceClient<CallerChannel>;

/// What has happened to one case, which must be as much as its version says.
async fn timeline(mut queries: Queries, case_id: String, version: u64) -> Result<Vec<Effect>, Status> {
    let (mut effects, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = GetCaseTimelineRequest {
            case_id: case_id.clone(),
            page_size: PAGE,
            page_token,
            ..GetCaseTimelineRequest::default()
        };
        let page = queries.get_case_timeline(request).await?.into_inner();
        let effect = |entry: case_api::pb::TimelineEntry| Effect {
            mark: entry.reason,
            case_id: case_id.clone(),
            version: entry.case_version,
        };
        effects.extend(page.entries.into_iter().map(effect));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let last = effects.last().map_or(0, |effect| effect.version);
    if last < version {
        return Err(Status::data_loss(format!("{case_id} has version {version} and a timeline up to {last}")));
    }
    Ok(effects)
}

async fn audit_effects(address: SocketAddr) -> Result<Vec<Effect>, Status> {
    let mut audit = Caller::actor("judge").audit(address);
    let (mut effects, mut page_token): (Vec<Effect>, _) = (Vec::new(), String::new());
    loop {
        let request = ListAuditEventsRequest { page_size: PAGE, page_token, ..ListAuditEventsRequest::default() };
        let page = audit.list_audit_events(request).await?.into_inner();
        for event in page.audit_events {
            let next = u64::try_from(effects.len()).ok();
            if event.index != next {
                return Err(Status::data_loss(format!("index {:?} stands where {next:?} must", event.index)));
            }
            effects.push(Effect { mark: event.reason, case_id: event.case_id, version: event.case_version });
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(effects);
        }
    }
}
