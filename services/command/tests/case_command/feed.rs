//! The event feed.

use case_api::event_pb::{Action, RecordedEvent};
use case_api::feed_pb::follow_request::Message as Said;
use case_api::feed_pb::follow_response::Message as Say;
use case_api::feed_pb::{FollowAcknowledgement, FollowRequest, FollowResponse, FollowStart};
use test_support::{Caller, eventually};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use crate::{Bench, Running, creation, refused, transition};

pub(crate) type Outbox = mpsc::Sender<FollowRequest>;

pub(crate) async fn follow(server: &Running, consumer: &str, after: u64) -> (Outbox, Streaming<FollowResponse>) {
    try_follow(server, consumer, after).await.unwrap()
}

async fn try_follow(
    server: &Running,
    consumer: &str,
    after: u64,
) -> Result<(Outbox, Streaming<FollowResponse>), Status> {
    let (outbox, requests) = mpsc::channel(4);
    let start = FollowStart { consumer: consumer.to_owned(), after_position: after };
    outbox.send(FollowRequest { message: Some(Said::Start(start)) }).await.unwrap();
    let feed = Caller::actor("case-audit").feed(server.address).follow(ReceiverStream::new(requests)).await?;
    Ok((outbox, feed.into_inner()))
}

pub(crate) async fn acknowledge(outbox: &Outbox, position: u64) {
    let message = Some(Said::Acknowledgement(FollowAcknowledgement { position }));
    outbox.send(FollowRequest { message }).await.unwrap();
}

async fn next(feed: &mut Streaming<FollowResponse>) -> Say {
    eventually("a message of the feed", feed.message()).await.unwrap().unwrap().message.unwrap()
}

pub(crate) async fn next_batch(feed: &mut Streaming<FollowResponse>) -> Vec<RecordedEvent> {
    loop {
        match next(feed).await {
            Say::Batch(batch) => return batch.events,
            Say::Opened(_) | Say::Lifecycle(_) | Say::Heartbeat(_) => {}
        }
    }
}

/// The next `count` events, over as many batches as they come in.
async fn events(feed: &mut Streaming<FollowResponse>, count: usize) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    while events.len() < count {
        events.extend(next_batch(feed).await);
    }
    events
}

fn positions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.evidence.as_ref().unwrap().position).collect()
}

#[tokio::test]
async fn a_consumer_reads_the_store_the_lifecycle_every_event_and_then_what_comes() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("Water damage", "")).await.unwrap();
    let (_outbox, mut feed) = follow(&server, "case-query", 0).await;
    let Say::Opened(opened) = next(&mut feed).await else { panic!("opened comes first") };
    assert_eq!((opened.epoch.len(), opened.head_position), (16, 1));
    let Say::Lifecycle(lifecycle) = next(&mut feed).await else { panic!("the lifecycle comes second") };
    assert_eq!((lifecycle.version, lifecycle.statuses.len()), (1, 8));
    assert_eq!(positions(&events(&mut feed, 1).await), [1]);
    client.transition_case(transition("CASE-001", "SUBMITTED")).await.unwrap();
    let event = events(&mut feed, 1).await.remove(0);
    let evidence = event.evidence.unwrap();
    assert_eq!(
        (evidence.position, evidence.action(), evidence.actor_id.as_str()),
        (2, Action::CaseTransitioned, "amira")
    );
    let change = &evidence.changes[0];
    assert_eq!((change.field.as_str(), change.from.as_str(), change.to.as_str()), ("status", "DRAFT", "SUBMITTED"));
    server.stop().await;
}

#[tokio::test]
async fn a_consumer_goes_on_after_its_own_position_without_gap_or_repeat() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    for n in 0..1_200 {
        client.create_case(creation(&format!("t{n}"), "")).await.unwrap();
    }
    let (_outbox, mut feed) = follow(&server, "case-query", 0).await;
    assert_eq!(positions(&events(&mut feed, 1_200).await), (1..=1_200).collect::<Vec<_>>());
    let (_outbox, mut feed) = follow(&server, "case-query", 700).await;
    assert_eq!(positions(&events(&mut feed, 500).await), (701..=1_200).collect::<Vec<_>>());
    server.stop().await;
}

#[tokio::test]
async fn free_text_stands_in_the_content_and_not_in_the_evidence() {
    let bench = Bench::new();
    let server = bench.start().await;
    let canary = "canary-title-4711";
    server.client("amira").create_case(creation(canary, "")).await.unwrap();
    let (_outbox, mut feed) = follow(&server, "case-audit", 0).await;
    let event = events(&mut feed, 1).await.remove(0);
    assert!(!format!("{:?}", event.evidence).contains(canary));
    assert!(format!("{:?}", event.content).contains(canary), "control: the content has it");
    let title = event.evidence.unwrap().changes.into_iter().find(|change| change.field == "title").unwrap();
    assert_eq!((title.from_digest.len(), title.to_digest.len()), (0, 32));
    server.stop().await;
}

#[tokio::test]
async fn a_consumer_is_told_which_event_the_feed_has_at_its_position() {
    let bench = Bench::new();
    let server = bench.start().await;
    server.client("amira").create_case(creation("t", "")).await.unwrap();
    let (_outbox, mut feed) = follow(&server, "case-query", 0).await;
    let Say::Opened(opened) = next(&mut feed).await else { panic!("opened comes first") };
    assert_eq!(opened.after_event_id, "");
    let id = events(&mut feed, 1).await.remove(0).evidence.unwrap().event_id;
    let (_outbox, mut feed) = follow(&server, "case-query", 1).await;
    let Say::Opened(opened) = next(&mut feed).await else { panic!("opened comes first") };
    assert_eq!(opened.after_event_id, id);
    server.stop().await;
}

#[tokio::test]
async fn a_required_consumer_that_is_ahead_proves_that_history_is_lost_and_stops_commands() {
    let bench = Bench::new();
    let server = bench.start().await;
    let mut client = server.client("amira");
    client.create_case(creation("t", "k")).await.unwrap();
    let (_outbox, mut feed) = follow(&server, "case-query", 7).await;
    next(&mut feed).await;
    client.create_case(creation("u", "")).await.unwrap();
    let (_outbox, mut feed) = follow(&server, "case-audit", 7).await;
    next(&mut feed).await;
    let refusal = refused(client.create_case(creation("v", "")).await);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Unavailable, "STORE_UNAVAILABLE"));
    assert!(client.create_case(creation("t", "k")).await.unwrap().into_inner().replayed, "what there is can be read");
    server.stop().await;
}

#[tokio::test]
async fn a_stream_ends_when_the_server_does_and_says_to_come_back() {
    let bench = Bench::new();
    let server = bench.start().await;
    let (_outbox, mut feed) = follow(&server, "case-query", 0).await;
    next(&mut feed).await;
    next(&mut feed).await;
    server.stop().await;
    let end = eventually("the stream to end", feed.message()).await.unwrap_err();
    assert_eq!(end.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_stream_that_says_nothing_does_not_hold_up_the_end_of_the_server() {
    // Longer than the test waits: a drain that waited for the stream would fail it.
    let bench = Bench::new().with(|settings| settings.drain_timeout = std::time::Duration::from_mins(10));
    let server = bench.start().await;
    let (_outbox, requests) = mpsc::channel::<FollowRequest>(1);
    let mut feed = Caller::actor("case-query").feed(server.address);
    let silent = tokio::spawn(async move { feed.follow(ReceiverStream::new(requests)).await.map(|_| ()) });
    // Gives the stream the time of a command to arrive; one that comes later is refused as well.
    server.client("amira").create_case(creation("t", "")).await.unwrap();
    server.stop().await;
    assert!(eventually("the stream to be refused", silent).await.unwrap().is_err());
}

#[tokio::test]
async fn a_stream_that_does_not_introduce_itself_is_refused() {
    let bench = Bench::new();
    let server = bench.start().await;
    for name in ["", "Case Query", &"x".repeat(65)] {
        let refusal = refused(try_follow(&server, name, 0).await);
        assert_eq!((refusal.reason.as_str(), refusal.fields[0].as_str()), ("VALIDATION_FAILED", "start.consumer"));
    }
    let (outbox, requests) = mpsc::channel(1);
    acknowledge(&outbox, 1).await;
    let answer = Caller::actor("x").feed(server.address).follow(ReceiverStream::new(requests)).await;
    assert_eq!(refused(answer).fields, ["start"]);
    server.stop().await;
}
