//! Answers that are kept in memory: they are used, and never outlive what they show.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use case_domain::LinkType::Blocks;
use test_support::poll_until;

use crate::history::History;
use crate::stage::{Stage, id, position, versions_at_each_position};
use crate::system::{EPOCH, get_at_least, get_case, token};

#[tokio::test]
async fn a_case_that_was_read_is_answered_from_memory_until_it_changes() {
    let mut history = History::of_cases(2);
    let stage = Stage::of(&history).await;
    let first = stage.query.get(get_case("CASE-001")).await.unwrap();
    stage.surroundings.tamper("UPDATE cases SET state = x'ff' WHERE number = 1");
    assert_eq!(stage.query.get(get_case("CASE-001")).await.unwrap(), first);
    // What happens to another case moves the place, not the case.
    history.comment(2, "elsewhere");
    stage.publish(&history).await;
    let later = stage.query.get(get_at_least("CASE-001", 3)).await.unwrap();
    assert_eq!((later.as_of, later.case), (token(EPOCH, 3), first.case));
    // The control: the store is asked again as soon as the case may look otherwise, and it is damaged.
    history.link(2, Blocks, 1);
    stage.publish(&history).await;
    assert!(stage.query.get(get_at_least("CASE-001", 4)).await.is_err());
    stage.query.stop().await;
}

#[tokio::test]
async fn an_acknowledged_change_is_never_hidden_by_an_answer_from_before() {
    let mut history = History::of_cases(2);
    let stage = Stage::of(&history).await;
    for round in 0..40 {
        // Both are kept now.
        assert_eq!((stage.case(1).await.version, stage.case(2).await.version), (1 + round, 1));
        let is_linked = round % 2 == 0;
        let change = if is_linked { History::link } else { History::unlink };
        change(&mut history, 1, Blocks, 2);
        stage.surroundings.publish(&history);
        let head = history.head();
        let changed = stage.query.get(get_at_least("CASE-001", head)).await.unwrap();
        let linked = stage.query.get(get_at_least("CASE-002", head)).await.unwrap();
        assert_eq!(changed.case.unwrap().version, 2 + round);
        assert_eq!(linked.case.unwrap().links.len(), usize::from(is_linked), "seen from the other side");
        assert_eq!((changed.as_of, linked.as_of), (token(EPOCH, head), token(EPOCH, head)));
    }
    stage.query.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_answer_is_the_case_as_of_the_position_that_it_names_while_cases_change() {
    const CASES: u64 = 3;
    let mut history = History::of_cases(CASES);
    let stage = Arc::new(Stage::of(&history).await);
    let is_over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|nth| {
            let (stage, is_over) = (Arc::clone(&stage), Arc::clone(&is_over));
            tokio::spawn(async move {
                let (mut client, mut seen, mut number) = (stage.query.client(), BTreeSet::new(), nth % CASES);
                while !is_over.load(Ordering::Relaxed) {
                    number = number % CASES + 1;
                    let answer = client.get_case(get_case(&id(number))).await.unwrap().into_inner();
                    seen.insert((position(&answer.as_of), number, answer.case.unwrap().version));
                }
                seen
            })
        })
        .collect();
    for round in 0..100 {
        history.comment(round % CASES + 1, "again");
        stage.publish(&history).await;
    }
    is_over.store(true, Ordering::Relaxed);
    let expected = versions_at_each_position(&history);
    let mut positions = BTreeSet::new();
    for reader in readers {
        for (at, number, version) in reader.await.unwrap() {
            assert_eq!(expected[at][&number], version, "case {number} as of {at}");
            positions.insert(at);
        }
    }
    assert!(positions.len() > 10, "the cases changed between the reads: {positions:?}");
    Arc::into_inner(stage).unwrap().query.stop().await;
}

#[tokio::test]
async fn another_lifecycle_shows_at_once_in_cases_that_have_not_changed() {
    let stage = Stage::of(&History::of_cases(1)).await;
    assert!(stage.case(1).await.allowed_transitions.iter().any(|allowed| allowed.to_status == "CANCELLED"));
    stage.surroundings.feed.change(|content| {
        content.lifecycle.version = 2;
        content.lifecycle.transitions.retain(|edge| edge.to_status != "CANCELLED");
    });
    let shown = poll_until("the new lifecycle", async || {
        let allowed = stage.case(1).await.allowed_transitions;
        allowed.iter().all(|allowed| allowed.to_status != "CANCELLED").then_some(allowed)
    });
    assert!(!shown.await.is_empty());
    stage.query.stop().await;
}
