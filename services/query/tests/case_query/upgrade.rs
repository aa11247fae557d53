//! A read model that an earlier version has left.

use case_api::pb::ListCasesRequest;
use refinery::Target;
use rusqlite::Connection;

use crate::history::History;
use crate::stage::{comments_of, timeline_of};
use crate::system::{EPOCH, Surroundings, get_case};

mod migrations {
    refinery::embed_migrations!("migrations");
}

/// The rows of version 1 lack what version 2 answers from: it begins again.
#[tokio::test]
async fn a_store_of_version_1_is_built_anew_from_the_feed() {
    let mut history = History::of_cases(3);
    history.comment(2, "before the upgrade");
    let surroundings = Surroundings::with(&history).await;
    let mut connection = Connection::open(surroundings.database()).unwrap();
    migrations::migrations::runner().set_target(Target::Version(1)).run(&mut connection).unwrap();
    let left = "INSERT INTO projection (singleton, epoch, position, rebuild_head) VALUES (1, ?1, 4, 0)";
    connection.execute(left, [EPOCH]).unwrap();
    let left = "INSERT INTO cases VALUES (9, 'DRAFT', 'OPEN', '', '', '', 0, 0, x'ff');
                INSERT INTO case_tags VALUES ('water', 0, 9);";
    connection.execute_batch(left).unwrap();
    connection.close().unwrap();

    let query = surroundings.start().await;
    query.ready().await;
    assert_eq!(surroundings.feed.starts()[0].after_position, 0);
    assert_eq!(query.walk(ListCasesRequest::default(), || {}).await, ["CASE-003", "CASE-002", "CASE-001"]);
    assert!(query.get(get_case("CASE-009")).await.is_err());
    let comments = query.client().list_comments(comments_of("CASE-002")).await.unwrap().into_inner();
    assert_eq!(comments.comments[0].body, "before the upgrade");
    let timeline = query.client().get_case_timeline(timeline_of("CASE-002")).await.unwrap().into_inner();
    assert_eq!(timeline.entries.len(), 2);
    query.stop().await;
}
