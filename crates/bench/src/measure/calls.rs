//! The calls that are measured, the same ones for every rival.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use case_api::pb;
use prost::Message;
use uuid::Uuid;

use crate::bench::{Bench, PEAK_IN_FLIGHT};
use crate::error::Error;
use crate::load::{Lane, Workload, block_on, call_once};
use crate::server::{Answers, Server, Telemetry};

pub(super) const CREATE_CASE: &str = "/casetracker.v1.CaseCommandService/CreateCase";
pub(super) const GET_CASE: &str = "/casetracker.v1.CaseQueryService/GetCase";
const LIST_CASES: &str = "/casetracker.v1.CaseQueryService/ListCases";
const LIST_AUDIT_EVENTS: &str = "/casetracker.v1.AuditService/ListAuditEvents";

/// How long the read model may take to catch up with whatever was written.
const CATCH_UP_MAX: Duration = Duration::from_mins(10);

/// Between two looks at a log that catches up.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Text of the size that people write.
const DESCRIPTION: &str = "The tenant of unit 4 reports water coming through the ceiling of the bathroom since this \
                           morning. The valve of the riser has been closed, and the electrician has been told.";

/// The bytes of one `CreateCase`: a case as people open them, with a key of its own.
pub(super) fn create_case_request(number: u64) -> Bytes {
    let case = pb::Case {
        title: format!("Water damage, unit {}", number % 1_000),
        description: DESCRIPTION.to_owned(),
        priority: pb::Priority::High.into(),
        reporter: "budi".to_owned(),
        tags: vec!["water".to_owned(), "urgent".to_owned()],
        ..pb::Case::default()
    };
    let idempotency_key = Uuid::from_u64_pair(scattered(number), scattered(!number)).to_string();
    pb::CreateCaseRequest { case: Some(case), idempotency_key, ..pb::CreateCaseRequest::default() }
        .encode_to_vec()
        .into()
}

/// `CreateCase` at a server.
pub(super) fn create_case(address: SocketAddr) -> Workload {
    Workload::new(address, CREATE_CASE, create_case_request)
}

/// `GetCase` of cases all over the store, which has `cases` of them.
pub(super) fn get_case(address: SocketAddr, cases: u64) -> Workload {
    Workload::new(address, GET_CASE, move |number| {
        let case_id = format!("CASE-{:03}", scattered(number) % cases.max(1) + 1);
        pb::GetCaseRequest { case_id, consistency: None }.encode_to_vec().into()
    })
}

/// A page of `ListCases`, always the same one; the first one without a token.
pub(super) fn list_cases(address: SocketAddr, page_token: String) -> Workload {
    let request: Bytes = list_cases_request(page_token).encode_to_vec().into();
    Workload::new(address, LIST_CASES, move |_| request.clone())
}

fn list_cases_request(page_token: String) -> pb::ListCasesRequest {
    pb::ListCasesRequest { page_token, ..pb::ListCasesRequest::default() }
}

/// A number that looks like chance and never comes twice: the finaliser of `SplitMix64` (Steele, Lea and Flood, 2014).
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Makes one call that must succeed, and reads its answer.
pub(super) fn ask<M: Message + Default>(workload: &Workload) -> Result<M, Error> {
    decode(&call_once(workload)?)
}

pub(super) fn decode<M: Message + Default>(bytes: &Bytes) -> Result<M, Error> {
    M::decode(bytes.clone()).map_err(|error| Error::Unmeasurable(format!("an answer cannot be read: {error}")))
}

/// Waits until case-query shows the case that a command has just made.
pub(super) fn wait_until_visible(
    query: SocketAddr,
    made: &pb::CreateCaseResponse,
) -> Result<pb::GetCaseResponse, Error> {
    let request: Bytes = fresh_get(made).encode_to_vec().into();
    let workload = Workload::new(query, GET_CASE, move |_| request.clone());
    let begun = Instant::now();
    block_on(async {
        let mut lane = Lane::connect(query).await?;
        loop {
            match lane.call(&workload).await {
                Ok(answer) => return decode(&answer),
                // It waits for a while by itself, so this does not spin.
                Err(status) if status.code() == tonic::Code::Unavailable && begun.elapsed() < CATCH_UP_MAX => {}
                Err(status) => return Err(Error::call(GET_CASE)(status)),
            }
        }
    })
}

/// Waits until case-audit has the event of a command that has just made a case.
pub(super) fn wait_until_recorded(audit: SocketAddr, made: &pb::CreateCaseResponse) -> Result<(), Error> {
    let case_id = made.case.as_ref().map(|case| case.case_id.clone()).unwrap_or_default();
    let filter = pb::AuditEventFilter { case_id, ..pb::AuditEventFilter::default() };
    let request = pb::ListAuditEventsRequest { filter: Some(filter), ..pb::ListAuditEventsRequest::default() };
    let request: Bytes = request.encode_to_vec().into();
    let workload = Workload::new(audit, LIST_AUDIT_EVENTS, move |_| request.clone());
    let begun = Instant::now();
    while ask::<pb::ListAuditEventsResponse>(&workload)?.audit_events.is_empty() {
        if begun.elapsed() > CATCH_UP_MAX {
            return Err(Error::Unmeasurable("case-audit does not catch up".to_owned()));
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    Ok(())
}

/// Asks for a case as fresh as its command left it.
pub(super) fn fresh_get(made: &pb::CreateCaseResponse) -> pb::GetCaseRequest {
    let case_id = made.case.as_ref().map(|case| case.case_id.clone()).unwrap_or_default();
    let token = made.consistency_token.clone();
    pb::GetCaseRequest { case_id, consistency: Some(pb::Consistency { at_least_as_fresh: vec![token] }) }
}

/// The token of a page, by walking to it: 1 is the first.
pub(super) fn page_token(query: SocketAddr, page: u32) -> Result<String, Error> {
    block_on(async {
        let mut lane = Lane::connect(query).await?;
        let mut token = String::new();
        for _ in 1..page {
            let workload = list_cases(query, token);
            let answer = lane.call(&workload).await.map_err(Error::call(LIST_CASES))?;
            token = decode::<pb::ListCasesResponse>(&answer)?.next_page_token;
            if token.is_empty() {
                return Err(Error::Unmeasurable(format!("there are fewer than {page} pages: ask for more cases")));
            }
        }
        Ok(token)
    })
}

/// What a real system answers, for the echo: recorded from one with a page of cases.
pub(super) fn record_answers(bench: &Bench) -> Result<Answers, Error> {
    let system = bench.system("recorded", Telemetry::Off)?;
    let command = system.start_command()?;
    let query = system.start_query()?;
    let create = create_case(command.address);
    bench.fill(&create, u64::try_from(PEAK_IN_FLIGHT).unwrap_or(u64::MAX))?;
    let create_case: pb::CreateCaseResponse = ask(&create)?;
    let get_case = wait_until_visible(query.address, &create_case)?;
    let list_cases = ask(&list_cases(query.address, String::new()))?;
    stop([query, command])?;
    Ok(Answers { create_case, get_case, list_cases })
}

/// Stops servers, each of which must end well.
pub(super) fn stop(servers: impl IntoIterator<Item = Server>) -> Result<(), Error> {
    servers.into_iter().try_for_each(Server::stop)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_commands_share_a_key_and_all_are_of_one_size() {
        let keys: HashSet<_> = (1_000..3_000)
            .map(|number| {
                let request = create_case_request(number);
                pb::CreateCaseRequest::decode(request).expect("a request").idempotency_key
            })
            .collect();
        assert_eq!(keys.len(), 2_000);
        assert!(keys.iter().all(|key| key.len() == 36));
    }

    #[test]
    fn reads_ask_only_for_cases_that_are_there() {
        let workload = get_case(SocketAddr::from(([127, 0, 0, 1], 1)), 3);
        let asked: HashSet<_> =
            (0..100).map(|_| pb::GetCaseRequest::decode(workload.next()).expect("a request").case_id).collect();
        assert_eq!(asked, ["CASE-001", "CASE-002", "CASE-003"].map(ToOwned::to_owned).into());
    }
}
