//! The process itself: how it starts, refuses to start, and ends.

use test_support::{Caller, Spec, eventually};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::system::{AUDIT, COMMAND, QUERY, System, all_in_one, creation};

#[tokio::test]
async fn a_start_says_what_runs_where_and_what_to_try_next() {
    let folder = tempfile::tempdir().unwrap();
    let spec = Spec { arguments: vec!["--help".into()], ..all_in_one(folder.path().to_owned(), &[]) };
    let (status, stdout, _) = spec.run().await;
    assert!(status.success() && stdout.contains("--data-dir") && stdout.contains("--lifecycle"), "{stdout}");
    let mut settings = service_kit::settings::Settings::defaults().unwrap();
    settings.command.listen.set_port(1);
    let banner = case_tracker::banner(&settings);
    for part in ["127.0.0.1:1 ", "127.0.0.1:50052", "127.0.0.1:50053", "grpcurl", "CreateCase", "Ctrl-C"] {
        assert!(banner.contains(part), "{part} in {banner}");
    }
}

#[tokio::test]
async fn a_second_start_on_the_same_data_says_so_in_one_line_and_leaves_the_first_alone() {
    let mut system = System::all_in_one(&[]).await;
    let second = all_in_one(system.folder.path().to_owned(), &[]);
    let (status, _, stderr) = second.run().await;
    assert_eq!(status.code(), Some(75));
    assert!(stderr.lines().count() == 1 && stderr.contains("in use"), "{stderr}");
    system.commands(Caller::actor("amira")).create_case(creation("t", "")).await.unwrap();
    system.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_named_in_one_line() {
    let mut system = System::all_in_one(&[]).await;
    let taken = system.address(QUERY).to_string();
    let folder = tempfile::tempdir().unwrap();
    let mut second = all_in_one(folder.path().to_owned(), &[]);
    second.environment.retain(|(key, _)| key != "CASE_TRACKER__QUERY__LISTEN");
    second.environment.push(("CASE_TRACKER__QUERY__LISTEN".to_owned(), taken.clone()));
    let (status, _, stderr) = second.run().await;
    assert_eq!((status.code(), stderr.lines().count()), (Some(75), 1), "{stderr}");
    assert!(stderr.contains(&taken), "{stderr}");
    system.stop().await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named_and_a_bad_key_is_named_with_its_source() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data"), "a file where the folder should be").unwrap();
    let (status, _, stderr) = all_in_one(folder.path().to_owned(), &[]).run().await;
    assert_eq!(status.code(), Some(73), "{stderr}");
    let spec = all_in_one(folder.path().to_owned(), &[("CASE_TRACKER__COMAND__LISTEN", "127.0.0.1:1")]);
    let (status, _, stderr) = spec.run().await;
    assert_eq!(status.code(), Some(78));
    let named = ["CASE_TRACKER__COMAND__LISTEN", "did you mean CASE_TRACKER__COMMAND__LISTEN"];
    assert!(named.iter().all(|part| stderr.contains(part)), "{stderr}");
}

#[tokio::test]
async fn the_healthcheck_subcommand_tells_a_serving_system_from_one_that_is_not_there() {
    let mut system = System::all_in_one(&[]).await;
    let addresses = [COMMAND, QUERY, AUDIT].map(|service| (service, system.address(service)));
    let check = |folder: std::path::PathBuf| {
        let mut spec = all_in_one(folder, &[]);
        spec.arguments = vec!["healthcheck".into()];
        spec.environment.clear();
        for (service, address) in addresses {
            let section = service.trim_start_matches("case-").to_uppercase();
            spec.environment.push((format!("CASE_TRACKER__{section}__LISTEN"), address.to_string()));
        }
        async move { spec.run().await.0.code() }
    };
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(check(folder.path().to_owned()).await, Some(0));
    system.stop().await;
    assert_eq!(check(folder.path().to_owned()).await, Some(1));
}

#[tokio::test]
async fn a_consumer_without_its_feed_is_alive_and_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    // Port 1 of the loopback interface: nobody listens there.
    let mut spec = all_in_one(folder.path().to_owned(), &[("CASE_TRACKER__AUDIT__FEED_URL", "http://127.0.0.1:1")]);
    spec.program = Spec::sibling(env!("CARGO_BIN_EXE_case-tracker"), AUDIT);
    spec.services = vec![AUDIT.to_owned()];
    let process = spec.spawn().await;
    let mut health = HealthClient::new(Caller::nobody().channel(process.address(AUDIT)));
    let mut status = async |service: &str| {
        let request = HealthCheckRequest { service: service.to_owned() };
        eventually("a health check", health.check(request)).await.unwrap().into_inner().status()
    };
    assert_eq!(status("liveness").await, ServingStatus::Serving);
    for name in ["", "readiness", "casetracker.v1.AuditService"] {
        assert_eq!(status(name).await, ServingStatus::NotServing, "{name}");
    }
    assert_eq!(process.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn config_check_refuses_the_lifecycle_file_that_a_start_would_refuse() {
    let folder = tempfile::tempdir().unwrap();
    let check = async |lifecycle: &str| {
        let mut spec = all_in_one(folder.path().to_owned(), &[]);
        spec.environment.retain(|(key, _)| !key.ends_with("LISTEN"));
        spec.arguments = ["--lifecycle", lifecycle, "config", "check"].map(Into::into).into();
        spec.run().await
    };
    std::fs::write(folder.path().join("bad.toml"), "initial = [\"NEW\"]\nstatuses = []\ntransitions = []\n").unwrap();
    for (lifecycle, said) in [("bad.toml", "line 1"), ("missing.toml", "No such file")] {
        let (status, _, stderr) = check(lifecycle).await;
        assert_eq!(status.code(), Some(78), "{lifecycle}: {stderr}");
        assert!(stderr.contains(lifecycle) && stderr.contains(said), "{stderr}");
    }
    std::fs::write(folder.path().join("good.toml"), lifecycle_file::DEFAULT_TOML).unwrap();
    let (status, stdout, stderr) = check("good.toml").await;
    assert!(status.success() && stdout.contains("configuration is valid"), "{stdout} {stderr}");
}
