//! Services die at any moment under a stream of commands; nothing is lost or doubled.

use std::sync::Arc;

use case_api::pb::case_command_service_client::CaseCommandServiceClient;
use case_api::pb::{AuditEvent, Case, Consistency, ListAuditEventsRequest, ListCasesRequest};
use test_support::{Caller, CallerChannel, SeededEntropy, poll_until};
use tokio::sync::watch;
use tonic::{Code, Response, Status};

use crate::ledger::{Ledger, broken_promises};
use crate::system::{AUDIT, COMMAND, QUERY, System, creation, transition};

const CLIENTS: usize = 4;
const CASES_PER_CLIENT: usize = 40;
const COMMANDS: usize = CLIENTS * CASES_PER_CLIENT * 3;
const KILLS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_service_is_killed_under_load_nothing_is_lost_or_doubled() {
    let mut system = System::apart(&[]).await;
    let (acknowledged, mut progress) = watch::channel(0);
    let acknowledged = Arc::new(acknowledged);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|n| tokio::spawn(work(n, system.commands(Caller::actor("amira")), Arc::clone(&acknowledged))))
        .collect();
    let random = SeededEntropy::new(2_026);
    for kill in 1..=KILLS {
        // Anywhere within this kill's share of the commands, and not on its border.
        let share = COMMANDS / (KILLS + 1);
        let after = kill * share + usize::try_from(random.next()).unwrap() % share / 2;
        progress.wait_for(|seen| *seen >= after).await.unwrap();
        let victim = [COMMAND, QUERY, AUDIT][usize::try_from(random.next() % 3).unwrap()];
        system.kill_and_restart(victim).await;
    }
    let (mut ledger, mut tokens) = (Ledger::new(), Vec::new());
    for client in clients {
        let (cases, token) = client.await.unwrap();
        ledger.extend(cases);
        tokens.push(token);
    }
    assert_eq!(ledger.values().sum::<u64>(), u64::try_from(COMMANDS).unwrap());
    let cases = all_cases(&system, tokens).await;
    let events = all_events(&system).await;
    assert_eq!(broken_promises(&ledger, &cases, &events), Vec::<String>::new());
    system.stop().await;
}

/// Creates and moves cases, one after the other, each command until it is acknowledged.
async fn work(
    client: usize,
    commands: CaseCommandServiceClient<CallerChannel>,
    acknowledged: Arc<watch::Sender<usize>>,
) -> (Vec<(String, u64)>, String) {
    let (mut ledger, mut token) = (Vec::new(), String::new());
    for n in 0..CASES_PER_CLIENT {
        let key = |step| format!("{client}-{n}-{step}");
        let created = until_acknowledged(|| {
            let mut commands = commands.clone();
            let request = creation("t", &key("create"));
            async move { commands.create_case(request).await }
        })
        .await;
        acknowledged.send_modify(|count| *count += 1);
        let id = created.case.unwrap().case_id;
        let mut version = 1;
        for status in ["SUBMITTED", "IN_REVIEW"] {
            let moved = until_acknowledged(|| {
                let mut commands = commands.clone();
                let request = transition(&id, status, &key(status));
                async move { commands.transition_case(request).await }
            })
            .await;
            acknowledged.send_modify(|count| *count += 1);
            (version, token) = (moved.case.unwrap().version, moved.consistency_token);
        }
        ledger.push((id, version));
    }
    (ledger, token)
}

/// Sends a command again, under the same key, until it is answered. Only what may be transient is sent again.
async fn until_acknowledged<T, F>(call: impl Fn() -> F) -> T
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    poll_until("an acknowledgement", || async {
        match call().await {
            Ok(answer) => Some(answer.into_inner()),
            Err(status) => {
                let transient = [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::Internal];
                assert!(transient.contains(&status.code()), "{status:?}");
                None
            }
        }
    })
    .await
}

/// Every page of cases, once the read model has seen everything that was acknowledged.
async fn all_cases(system: &System, tokens: Vec<String>) -> Vec<Case> {
    let consistency = Consistency { at_least_as_fresh: tokens };
    let (mut cases, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListCasesRequest {
            page_size: 37,
            page_token,
            consistency: Some(consistency.clone()),
            ..ListCasesRequest::default()
        };
        let page = poll_until("a page that is fresh enough", || {
            let (mut queries, request) = (system.queries(Caller::actor("amira")), request.clone());
            async move { queries.list_cases(request).await.ok() }
        })
        .await
        .into_inner();
        cases.extend(page.cases);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return cases;
        }
    }
}

/// Every page of audit events, once there are as many as there were commands.
async fn all_events(system: &System) -> Vec<AuditEvent> {
    poll_until("the audit log to catch up", || async {
        let mut audit = system.audit(Caller::actor("amira"));
        let (mut events, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListAuditEventsRequest { page_size: 100, page_token, ..ListAuditEventsRequest::default() };
            let page = audit.list_audit_events(request).await.ok()?.into_inner();
            events.extend(page.audit_events);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return (events.len() >= COMMANDS).then_some(events);
            }
        }
    })
    .await
}
