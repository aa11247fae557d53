//! Links from both sides.

use case_api::pb::{LinkType as Shown, ListCasesRequest};
use case_domain::LinkType::{Blocks, ChildOf, Duplicates, RelatesTo};

use crate::history::History;
use crate::stage::{Stage, id, shown_links};

#[tokio::test]
async fn the_other_side_shows_the_inverse_until_the_link_is_taken_away() {
    let mut history = History::of_cases(5);
    for (other, link_type) in [(2, Duplicates), (3, Blocks), (4, ChildOf), (5, RelatesTo)] {
        history.link(1, link_type, other);
    }
    let stage = Stage::of(&history).await;
    let own = [(2, Shown::Duplicates), (3, Shown::Blocks), (4, Shown::ChildOf), (5, Shown::RelatesTo)];
    assert_eq!(stage.links(1).await, own);
    let inverse = [(2, Shown::DuplicatedBy), (3, Shown::BlockedBy), (4, Shown::ParentOf), (5, Shown::RelatesTo)];
    for (other, shown) in inverse {
        assert_eq!(stage.links(other).await, [(1, shown)]);
        assert_eq!(stage.case(other).await.version, 1, "the other side is derived: it has not changed");
    }
    for (other, link_type) in [(2, Duplicates), (3, Blocks), (4, ChildOf), (5, RelatesTo)] {
        history.unlink(1, link_type, other);
        stage.publish(&history).await;
        assert_eq!(stage.links(other).await, []);
    }
    assert_eq!(stage.links(1).await, []);
    stage.query.stop().await;
}

#[tokio::test]
async fn own_links_come_first_and_those_of_others_by_their_number() {
    let mut history = History::of_cases(1_001);
    history.link(1_001, Blocks, 2);
    history.link(999, Duplicates, 2);
    history.link(2, ChildOf, 700);
    history.link(3, Blocks, 2);
    history.link(2, Blocks, 1);
    history.link(3, ChildOf, 2);
    let stage = Stage::of(&history).await;
    let expected = [
        (700, Shown::ChildOf),
        (1, Shown::Blocks),
        (3, Shown::BlockedBy),
        (3, Shown::ParentOf),
        (999, Shown::DuplicatedBy),
        (1_001, Shown::BlockedBy),
    ];
    assert_eq!(stage.links(2).await, expected);
    // Every read shows the same case.
    let batch = stage.batch(vec![id(2)]).await.unwrap();
    assert_eq!(shown_links(&batch.cases[0].links), expected);
    let list = ListCasesRequest { order_by: "case_id".to_owned(), page_size: 2, ..ListCasesRequest::default() };
    assert_eq!(shown_links(&stage.query.list(list).await.unwrap().cases[1].links), expected);
    stage.query.stop().await;
}

#[tokio::test]
async fn a_relation_that_both_sides_have_made_shows_once_on_each() {
    let mut history = History::of_cases(3);
    history.link(1, RelatesTo, 2);
    history.link(2, RelatesTo, 1);
    // Not the same link: each blocks the other.
    history.link(1, Blocks, 3);
    history.link(3, Blocks, 1);
    let stage = Stage::of(&history).await;
    assert_eq!(stage.links(1).await, [(2, Shown::RelatesTo), (3, Shown::Blocks), (3, Shown::BlockedBy)]);
    assert_eq!(stage.links(2).await, [(1, Shown::RelatesTo)]);
    // What one side takes away, the other still has.
    history.unlink(1, RelatesTo, 2);
    stage.publish(&history).await;
    let expected = [(3, Shown::Blocks), (2, Shown::RelatesTo), (3, Shown::BlockedBy)];
    assert_eq!(stage.links(1).await, expected, "seen from the other side now");
    assert_eq!(stage.links(2).await, [(1, Shown::RelatesTo)]);
    history.unlink(2, RelatesTo, 1);
    stage.publish(&history).await;
    assert_eq!(stage.links(2).await, []);
    stage.query.stop().await;
}

#[tokio::test]
async fn of_the_links_of_others_256_are_shown() {
    let mut history = History::of_cases(301);
    for other in 2..=301 {
        history.link(other, RelatesTo, 1);
    }
    // Shown once, and no place is lost by it.
    history.link(1, RelatesTo, 2);
    history.link(1, RelatesTo, 3);
    let stage = Stage::of(&history).await;
    let links = stage.links(1).await;
    let expected: Vec<(u64, Shown)> = (2..=259).map(|number| (number, Shown::RelatesTo)).collect();
    assert_eq!(links, expected);
    stage.query.stop().await;
}
