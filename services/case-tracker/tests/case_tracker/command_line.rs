//! casectl against a running system, as a person and as a program use it; and what every server says that cannot start.

use std::path::Path;
use std::process::ExitStatus;

use serde_json::Value;
use test_support::Spec;
use tokio::process::Command;

use crate::system::{AUDIT, COMMAND, QUERY, System, all_in_one};

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Somebody at a shell.
struct Shell<'a> {
    system: &'a System,
    actor: &'a str,
}

impl Shell<'_> {
    async fn casectl(&self, arguments: &[&str]) -> Said {
        let output = Command::new(Spec::sibling(env!("CARGO_BIN_EXE_case-tracker"), "casectl"))
            .args(arguments)
            .env_clear()
            .env("CASECTL_COMMAND", self.system.address(COMMAND).to_string())
            .env("CASECTL_QUERY", self.system.address(QUERY).to_string())
            .env("CASECTL_AUDIT", self.system.address(AUDIT).to_string())
            .env("CASECTL_ACTOR", self.actor)
            .env("CASECTL_ZONE", "utc")
            .env("HOME", self.system.folder.path())
            .output()
            .await
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What must succeed.
    async fn done(&self, arguments: &[&str]) -> String {
        let said = self.casectl(arguments).await;
        assert_eq!(said.code, Some(0), "{arguments:?}: {}{}", said.out, said.err);
        said.out
    }
}

#[tokio::test]
async fn a_person_takes_a_case_through_its_life() {
    let mut system = System::all_in_one(&[]).await;
    let shell = Shell { system: &system, actor: "amira" };
    assert!(shell.done(&["create", "--help"]).await.contains("--idempotency-key"));
    shell.done(&["create", "Water damage, unit 4", "--priority", "high", "--tag", "water"]).await;
    shell.done(&["create", "The neighbours below"]).await;
    shell.done(&["update", "CASE-001", "--title", "Water damage, units 4 and 5"]).await;
    shell.done(&["transition", "CASE-001", "SUBMITTED"]).await;
    shell.done(&["assign", "CASE-001", "citra"]).await;
    shell.done(&["comment", "CASE-001", "Plumber booked."]).await;
    shell.done(&["link", "CASE-001", "blocks", "CASE-002"]).await;
    let shown = shell.done(&["show", "CASE-002"]).await;
    assert!(shown.contains("CASE-001"), "the link from the other side: {shown}");
    let timeline = shell.done(&["timeline", "CASE-001"]).await;
    for part in ["Water damage, units 4 and 5", "SUBMITTED", "citra", "Plumber booked."] {
        assert!(timeline.contains(part), "{part} in {timeline}");
    }
    assert!(shell.done(&["list", "--status", "SUBMITTED"]).await.contains("CASE-001"));
    assert!(shell.done(&["audit", "CASE-001"]).await.contains("amira"));
    assert!(shell.done(&["lifecycle", "show"]).await.contains("IN_REVIEW"));
    shell.done(&["unlink", "CASE-001", "blocks", "CASE-002"]).await;
    shell.done(&["health"]).await;
    system.stop().await;
}

#[tokio::test]
async fn a_refusal_says_what_to_do_next_and_exits_with_1() {
    let mut system = System::all_in_one(&[]).await;
    let shell = Shell { system: &system, actor: "amira" };
    shell.done(&["create", "t"]).await;
    let refused = shell.casectl(&["transition", "CASE-001", "CLOSED"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("casectl transition CASE-001 SUBMITTED"), "{}", refused.err);
    let stale = shell.casectl(&["transition", "CASE-001", "SUBMITTED", "--expected-version", "7"]).await;
    assert!(stale.code == Some(1) && stale.err.contains("version 1"), "{}", stale.err);
    assert_eq!(shell.casectl(&["show", "CASE-404"]).await.code, Some(1));
    assert_eq!(shell.casectl(&["transition", "CASE-001"]).await.code, Some(64), "usage");
    system.stop().await;
}

#[tokio::test]
async fn a_program_reads_json_and_nothing_else() {
    let mut system = System::all_in_one(&[]).await;
    let shell = Shell { system: &system, actor: "amira" };
    let created: Value = serde_json::from_str(&shell.done(&["create", "t", "--output", "json"]).await).unwrap();
    assert_eq!((&created["case"]["caseId"], &created["case"]["version"]), (&"CASE-001".into(), &"1".into()));
    let listed = shell.done(&["list", "--output", "json"]).await;
    let lines: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["caseId"], "CASE-001");
    let refused = shell.casectl(&["transition", "CASE-001", "CLOSED", "--output", "json"]).await;
    let error: Value = serde_json::from_str(&refused.err).unwrap();
    assert!(refused.out.is_empty() && error.to_string().contains("TRANSITION_NOT_ALLOWED"), "{error}");
    system.stop().await;
}

#[tokio::test]
async fn an_operator_learns_the_state_of_each_service_and_its_store() {
    let mut system = System::all_in_one(&[("CASE_TRACKER__ENVIRONMENT", "staging")]).await;
    let shell = Shell { system: &system, actor: "amira" };
    shell.done(&["create", "t"]).await;
    let told: Value = serde_json::from_str(&shell.done(&["diagnostics", "--output", "json"]).await).unwrap();
    let services = told["services"].as_array().unwrap();
    assert_eq!(services.len(), 3);
    for (service, name) in services.iter().zip([COMMAND, QUERY, AUDIT]) {
        let state = &service["diagnostics"];
        assert_eq!((&state["service"], &state["environment"]), (&name.into(), &"staging".into()));
        assert_eq!(state["health"]["ready"], true, "{name}");
        let store = &state["stores"][0];
        assert!(
            store["schemaVersion"] == store["schemaVersionSupported"] && store["schemaVersion"].is_number(),
            "{state}"
        );
        let path = system.store(name).display().to_string();
        let address = store["address"].as_str().unwrap();
        assert!(path.ends_with(address.trim_start_matches("sqlite:")), "{address}");
        assert!(!state["feeds"].as_array().unwrap().is_empty(), "{name} is a side of the feed: {state}");
        let source = state["settings"].as_array().unwrap().iter().find(|setting| setting["key"] == "environment");
        assert_eq!(source.unwrap()["source"], "environment variable CASE_TRACKER__ENVIRONMENT");
    }
    assert_eq!(services[0]["diagnostics"]["queues"][0]["name"], "commands");
    system.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_named_with_its_address() {
    let mut system = System::all_in_one(&[]).await;
    let address = system.address(COMMAND).to_string();
    system.stop().await;
    let shell = Shell { system: &system, actor: "amira" };
    let said = shell.casectl(&["create", "t"]).await;
    assert_eq!(said.code, Some(69));
    assert!(said.err.contains(&address), "{}", said.err);
}

const SERVERS: [&str; 4] = ["case-tracker", COMMAND, QUERY, AUDIT];

/// How to start one of the servers in a folder, on free ports.
fn server(name: &str, folder: &Path, settings: &[(&str, &str)]) -> Spec {
    let program = Spec::sibling(env!("CARGO_BIN_EXE_case-tracker"), name);
    let spec = all_in_one(folder.to_owned(), settings);
    let is_in = |service: &&String| name == "case-tracker" || *service == name;
    let services = spec.services.iter().filter(is_in).cloned().collect();
    Spec { program, services, ..spec }
}

/// One clear line of the server's own on standard error, the code, and nothing that was served.
fn assert_refused(name: &str, (status, stdout, stderr): &(ExitStatus, String, String), code: i32, parts: &[&str]) {
    assert_eq!(status.code(), Some(code), "{name}: {stderr}");
    assert!(stderr.lines().count() == 1 && stderr.starts_with(&format!("{name}: ")), "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{name}: {part} in {stderr}");
    }
    assert!(!stdout.contains("\"listening\""), "{name}: {stdout}");
}

#[tokio::test]
async fn every_server_names_each_bad_value_and_exits_with_78() {
    let folder = tempfile::tempdir().unwrap();
    let bad = [("CASE_TRACKER__LIMITS__MESSAGE_BYTES", "1"), ("OTEL_TRACES_SAMPLER", "xray")];
    for name in SERVERS {
        let (status, stdout, stderr) = server(name, folder.path(), &bad).run().await;
        let lines: Vec<&str> = stderr.lines().collect();
        assert_eq!((status.code(), lines.len(), stdout.as_str()), (Some(78), 3, ""), "{name}: {stderr}");
        assert!(lines[0].contains("OTEL_TRACES_SAMPLER = \"xray\": allowed is "), "{stderr}");
        let value = "limits.message_bytes = 1 (environment variable CASE_TRACKER__LIMITS__MESSAGE_BYTES): allowed is ";
        assert!(lines[1].contains(value), "{stderr}");
        assert!(lines[2].contains("2 problems") && lines.iter().all(|line| line.starts_with(&format!("{name}: "))));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[tokio::test]
async fn every_server_names_a_port_in_use_and_exits_with_75() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for name in SERVERS {
        let folder = tempfile::tempdir().unwrap();
        let section = if name == "case-tracker" { AUDIT } else { name }.trim_start_matches("case-").to_uppercase();
        let port = format!("CASE_TRACKER__{section}__LISTEN");
        let ended = server(name, folder.path(), &[(&port, &address)]).run().await;
        assert_refused(name, &ended, 75, &[&address]);
    }
}

#[tokio::test]
async fn every_server_names_a_path_that_cannot_be_made_and_exits_with_73() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data"), "a file where the folder should be").unwrap();
    for name in SERVERS {
        let ended = server(name, folder.path(), &[]).run().await;
        assert_refused(name, &ended, 73, &["data"]);
    }
}

#[tokio::test]
async fn every_server_leaves_data_in_use_alone_and_exits_with_75() {
    let folder = tempfile::tempdir().unwrap();
    let first = server("case-tracker", folder.path(), &[]).start().await;
    for name in SERVERS {
        let ended = server(name, folder.path(), &[]).run().await;
        assert_refused(name, &ended, 75, &["in use", "data"]);
    }
    assert_eq!(first.terminate().await.code(), Some(0));
}
