//! What becomes of each service when something happens to its store while it runs.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use case_api::pb::ListAuditEventsRequest;
use test_support::{Caller, Refusal, eventually, poll_until};
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};

use crate::health::{health, until};
use crate::system::{AUDIT, COMMAND, QUERY, System, creation, one};

const PAGE: u64 = 4_096;
const OFTEN: (&str, &str) = ("CASE_TRACKER__PROBE__INTERVAL", "100ms");

/// Three processes whose stores hold something, and have it in their files rather than in their logs.
async fn system() -> System {
    let mut system = System::apart(&[OFTEN]).await;
    for number in 0..20 {
        system.commands(Caller::actor("amira")).create_case(creation(&format!("case {number}"), "")).await.unwrap();
    }
    let audit = &system;
    poll_until("the audit log to have all", || async {
        let listed = audit.audit(Caller::actor("amira")).list_audit_events(ListAuditEventsRequest::default()).await;
        (listed.unwrap().into_inner().audit_events.len() == 20).then_some(())
    })
    .await;
    for name in [QUERY, AUDIT, COMMAND] {
        system.stop_one(name).await;
    }
    for name in [COMMAND, QUERY, AUDIT] {
        system.start_one(name).await;
    }
    system
}

/// Everything but the first page, so that the file is still one of SQLite's.
fn damage(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    let rest = file.metadata().unwrap().len() - PAGE;
    file.write_all_at(&vec![0xff; usize::try_from(rest).unwrap()], PAGE).unwrap();
}

fn cut(path: &Path) {
    File::options().write(true).open(path).unwrap().set_len(PAGE).unwrap();
}

async fn is_off_for_good(system: &System, name: &str) {
    let address = system.address(name);
    until(address, NotServing).await;
    let service = match name {
        COMMAND => case_command::SERVICES[0],
        QUERY => case_query::SERVICES[0],
        _ => case_audit::SERVICES[0],
    };
    assert_eq!((health(address, "").await, health(address, service).await), (NotServing, NotServing), "{name}");
    assert_eq!((health(address, "liveness").await, health(address, "startup").await), (Serving, Serving), "{name}");
    let corrupted =
        |line: &&String| line.contains("\"event\":\"case_store_corrupted\"") && line.contains("\"level\":\"ERROR\"");
    poll_until("the loud line", || async { system.lines_of(name).iter().find(corrupted).map(|_| ()) }).await;
}

#[tokio::test]
async fn a_store_that_is_damaged_or_cut_while_it_is_used_turns_its_own_service_off_and_is_told_of_loudly() {
    let mut system = system().await;
    for (name, harm) in [(QUERY, damage as fn(&Path)), (AUDIT, cut), (COMMAND, damage)] {
        // The control: until then it is ready, though others are not any more.
        assert_eq!(health(system.address(name), "readiness").await, Serving, "{name}");
        assert!(!system.lines_of(name).iter().any(|line| line.contains("case_store_corrupted")), "{name}");
        harm(&system.store(name));
        is_off_for_good(&system, name).await;
    }
    let mut commands = system.commands(Caller::actor("amira"));
    let refused = Refusal::of(&eventually("an answer", commands.create_case(creation("t", ""))).await.unwrap_err());
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (Code::Unavailable, "STORE_UNAVAILABLE"),
        "nothing is added to it"
    );
    for name in [QUERY, AUDIT, COMMAND] {
        assert_eq!(health(system.address(name), "readiness").await, NotServing, "{name} does not come back by itself");
    }
    system.stop().await;
}

#[tokio::test]
async fn a_store_whose_file_was_moved_away_takes_no_command_and_comes_back_with_its_file() {
    let mut system = system().await;
    let (store, aside) = (system.store(COMMAND), system.folder.path().join("aside"));
    let address = system.address(COMMAND);
    std::fs::rename(&store, &aside).unwrap();
    let create = async || {
        let mut commands = system.commands(Caller::actor("amira"));
        eventually("an answer", commands.create_case(creation("t", ""))).await
    };
    // At once, and not only after the next look: what is acknowledged must be found again.
    let refused = Refusal::of(&create().await.unwrap_err());
    assert_eq!((refused.code, refused.reason.as_str(), refused.retry), (Code::Unavailable, "STORE_UNAVAILABLE", true));
    until(address, NotServing).await;
    assert_eq!(health(address, "liveness").await, Serving);
    assert_eq!(health(system.address(QUERY), "readiness").await, Serving, "the others have stores of their own");
    std::fs::rename(&aside, &store).unwrap();
    until(address, Serving).await;
    let case = create().await.unwrap().into_inner().case.unwrap();
    assert_eq!(case.case_id, "CASE-021", "nothing was lost, and no number used up");
    let told = |event: &str| system.lines_of(COMMAND).iter().filter(|line| line.contains(event)).count();
    assert_eq!((told("\"probe_failed\""), told("\"probe_passed\"")), (1, 1), "each change is logged once");
    system.stop().await;
}

#[tokio::test]
async fn a_disk_with_too_little_room_is_told_of_before_it_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = i64::MAX.to_string();
    let settings = [OFTEN, ("CASE_TRACKER__PROBE__DISK_FREE_BYTES_MIN", wanted.as_str())];
    let process = one(folder.path().to_owned(), COMMAND, &settings).spawn().await;
    let address = process.address(COMMAND);
    poll_until("the line", || async {
        process.lines().iter().find(|line| line.contains("disk_almost_full") && line.contains(&wanted)).map(|_| ())
    })
    .await;
    assert_eq!((health(address, "readiness").await, health(address, "liveness").await), (NotServing, Serving));
    let mut commands = Caller::actor("amira").commands(address);
    commands.create_case(creation("there is room for this one", "")).await.unwrap();
    assert_eq!(process.terminate().await.code(), Some(0));
}
