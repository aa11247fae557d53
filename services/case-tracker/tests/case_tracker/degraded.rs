//! Degraded modes: one part is away, and what then still works. `docs/degraded-modes.md` names these tests.

use case_api::ConsistencyToken;
use case_api::pb::{Consistency, CreateCaseResponse, GetCaseRequest, GetCaseResponse, ListAuditEventsRequest};
use test_support::{Caller, Refusal, eventually, poll_until};
use tokio::net::TcpListener;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};

use crate::health::{health, until};
use crate::system::{AUDIT, COMMAND, QUERY, System, creation, one};

fn amira() -> Caller {
    Caller::actor("amira")
}

async fn create(system: &System) -> Result<CreateCaseResponse, Status> {
    let mut commands = system.commands(amira());
    eventually("an answer", commands.create_case(creation("t", ""))).await.map(tonic::Response::into_inner)
}

async fn read(system: &System, case_id: &str, token: Option<&str>) -> Result<GetCaseResponse, Status> {
    let consistency = token.map(|token| Consistency { at_least_as_fresh: vec![token.to_owned()] });
    let request = GetCaseRequest { case_id: case_id.to_owned(), consistency };
    eventually("an answer", system.queries(amira()).get_case(request)).await.map(tonic::Response::into_inner)
}

async fn until_recorded(system: &System, count: usize) {
    poll_until("the audit log to have all", || async {
        let listed = system.audit(amira()).list_audit_events(ListAuditEventsRequest::default()).await;
        (listed.unwrap().into_inner().audit_events.len() == count).then_some(())
    })
    .await;
}

/// Asks until case-command knows what the audit log has made durable.
async fn until_accepted(system: &System) -> CreateCaseResponse {
    Box::pin(poll_until("commands to be taken again", || async { create(system).await.ok() })).await
}

fn id(created: &CreateCaseResponse) -> &str {
    &created.case.as_ref().unwrap().case_id
}

#[tokio::test]
async fn without_the_audit_log_commands_go_on_up_to_the_configured_backlog() {
    let mut system = System::apart(&[("CASE_TRACKER__COMMAND__AUDIT_MAX_BACKLOG", "3")]).await;
    until_accepted(&system).await;
    until_recorded(&system, 1).await;
    system.stop_one(AUDIT).await;
    let mut accepted = 1;
    let refused = loop {
        match create(&system).await {
            Ok(_) => accepted += 1,
            Err(refused) => break Refusal::of(&refused),
        }
    };
    assert_eq!((refused.code, refused.reason.as_str(), refused.retry), (Code::Unavailable, "AUDIT_BACKLOG_FULL", true));
    assert_eq!((refused.metadata["consumer"].as_str(), refused.metadata["waiting"].as_str()), ("case-audit", "3"));
    assert!((4..=5).contains(&accepted), "{accepted}: the last acknowledgement may have been on its way");
    read(&system, &format!("CASE-00{accepted}"), None).await.unwrap();
    for name in [COMMAND, QUERY] {
        assert_eq!(health(system.address(name), "readiness").await, Serving, "{name} goes on with what it can do");
    }
    system.start_one(AUDIT).await;
    let next = until_accepted(&system).await;
    assert_eq!(id(&next), format!("CASE-00{}", accepted + 1), "refused commands use up no number");
    until_recorded(&system, accepted + 1).await;
    system.stop().await;
}

#[tokio::test]
async fn without_queries_commands_and_evidence_go_on_and_reads_catch_up_afterwards() {
    let mut system = System::apart(&[]).await;
    system.stop_one(QUERY).await;
    let created = create(&system).await.unwrap();
    until_recorded(&system, 1).await;
    let refused = read(&system, id(&created), None).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "nobody listens there");
    for name in [COMMAND, AUDIT] {
        assert_eq!(health(system.address(name), "readiness").await, Serving, "{name}");
    }
    system.start_one(QUERY).await;
    read(&system, id(&created), Some(&created.consistency_token)).await.unwrap();
    system.stop().await;
}

#[tokio::test]
async fn without_commands_reads_and_evidence_go_on_and_say_as_of_when() {
    let mut system = System::apart(&[("CASE_TRACKER__QUERY__FRESHNESS_WAIT", "50ms")]).await;
    let created = create(&system).await.unwrap();
    until_recorded(&system, 1).await;
    let token = created.consistency_token.as_str();
    poll_until("the read model to have it", || async { read(&system, "CASE-001", Some(token)).await.ok() }).await;
    system.stop_one(COMMAND).await;

    let refused = create(&system).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "nobody listens there");
    assert_eq!(read(&system, "CASE-001", Some(token)).await.unwrap().as_of, token);
    // Somebody else has seen more than was ever sent here.
    let ConsistencyToken { epoch, position } = ConsistencyToken::decode(token).unwrap();
    let later = ConsistencyToken { epoch, position: position + 1 }.encode();
    let lagging = Refusal::of(&read(&system, "CASE-001", Some(&later)).await.unwrap_err());
    assert_eq!((lagging.code, lagging.reason.as_str(), lagging.retry), (Code::Unavailable, "PROJECTION_LAGGING", true));
    until_recorded(&system, 1).await;
    for name in [QUERY, AUDIT] {
        until(system.address(name), NotServing).await;
        assert_eq!(health(system.address(name), "liveness").await, Serving, "a restart would not help {name}");
    }

    system.start_one(COMMAND).await;
    let next = create(&system).await.unwrap();
    assert_eq!(id(&next), "CASE-002");
    for name in [QUERY, AUDIT] {
        until(system.address(name), Serving).await;
    }
    until_recorded(&system, 2).await;
    system.stop().await;
}

/// Connects everybody and never says a word.
async fn black_hole() -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let swallow = async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    };
    (url, tokio::spawn(swallow))
}

#[tokio::test]
async fn without_a_collector_everything_is_as_before() {
    let (swallowing, _held) = black_hole().await;
    // Port 1 of the loopback interface: nobody listens there.
    for endpoint in ["http://127.0.0.1:1", swallowing.as_str()] {
        let mut system = System::all_in_one(&[("CASE_TRACKER__TELEMETRY__OTLP_ENDPOINT", endpoint)]).await;
        for _ in 0..20 {
            let created = create(&system).await.unwrap();
            read(&system, id(&created), Some(&created.consistency_token)).await.unwrap();
        }
        until_recorded(&system, 20).await;
        for name in [COMMAND, QUERY, AUDIT] {
            assert_eq!(health(system.address(name), "readiness").await, Serving, "{name}");
        }
        system.stop().await;
    }
}

/// A small file system that the test may fill; see `.ci/stages/full-disk.sh`.
const SMALL_DISK: &str = "CASE_TRACKER_TEST_SMALL_DISK";

#[tokio::test]
#[ignore = "needs a small file system of its own, named by CASE_TRACKER_TEST_SMALL_DISK: .ci/stages/full-disk.sh makes one"]
async fn on_a_full_disk_commands_are_refused_reads_of_the_feed_go_on_and_room_ends_it() {
    let folder = std::path::PathBuf::from(std::env::var(SMALL_DISK).unwrap());
    let settings = [("CASE_TRACKER__PROBE__INTERVAL", "100ms"), ("CASE_TRACKER__PROBE__DISK_FREE_BYTES_MIN", "65536")];
    let process = one(folder.clone(), COMMAND, &settings).start().await;
    let address = process.address(COMMAND);
    let mut commands = amira().commands(address);
    let mut create = async |title: &str| eventually("an answer", commands.create_case(creation(title, ""))).await;
    create("before").await.unwrap();

    let ballast = folder.join("ballast");
    let full = std::io::copy(&mut std::io::repeat(0), &mut std::fs::File::create(&ballast).unwrap()).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull, "the control: the disk is full");
    // What the log has room for is still taken.
    let mut accepted = 1;
    let refused = loop {
        match create(&"x".repeat(200)).await {
            Ok(_) => accepted += 1,
            Err(refused) => break Refusal::of(&refused),
        }
        assert!(accepted < 10_000, "the disk is not full");
    };
    assert_eq!((refused.code, refused.reason.as_str(), refused.retry), (Code::Unavailable, "STORE_UNAVAILABLE", true));
    until(address, NotServing).await;
    assert_eq!(health(address, "liveness").await, Serving);
    assert_eq!(events_of(address, accepted).await, accepted, "what was acknowledged can be read");

    std::fs::remove_file(&ballast).unwrap();
    until(address, Serving).await;
    let next = create("after").await.unwrap().into_inner();
    assert_eq!(id(&next), format!("CASE-{:03}", accepted + 1), "refused commands use up no number");
    assert_eq!(process.terminate().await.code(), Some(0));
}

/// Follows the feed from its beginning until there are so many events.
async fn events_of(address: std::net::SocketAddr, count: usize) -> usize {
    use case_api::feed_pb::{FollowRequest, FollowStart, follow_request, follow_response};
    let start = FollowStart { consumer: "reader".to_owned(), after_position: 0 };
    let start = FollowRequest { message: Some(follow_request::Message::Start(start)) };
    let (outbox, requests) = tokio::sync::mpsc::channel(1);
    outbox.send(start).await.unwrap();
    let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
    let mut feed = eventually("the feed", amira().feed(address).follow(requests)).await.unwrap().into_inner();
    let mut seen = 0;
    while seen < count {
        let told = eventually("events", feed.message()).await.unwrap().unwrap();
        if let Some(follow_response::Message::Batch(batch)) = told.message {
            seen += batch.events.len();
        }
    }
    seen
}

#[tokio::test]
async fn a_consumer_that_cannot_connect_asks_again_by_itself_however_long_it_takes() {
    let mut system = System::apart(&[]).await;
    system.stop_one(COMMAND).await;
    until(system.address(QUERY), NotServing).await;
    // Long enough for several attempts of which each has failed.
    poll_until("several attempts", || async {
        let attempts = system.lines_of(QUERY).iter().filter(|line| line.contains("\"feed_disconnected\"")).count();
        (attempts >= 4).then_some(())
    })
    .await;
    system.start_one(COMMAND).await;
    until(system.address(QUERY), Serving).await;
    system.stop().await;
}
