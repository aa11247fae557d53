//! What stops the recording for good: the service goes on answering, and is not ready.

use case_api::event_pb::RecordedEvent;
use event_feed::fake::Content;

use crate::events::{CANARY, of_cases};
use crate::system::{Audit, EPOCH, OTHER_EPOCH, Surroundings};
use crate::telemetry::Logs;

/// Changes the feed while a service with two cases follows it, and waits until the service has halted.
async fn halted_by(change: impl FnOnce(&mut Content)) -> (Surroundings, Audit, String) {
    let logs = Logs::from_now_on();
    let (surroundings, audit) = Surroundings::recorded(of_cases(2)).await;
    surroundings.feed.change(change);
    surroundings.feed.break_links();
    let reason = logs.logged("feed_halted").await;
    audit.not_ready().await;
    assert_eq!(audit.all().await.len(), 4, "what is recorded is still served, and nothing else");
    (surroundings, audit, reason)
}

#[tokio::test]
async fn another_store_is_not_recorded_into_the_same_log() {
    let (surroundings, audit, reason) = halted_by(|content| content.epoch = OTHER_EPOCH).await;
    for part in ["01010101-0101", "02020202-0202", "4 records", "audit.feed_url", "audit.store"] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    audit.stop().await;

    let logs = Logs::from_now_on();
    surroundings.feed.change(|content| content.events = of_cases(5));
    let audit = surroundings.start().await;
    logs.logged("feed_halted").await;
    assert_eq!(audit.all().await.len(), 4);
    audit.stop().await;

    // The control: with the right store again, it goes on as if nothing had been.
    surroundings.feed.change(|content| content.epoch = EPOCH);
    let audit = surroundings.start().await;
    surroundings.feed.acknowledged(10).await;
    audit.ready().await;
    assert_eq!(audit.all().await.len(), 10);
    audit.stop().await;
}

#[tokio::test]
async fn an_empty_log_takes_the_store_that_it_finds() {
    let (surroundings, audit) = Surroundings::recorded(Vec::new()).await;
    audit.stop().await;
    surroundings
        .feed
        .change(|content| *content = Content { epoch: OTHER_EPOCH, events: of_cases(1), ..content.clone() });
    let audit = surroundings.start().await;
    surroundings.feed.acknowledged(2).await;
    audit.ready().await;
    audit.stop().await;
}

#[tokio::test]
async fn a_history_that_got_shorter_is_not_followed() {
    let (_surroundings, audit, reason) = halted_by(|content| content.events = of_cases(1)).await;
    assert!(reason.contains("ends at position 2") && reason.contains("up to 4"), "{reason}");
    audit.stop().await;
}

/// Makes an event unreadable.
type Damage = fn(&mut RecordedEvent);

#[tokio::test]
async fn a_history_that_went_on_differently_is_not_followed_also_after_a_restart() {
    let (surroundings, audit, reason) = halted_by(|content| {
        let last = content.events.last_mut().unwrap().evidence.as_mut().unwrap();
        last.event_id = "01a208cd-888e-75a4-ba0b-a6781beadf31".to_owned();
    })
    .await;
    assert!(reason.contains("another event at position"), "{reason}");
    audit.stop().await;
    let audit = surroundings.start().await;
    audit.not_ready().await;
    audit.stop().await;
}

#[tokio::test]
async fn an_event_that_this_version_cannot_read_is_not_recorded() {
    let cases: [(Damage, &str); 5] = [
        (|event| event.evidence.as_mut().unwrap().action = 99, "unknown action 99"),
        (|event| event.evidence.as_mut().unwrap().changes[0].field = "shoe_size".to_owned(), "unknown field"),
        (|event| event.evidence.as_mut().unwrap().event_id = "5".to_owned(), "no UUID"),
        (|event| event.evidence.as_mut().unwrap().status_category = 0, "invalid status_category"),
        (|event| event.content.as_mut().unwrap().changes[0].to.push('!'), "text of title is not the one"),
    ];
    for (damage, expected) in cases {
        let (_surroundings, audit, reason) = halted_by(|content| {
            content.events = of_cases(4);
            damage(&mut content.events[6]);
        })
        .await;
        assert!(reason.contains("position 7") && reason.contains(expected), "{expected}: {reason}");
        assert!(!reason.contains(CANARY), "{reason}");
        audit.stop().await;
    }
}
