//! The binary itself, where only somebody who knows the store can set the stage.

use rusqlite::Connection;
use test_support::Spec;

fn spec(folder: &std::path::Path) -> Spec {
    let variables = [("CASE_TRACKER__COMMAND__LISTEN", "127.0.0.1:0"), ("CASE_TRACKER__LOG__FORMAT", "json")];
    Spec {
        program: env!("CARGO_BIN_EXE_case-command").into(),
        folder: folder.to_owned(),
        environment: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        arguments: Vec::new(),
        services: vec!["case-command".to_owned()],
    }
}

#[tokio::test]
async fn a_store_of_a_later_version_is_refused_in_one_line_with_78_before_anything_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(folder.path());
    assert_eq!(spec.start().await.terminate().await.code(), Some(0), "as long as the version fits");
    let store = Connection::open(folder.path().join("data/command.db")).unwrap();
    let later = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
                 SELECT 999, 'later', applied_on, checksum FROM refinery_schema_history LIMIT 1";
    assert_eq!(store.execute(later, []).unwrap(), 1);
    store.close().unwrap();

    let (status, stdout, stderr) = spec.run().await;
    assert_eq!((status.code(), stderr.lines().count()), (Some(78), 1), "{stderr}");
    for part in ["case-command: ", "command.db", "version 999"] {
        assert!(stderr.contains(part), "{part} in {stderr}");
    }
    assert!(!stdout.contains("\"listening\""), "{stdout}");
}
