//! Building the read model anew with many events, and being stopped on the way.

use case_api::pb::ListCasesRequest;
use rusqlite::Connection;
use test_support::{eventually, poll_until};

use crate::history::History;
use crate::stage::{id, timeline_of};
use crate::system::{EPOCH, OTHER_EPOCH, Query, Surroundings, get_case, refusal, token};

/// More than a rebuild that keeps its indexes up.
const CASES: u64 = 1_050;
/// Where the feed has an event that nobody knows: batches of ten before it are applied.
const UNKNOWN: usize = 700;

fn indexes(surroundings: &Surroundings) -> u64 {
    stored(surroundings, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
}

fn position(surroundings: &Surroundings) -> u64 {
    stored(surroundings, "SELECT coalesce(max(position), 0) FROM projection")
}

fn stored(surroundings: &Surroundings, sql: &str) -> u64 {
    let number: i64 = Connection::open(surroundings.database()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap();
    number.cast_unsigned()
}

/// Lists by two orders that have indexes of their own, and a timeline.
async fn answers(query: &Query) {
    for order_by in ["title", "update_time desc"] {
        let request = ListCasesRequest { order_by: order_by.to_owned(), page_size: 1_000, ..Default::default() };
        let mut ids = query.walk(request, || {}).await;
        ids.sort_unstable_by_key(|id| id.trim_start_matches("CASE-").parse::<u64>().unwrap());
        assert!(ids.into_iter().eq((1..=CASES).map(id)), "by {order_by}");
    }
    let timeline = query.client().get_case_timeline(timeline_of("CASE-001")).await.unwrap().into_inner();
    assert_eq!(timeline.entries.len(), 3);
    assert_eq!(query.get(get_case("CASE-001")).await.unwrap().case.unwrap().version, 3);
}

/// Case 1 changes twice in the middle of everything.
fn history() -> History {
    let mut history = History::of_cases(500);
    history.comment(1, "once");
    history.comment(1, "twice");
    for number in 501..=CASES {
        history.create(&format!("case {number}"));
    }
    history
}

/// A service that has been ended in the middle of its first rebuild.
async fn stopped_half_way(history: &History) -> Surroundings {
    let surroundings = Surroundings::with(history).await;
    surroundings.feed.change(|content| content.events[UNKNOWN].evidence.as_mut().unwrap().action = 99);
    let query = surroundings.start().await;
    eventually("the first batch", surroundings.feed.acknowledged(10)).await;
    // Not its acknowledgement: that of the last batch before a halt may be lost with the link.
    poll_until("the batches before", async || (position(&surroundings) == UNKNOWN as u64).then_some(())).await;
    assert_eq!(refusal(query.get(get_case("CASE-001")).await).reason, "PROJECTION_LAGGING");
    query.stop().await;
    assert_eq!(indexes(&surroundings), 0, "the control: nothing is kept up on the way");
    surroundings
}

#[tokio::test]
async fn a_rebuild_that_was_stopped_goes_on_and_ends_with_every_index() {
    let history = history();
    let surroundings = stopped_half_way(&history).await;
    surroundings.publish(&history);
    let query = surroundings.start().await;
    query.ready().await;
    assert_eq!(surroundings.feed.starts().last().unwrap().after_position, UNKNOWN as u64);
    assert_eq!(indexes(&surroundings), 17);
    answers(&query).await;
    query.stop().await;
}

#[tokio::test]
async fn a_rebuild_that_was_killed_while_it_made_its_indexes_makes_the_others() {
    let history = history();
    let surroundings = stopped_half_way(&history).await;
    surroundings.tamper("CREATE INDEX cases_by_title ON cases (title)");
    surroundings.publish(&history);
    let query = surroundings.start().await;
    query.ready().await;
    assert_eq!(indexes(&surroundings), 17);
    answers(&query).await;
    query.stop().await;
}

#[tokio::test]
async fn a_rebuild_that_an_earlier_program_has_finished_gets_the_indexes_that_it_lacks() {
    let history = history();
    let surroundings = Surroundings::with(&history).await;
    let query = surroundings.start().await;
    query.ready().await;
    query.stop().await;
    surroundings.tamper("DROP INDEX cases_by_title; DROP INDEX timeline_by_case");
    assert_eq!(indexes(&surroundings), 15, "the control");
    let query = surroundings.start().await;
    query.ready().await;
    assert_eq!(indexes(&surroundings), 17);
    answers(&query).await;
    query.stop().await;
}

#[tokio::test]
async fn a_stopped_rebuild_of_another_store_with_few_cases_has_every_index_too() {
    let history = history();
    let surroundings = stopped_half_way(&history).await;
    let few = History::of_cases(2);
    surroundings.feed.change(|content| {
        content.epoch = OTHER_EPOCH;
        content.events.clone_from(&few.events);
    });
    let query = surroundings.start().await;
    query.ready().await;
    assert_eq!(indexes(&surroundings), 17);
    let ids = query.walk(ListCasesRequest { order_by: "title".to_owned(), ..Default::default() }, || {}).await;
    assert_eq!(ids, ["CASE-001", "CASE-002"]);
    assert_ne!(query.get(get_case("CASE-001")).await.unwrap().as_of, token(EPOCH, 2));
    query.stop().await;
}
