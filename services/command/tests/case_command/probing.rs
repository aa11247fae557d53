//! What background looks at the store make of the service.

use std::net::SocketAddr;
use std::time::Duration;

use rusqlite::Connection;
use test_support::{Caller, eventually, poll_until};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus::{self, NotServing, Serving};
use tonic_health::pb::health_client::HealthClient;

use crate::{Bench, creation};

pub(crate) async fn health(address: SocketAddr, name: &str) -> Option<ServingStatus> {
    let mut health = HealthClient::new(Caller::nobody().channel(address));
    let request = HealthCheckRequest { service: name.to_owned() };
    // Before it listens there is no answer.
    eventually("a health check", health.check(request)).await.ok().map(|answer| answer.into_inner().status())
}

pub(crate) async fn until(address: SocketAddr, status: ServingStatus) {
    let what = format!("readiness to be {status:?}");
    poll_until(&what, || async { (health(address, "readiness").await == Some(status)).then_some(()) }).await;
}

#[tokio::test]
async fn a_newer_program_that_migrates_the_store_of_a_running_one_turns_its_readiness_off() {
    let bench = Bench::new().with(|settings| settings.probe.interval = Duration::from_millis(10));
    let server = bench.start().await;
    until(server.address, Serving).await;
    let newer = Connection::open(bench.folder.path().join("command.db")).unwrap();
    let version: i64 =
        newer.query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0)).unwrap();
    let sql = "INSERT INTO refinery_schema_history VALUES (?1, 'later', '2026-11-23T00:00:00Z', '1')";
    newer.execute(sql, [version + 1]).unwrap();
    until(server.address, NotServing).await;
    assert_eq!(health(server.address, "liveness").await, Some(Serving), "a restart would be refused for good");
    let created = server.client("amira").create_case(creation("t", "")).await;
    created.expect("newer schemas are compatible with the program before: what comes all the same is served");
    newer.execute("DELETE FROM refinery_schema_history WHERE version = ?1", [version + 1]).unwrap();
    until(server.address, Serving).await;
    server.stop().await;
}
