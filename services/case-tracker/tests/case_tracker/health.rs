//! Health as an orchestrator sees it: nothing is SERVING before it is ready, and `NOT_SERVING` is the first act of an end.

use std::net::SocketAddr;

use test_support::{Caller, ServerProcess, Spec, eventually, poll_until};
use tokio::task::JoinHandle;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus::{self, NotServing, Serving};
use tonic_health::pb::health_client::HealthClient;

use crate::system::{AUDIT, COMMAND, QUERY, System, all_in_one, one};

/// What a server answers to a check of `name`.
pub(crate) async fn health(address: SocketAddr, name: &str) -> ServingStatus {
    let mut health = HealthClient::new(Caller::nobody().channel(address));
    let request = HealthCheckRequest { service: name.to_owned() };
    eventually("a health check", health.check(request)).await.unwrap().into_inner().status()
}

/// Waits until a server says that it is ready, or is not.
pub(crate) async fn until(address: SocketAddr, status: ServingStatus) {
    let what = format!("readiness to be {status:?}");
    poll_until(&what, || async { (health(address, "readiness").await == status).then_some(()) }).await;
}

/// Everything that a watch of readiness tells until it ends, as it comes.
async fn watch(address: SocketAddr) -> JoinHandle<Vec<ServingStatus>> {
    let mut health = HealthClient::new(Caller::nobody().channel(address));
    let request = HealthCheckRequest { service: "readiness".to_owned() };
    let mut statuses = eventually("a watch", health.watch(request)).await.unwrap().into_inner();
    tokio::spawn(async move {
        let mut told = Vec::new();
        while let Ok(Some(answer)) = statuses.message().await {
            told.push(answer.status());
        }
        told
    })
}

/// Nothing can be written where the probe of each store tries to: no service can be ready.
fn obstruct(spec: &Spec) -> Vec<std::path::PathBuf> {
    let place = |store: &str| spec.folder.join("data").join(format!("{store}.db.probe"));
    let places = ["command", "query", "audit"].map(place);
    for place in &places {
        std::fs::create_dir_all(place).unwrap();
    }
    places.into()
}

/// From the first answer of each service to its last.
async fn goes_through_its_states(spec: Spec) {
    let in_the_way = obstruct(&spec);
    let process: ServerProcess = spec.spawn().await;
    let addresses: Vec<_> = spec.services.iter().map(|service| process.address(service)).collect();
    let mut watches = Vec::new();
    for address in &addresses {
        assert_eq!((health(*address, "readiness").await, health(*address, "").await), (NotServing, NotServing));
        assert_eq!(health(*address, "liveness").await, Serving, "a process that answers is alive");
        watches.push(watch(*address).await);
    }
    for place in in_the_way {
        std::fs::remove_dir(place).unwrap();
    }
    for address in &addresses {
        until(*address, Serving).await;
    }
    assert_eq!(process.terminate().await.code(), Some(0));
    for watch in watches {
        let told = eventually("the watch to end", watch).await.unwrap();
        assert_eq!(told, [NotServing, Serving, NotServing], "in this order, and the last before the connection ends");
    }
}

fn often() -> [(&'static str, &'static str); 1] {
    [("CASE_TRACKER__PROBE__INTERVAL", "100ms")]
}

#[tokio::test]
async fn case_tracker_serves_only_between_being_ready_and_being_told_to_end() {
    let folder = tempfile::tempdir().unwrap();
    goes_through_its_states(all_in_one(folder.path().to_owned(), &often())).await;
}

#[tokio::test]
async fn case_command_serves_only_between_being_ready_and_being_told_to_end() {
    let folder = tempfile::tempdir().unwrap();
    goes_through_its_states(one(folder.path().to_owned(), COMMAND, &often())).await;
}

#[tokio::test]
async fn each_consumer_serves_only_between_being_ready_and_being_told_to_end() {
    let mut system = System::apart(&[]).await;
    let feed_url = format!("http://{}", system.address(COMMAND));
    for (name, key) in [(QUERY, "CASE_TRACKER__QUERY__FEED_URL"), (AUDIT, "CASE_TRACKER__AUDIT__FEED_URL")] {
        let folder = tempfile::tempdir().unwrap();
        let [interval] = often();
        goes_through_its_states(one(folder.path().to_owned(), name, &[interval, (key, &feed_url)])).await;
    }
    system.stop().await;
}
