//! A start that cannot go well is refused before anything is served.

use std::fs;

use service_kit::exit::{Exit, ExitCode};
use test_support::eventually;

use crate::{Bench, Running, creation};

async fn refused_start(bench: &Bench) -> Exit {
    let Running { task, .. } = bench.start().await;
    eventually("the start to be refused", task).await.unwrap().unwrap_err()
}

#[tokio::test]
async fn a_second_instance_on_the_same_data_is_told_so() {
    let bench = Bench::new();
    let first = bench.start().await;
    first.client("amira").create_case(creation("t", "")).await.unwrap();
    let exit = refused_start(&bench).await;
    assert_eq!(exit.code, ExitCode::InUse);
    assert!(exit.message.contains("command.db") && !exit.message.contains('\n'), "{}", exit.message);
    first.stop().await;
    bench.start().await.stop().await;
}

#[tokio::test]
async fn a_lifecycle_file_with_mistakes_is_refused_with_all_their_lines() {
    let bench = Bench::new();
    let path = bench.folder.path().join("lifecycle.toml");
    fs::write(&path, "initial = [\"NEW\"]\nstatuses = [{ name = \"OPEN\", category = \"opn\" }]\ntransitions = []\n")
        .unwrap();
    let bench = bench.with(|settings| settings.lifecycle.path = Some(path));
    let exit = refused_start(&bench).await;
    assert_eq!(exit.code, ExitCode::Configuration);
    assert!(exit.message.contains("line 2"), "{}", exit.message);
}

#[tokio::test]
async fn a_lifecycle_that_lacks_the_status_of_a_live_case_is_refused_and_one_that_has_it_is_not() {
    let bench = Bench::new();
    let server = bench.start().await;
    server.client("amira").create_case(creation("t", "")).await.unwrap();
    server.stop().await;
    let path = bench.folder.path().join("lifecycle.toml");
    let statuses = |names: &[&str]| -> String {
        let entries: Vec<_> = names.iter().map(|n| format!("{{ name = \"{n}\", category = \"open\" }}")).collect();
        format!("initial = [\"{}\"]\nstatuses = [{}]\ntransitions = []\n", names[0], entries.join(", "))
    };
    fs::write(&path, statuses(&["NEW"])).unwrap();
    let bench = bench.with(|settings| settings.lifecycle.path = Some(path.clone()));
    let exit = refused_start(&bench).await;
    assert_eq!(exit.code, ExitCode::Configuration);
    assert!(exit.message.contains("DRAFT (1 case, such as CASE-001)"), "{}", exit.message);
    fs::write(&path, statuses(&["NEW", "DRAFT"]).replace("open", "closed")).unwrap();
    let exit = refused_start(&bench).await;
    assert!(exit.message.contains("changes the category") && exit.message.contains("DRAFT"), "{}", exit.message);
    fs::write(&path, statuses(&["NEW", "DRAFT"])).unwrap();
    let server = bench.start().await;
    let case = server.client("amira").create_case(creation("t", "")).await.unwrap().into_inner().case.unwrap();
    assert_eq!(case.status, "NEW");
    server.stop().await;
}
