//! One record for each event, whatever happens to the link and to the process.

use crate::events::{event_id, of_cases};
use crate::system::{Audit, Surroundings};
use crate::telemetry::Logs;

async fn ids_and_indexes(audit: &Audit) -> Vec<(String, u64)> {
    audit.all().await.into_iter().map(|event| (event.audit_event_id, event.index.unwrap())).collect()
}

fn expected(events: u64) -> Vec<(String, u64)> {
    (1..=events).map(|position| (event_id(position), position - 1)).collect()
}

#[tokio::test]
async fn each_event_has_one_record_and_indexes_have_no_gaps() {
    let (_surroundings, audit) = Surroundings::recorded(of_cases(12)).await;
    assert_eq!(ids_and_indexes(&audit).await, expected(24));
    audit.stop().await;
}

#[tokio::test]
async fn an_empty_log_is_served_and_new_events_arrive() {
    let (surroundings, audit) = Surroundings::recorded(Vec::new()).await;
    assert_eq!(ids_and_indexes(&audit).await, []);
    surroundings.feed.change(|content| content.events = of_cases(1));
    surroundings.feed.acknowledged(2).await;
    assert_eq!(ids_and_indexes(&audit).await, expected(2));
    audit.stop().await;
}

#[tokio::test]
async fn a_cut_link_loses_and_doubles_nothing() {
    let (surroundings, audit) = Surroundings::recorded(of_cases(3)).await;
    for (links, cases) in (2..).zip([4, 5]) {
        surroundings.feed.break_links();
        surroundings.feed.started(links).await;
        surroundings.feed.change(|content| content.events = of_cases(cases));
        surroundings.feed.acknowledged(2 * cases).await;
    }
    let starts: Vec<u64> = surroundings.feed.starts().iter().map(|start| start.after_position).collect();
    assert_eq!(starts, [0, 6, 8]);
    assert_eq!(ids_and_indexes(&audit).await, expected(10));
    audit.stop().await;
}

#[tokio::test]
async fn a_restart_goes_on_where_the_log_ends() {
    let (surroundings, audit) = Surroundings::recorded(of_cases(3)).await;
    let before = audit.all().await;
    audit.stop().await;
    surroundings.feed.change(|content| content.events = of_cases(5));
    let audit = surroundings.start().await;
    surroundings.feed.acknowledged(10).await;
    let starts: Vec<u64> = surroundings.feed.starts().iter().map(|start| start.after_position).collect();
    assert_eq!(starts, [0, 6]);
    assert_eq!(ids_and_indexes(&audit).await, expected(10));
    assert_eq!(audit.all().await[..6], before, "what was recorded has not changed");
    audit.stop().await;
}

/// A crash between the commit and the acknowledgement, as the store sees it: the events are there, and come again.
#[tokio::test]
async fn events_that_come_again_are_not_recorded_twice() {
    let logs = Logs::from_now_on();
    let (surroundings, audit) = Surroundings::recorded(of_cases(2)).await;
    let mut again = of_cases(2);
    again.extend(of_cases(1));
    surroundings.feed.change(|content| content.events = again);
    let halted = logs.logged("feed_halted").await;
    assert!(halted.contains("events are missing or repeated"), "{halted}");
    assert_eq!(ids_and_indexes(&audit).await, expected(4));
    audit.stop().await;
}
