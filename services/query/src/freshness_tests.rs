//! Who waits, for what, and what becomes of it.

use case_api::Epoch;
use case_api::event_pb::{Category, LifecycleDefinition, StatusDefinition};
use case_api::lifecycle_from_pb;

use super::*;
use crate::schema::Place;

const HERE: Epoch = Epoch([1; 16]);

fn token(epoch: Epoch, position: u64) -> ConsistencyToken {
    ConsistencyToken { epoch, position }
}

fn view(position: u64, rebuild_head: u64) -> View {
    let definition = LifecycleDefinition {
        version: 1,
        statuses: vec![StatusDefinition { name: "OPEN".to_owned(), category: Category::Open.into() }],
        initial_statuses: vec!["OPEN".to_owned()],
        transitions: vec![],
    };
    let lifecycle = Some(Arc::new(lifecycle_from_pb(&definition).unwrap()));
    View { place: Some(Place { epoch: HERE, position, rebuild_head }), lifecycle, lifecycle_version: 1 }
}

fn freshness(view: View) -> (watch::Sender<View>, Freshness) {
    let (sender, view) = watch::channel(view);
    (sender, Freshness { view, wait_max: Duration::from_millis(10) })
}

async fn wait(freshness: &Freshness, tokens: &[ConsistencyToken]) -> Result<(), Failure> {
    freshness.wait(tokens, Instant::now() + Duration::from_mins(1)).await.map(drop)
}

async fn refused(freshness: &Freshness, tokens: &[ConsistencyToken]) -> Reason {
    wait(freshness, tokens).await.unwrap_err().reason()
}

#[test]
fn a_wait_ends_at_its_bound_or_before_the_deadline() {
    let (now, ms) = (Instant::now(), Duration::from_millis);
    let waits = |deadline| give_up_at(now, now + deadline, ms(2_000)).saturating_duration_since(now);
    assert_eq!(waits(ms(60_000)), ms(2_000));
    assert_eq!(waits(ms(500)), ms(450));
    assert_eq!(waits(ms(20)), ms(0));
}

#[tokio::test]
async fn what_is_there_is_answered_at_once() {
    let (_sender, freshness) = freshness(view(5, 5));
    assert!(wait(&freshness, &[]).await.is_ok());
    assert!(wait(&freshness, &[token(HERE, 5), token(HERE, 2)]).await.is_ok());
}

#[tokio::test]
async fn a_read_waits_for_every_token() {
    let (sender, freshness) = freshness(view(5, 0));
    let freshness = Freshness { wait_max: Duration::from_secs(30), ..freshness };
    let waiting = tokio::spawn(async move { wait(&freshness, &[token(HERE, 6), token(HERE, 7)]).await.is_ok() });
    tokio::task::yield_now().await;
    sender.send_replace(view(6, 0));
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    sender.send_replace(view(7, 0));
    assert!(waiting.await.unwrap());
}

#[tokio::test]
async fn who_waits_in_vain_learns_how_far_the_projection_is() {
    let (_sender, freshness) = freshness(view(5, 0));
    let failure = wait(&freshness, &[token(HERE, 8)]).await.unwrap_err();
    assert_eq!(failure.reason(), Reason::ProjectionLagging);
    assert!(failure.message().contains("3 events behind (at position 5, wanted 8)"), "{}", failure.message());
}

#[tokio::test]
async fn a_token_of_another_store_is_refused() {
    let (_sender, freshness) = freshness(view(5, 0));
    let tokens = [token(HERE, 1), token(Epoch([2; 16]), 1)];
    assert_eq!(refused(&freshness, &tokens).await, Reason::InvalidConsistencyToken);
}

#[tokio::test]
async fn a_projection_that_knows_nothing_yet_answers_nobody_but_is_waited_for() {
    let (sender, freshness) = freshness(View::default());
    assert_eq!(refused(&freshness, &[]).await, Reason::ProjectionLagging);
    assert_eq!(refused(&freshness, &[token(HERE, 6)]).await, Reason::ProjectionLagging);
    let freshness = Freshness { wait_max: Duration::from_secs(30), ..freshness };
    let waiting = tokio::spawn(async move { wait(&freshness, &[token(HERE, 6)]).await.is_ok() });
    tokio::task::yield_now().await;
    sender.send_replace(view(6, 0));
    assert!(waiting.await.unwrap());
}

#[tokio::test]
async fn a_projection_that_is_being_built_answers_nobody() {
    let (_sender, freshness) = freshness(view(5, 9));
    assert_eq!(refused(&freshness, &[]).await, Reason::ProjectionLagging);
    assert_eq!(refused(&freshness, &[token(HERE, 1)]).await, Reason::ProjectionLagging);
}
