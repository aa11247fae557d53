//! A running case-query whose clock the test moves, and what comes of a history while somebody reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use case_api::pb::{
    BatchGetCasesRequest, BatchGetCasesResponse, Case, CaseLink, GetCaseTimelineRequest, GetCaseTimelineResponse,
    LinkType, ListCommentsRequest, ListCommentsResponse,
};
use case_api::{ConsistencyToken, event_from_record};
use case_domain::evolve;
use service_kit::clock::Clock as _;
use test_support::{FixedClock, eventually};
use tonic::Status;

use crate::history::{History, TIME_UNIX_US};
use crate::system::{EPOCH, Query, Surroundings, at_least, get_case, token};

/// A service, what is around it, and its clock, which stands at the first event of every history.
pub(crate) struct Stage {
    pub(crate) surroundings: Surroundings,
    pub(crate) query: Query,
    pub(crate) clock: Arc<FixedClock>,
}

impl Stage {
    /// A service that has projected a history.
    pub(crate) async fn of(history: &History) -> Self {
        let surroundings = Surroundings::with(history).await;
        let clock = Arc::new(FixedClock::new());
        clock.advance_us(TIME_UNIX_US - clock.unix_us());
        let query = Query::start_at(surroundings.settings(), Arc::clone(&clock) as _).await;
        query.ready().await;
        let stage = Self { surroundings, query, clock };
        stage.projected(history).await;
        stage
    }

    /// The feed has got this far, and the service has followed it.
    pub(crate) async fn publish(&self, history: &History) {
        self.surroundings.publish(history);
        self.projected(history).await;
    }

    async fn projected(&self, history: &History) {
        eventually("acknowledgements", self.surroundings.feed.acknowledged(history.head())).await;
    }

    pub(crate) async fn case(&self, number: u64) -> Case {
        self.query.get(get_case(&id(number))).await.unwrap().case.unwrap()
    }

    /// The links of a case, by the number of the other.
    pub(crate) async fn links(&self, number: u64) -> Vec<(u64, LinkType)> {
        shown_links(&self.case(number).await.links)
    }

    pub(crate) async fn batch(&self, case_ids: Vec<String>) -> Result<BatchGetCasesResponse, Status> {
        let request = BatchGetCasesRequest { case_ids, consistency: None };
        Ok(self.query.client().batch_get_cases(request).await?.into_inner())
    }

    pub(crate) async fn comments(&self, request: ListCommentsRequest) -> Result<ListCommentsResponse, Status> {
        Ok(self.query.client().list_comments(request).await?.into_inner())
    }

    pub(crate) async fn timeline(&self, request: GetCaseTimelineRequest) -> Result<GetCaseTimelineResponse, Status> {
        Ok(self.query.client().get_case_timeline(request).await?.into_inner())
    }
}

pub(crate) fn id(number: u64) -> String {
    format!("CASE-{number:03}")
}

pub(crate) fn shown_links(links: &[CaseLink]) -> Vec<(u64, LinkType)> {
    let number = |link: &CaseLink| link.case_id.trim_start_matches("CASE-").parse().unwrap();
    links.iter().map(|link| (number(link), link.link_type())).collect()
}

pub(crate) fn comments_of(case_id: &str) -> ListCommentsRequest {
    ListCommentsRequest { case_id: case_id.to_owned(), ..ListCommentsRequest::default() }
}

pub(crate) fn timeline_of(case_id: &str) -> GetCaseTimelineRequest {
    GetCaseTimelineRequest { case_id: case_id.to_owned(), ..GetCaseTimelineRequest::default() }
}

pub(crate) fn timeline_at_least(case_id: &str, position: u64) -> GetCaseTimelineRequest {
    let consistency = Some(at_least([token(EPOCH, position)]));
    GetCaseTimelineRequest { consistency, ..timeline_of(case_id) }
}

/// The cases as they were at each position of a history.
pub(crate) fn versions_at_each_position(history: &History) -> Vec<BTreeMap<u64, u64>> {
    let mut cases = BTreeMap::new();
    let mut versions = vec![BTreeMap::new()];
    for record in &history.events {
        let event = event_from_record(record).unwrap().event;
        let number = event.case_id.number();
        let case = evolve(cases.remove(&number), &event).unwrap();
        cases.insert(number, case);
        versions.push(cases.iter().map(|(number, case)| (*number, case.version)).collect());
    }
    versions
}

/// The position that an answer is as of.
pub(crate) fn position(as_of: &str) -> usize {
    usize::try_from(ConsistencyToken::decode(as_of).unwrap().position).unwrap()
}
