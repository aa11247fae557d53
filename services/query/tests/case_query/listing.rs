//! Lists and their pages.

use std::collections::BTreeSet;

use case_api::pb::{CaseFilter, ListCasesRequest, Priority, StatusCategory};
use case_api::timestamp_to_pb;
use test_support::SeededEntropy;

use crate::history::History;
use crate::system::{Surroundings, list_of};

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("CASE-{number:03}")).collect()
}

fn paged(order_by: &str, page_size: i32) -> ListCasesRequest {
    ListCasesRequest { order_by: order_by.to_owned(), page_size, ..ListCasesRequest::default() }
}

#[tokio::test]
async fn the_newest_come_first_and_ids_are_ordered_by_number() {
    let history = History::of_cases(1_001);
    let (_surroundings, query) = Surroundings::projected(&history).await;
    let page = query.list(ListCasesRequest::default()).await.unwrap();
    let listed: Vec<String> = page.cases.into_iter().map(|case| case.case_id).collect();
    assert_eq!(listed, ids((952..=1_001).rev()));
    assert_eq!(query.walk(paged("case_id", 300), || {}).await, ids(1..=1_001));
    assert_eq!(query.walk(paged("create_time asc", 1_000), || {}).await, ids(1..=1_001));
    query.stop().await;
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let mut history = History::of_cases(6);
    history.transition(4, "SUBMITTED");
    history.transition(5, "CANCELLED");
    let created = |number: u64| Some(timestamp_to_pb(history.cases[&number].create_time));
    let (_surroundings, query) = Surroundings::projected(&history).await;
    let none = CaseFilter::default;
    let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    for (filter, expected) in [
        (none(), ids([1, 2, 3, 4, 5, 6])),
        (CaseFilter { statuses: texts(&["SUBMITTED", "CANCELLED", "UNHEARD_OF"]), ..none() }, ids([4, 5])),
        (CaseFilter { statuses: texts(&["UNHEARD_OF"]), ..none() }, ids([])),
        (CaseFilter { status_categories: vec![StatusCategory::Closed.into()], ..none() }, ids([5])),
        (CaseFilter { priorities: vec![Priority::Unspecified.into()], ..none() }, ids([2, 4, 6])),
        (CaseFilter { assignees: texts(&["", "budi"]), ..none() }, ids([2, 3, 5, 6])),
        (CaseFilter { assignees: texts(&["budi"]), statuses: texts(&["DRAFT"]), ..none() }, ids([2])),
        (CaseFilter { reporters: texts(&["citra"]), ..none() }, ids([1, 2, 3, 4, 5, 6])),
        (CaseFilter { tags_all: texts(&["fire"]), ..none() }, ids([1, 3, 5])),
        (CaseFilter { tags_all: texts(&["fire", "water"]), ..none() }, ids([])),
        (CaseFilter { create_time_from: created(3), create_time_to: created(5), ..none() }, ids([2, 3])),
    ] {
        let request = ListCasesRequest { order_by: "case_id".to_owned(), ..list_of(filter.clone()) };
        assert_eq!(query.walk(request, || {}).await, expected, "{filter:?}");
    }
    query.stop().await;
}

/// While cases are created and moved between the pages, every case that keeps its place is met exactly once.
#[tokio::test]
async fn pages_neither_repeat_nor_skip_while_cases_change() {
    for seed in 0..4 {
        let random = SeededEntropy::new(seed);
        let mut history = History::of_cases(40);
        let (surroundings, query) = Surroundings::projected(&history).await;
        for order_by in ["create_time desc", "create_time", "case_id", "case_id desc", "update_time desc"] {
            let count = history.cases.len() as u64;
            let before: BTreeSet<String> = ids(1..=count).into_iter().collect();
            let mut moved = BTreeSet::new();
            let walked = query
                .walk(paged(order_by, 7), || {
                    history.create("while walking");
                    let number = random.next() % count + 1;
                    let to = if history.cases[&number].status.as_str() == "DRAFT" { "SUBMITTED" } else { "DRAFT" };
                    history.transition(number, to);
                    moved.insert(format!("CASE-{number:03}"));
                    surroundings.publish(&history);
                })
                .await;
            let met: BTreeSet<String> = walked.iter().cloned().collect();
            assert_eq!(met.len(), walked.len(), "nothing twice by {order_by}");
            let keeps_place = |id: &&String| order_by != "update_time desc" || !moved.contains(*id);
            let missed: Vec<&String> = before.difference(&met).filter(keeps_place).collect();
            assert!(missed.is_empty(), "{missed:?} by {order_by}");
            surroundings.feed.acknowledged(history.head()).await;
        }
        query.stop().await;
    }
}

#[tokio::test]
async fn a_page_is_cut_where_the_message_is_full() {
    let history = History::of_cases(300);
    let surroundings = Surroundings::with(&history).await;
    let mut settings = surroundings.settings();
    settings.limits.message_bytes = 16 * 1_024;
    let query = crate::system::Query::start(settings).await;
    query.ready().await;
    let page = query.list(paged("case_id", 1_000)).await.unwrap();
    assert!(page.cases.len() < 300 && !page.next_page_token.is_empty());
    assert_eq!(query.walk(paged("case_id", 1_000), || {}).await, ids(1..=300));
    query.stop().await;
}
