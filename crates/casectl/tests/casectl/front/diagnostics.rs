//! `diagnostics` and its bundle.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use flate2::read::GzDecoder;
use rpc_error::{Failure, Reason};
use service_kit::diagnostics::Diagnostics;
use service_kit::health::Health;
use service_kit::host::{Host, bind};
use service_kit::identity::Identity;
use service_kit::program::Process;
use service_kit::settings::{Sources, load};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use super::{Desk, Setting};

const CANARY: &str = "canary-7e20";

/// An address where nobody listens: a port that was free a moment ago.
async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn all_services_are_asked_and_shown_in_one_answer() {
    let (desk, address) = Desk::open().await;
    let said = Setting::at(address).with("CASECTL_ACTOR", "olga").run(&["diagnostics"]).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    let calls = desk.calls();
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|call| call.actor.as_deref() == Some("olga") && call.has_deadline), "{calls:?}");
    assert_eq!(said.out.split("\n\ncommand (").next().unwrap().lines().count(), 4, "{}", said.out);
    for part in [
        "SERVICE  ADDRESS",
        "not ready  feed: connection refused by 127.0.0.1:50051",
        "query (case-query)",
        "case-tracker 1.2.3, commit abc123, built by rustc 1.95.0",
        "in staging, process 42, since 2026-11-23 09:26:40 UTC",
        "not ready; store is well; feed fails: connection refused",
        "auth jwt, tls on",
        "2 of 3  4096 bytes  sqlite:/var/lib/case-tracker/query.db  the disk is full",
        "case-query  no         5 of 9    1 min 1 s",
        "case-command  half-open",
        "1 of 2 are not the default; all of them: --output json",
        "environment  \"staging\"  environment variable CASE_TRACKER__ENVIRONMENT",
    ] {
        assert!(said.out.contains(part), "{part} is not in:\n{}", said.out);
    }
    assert!(!said.out.contains("log.level"), "it is the default");
}

#[tokio::test]
async fn programs_get_the_form_of_the_protos() {
    let (_desk, address) = Desk::open().await;
    let said = Setting::at(address).run(&["diagnostics", "-o", "json"]).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    let answer: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let services = answer["services"].as_array().unwrap();
    assert_eq!(services.len(), 3);
    let state = &services[1]["diagnostics"];
    assert_eq!(state["settings"][1]["key"], "log.level", "all of them");
    assert_eq!(state["stores"][0]["sizeBytes"], "4096");
    assert_eq!(state["feeds"][0]["lag"], "61.5s");
    assert_eq!(state["dependencies"][0]["breakerState"], "BREAKER_STATE_HALF_OPEN");
    assert_eq!(state["health"]["conditions"][0]["passing"], true);
    assert!(state["health"].get("ready").is_none(), "fields with their default value are left out");
}

#[tokio::test]
async fn a_service_that_is_away_is_told_beside_the_others() {
    let (_desk, address) = Desk::open().await;
    let gone = nobody().await.to_string();
    let said = Setting::at(address).run(&["diagnostics", "--audit", &gone, "--timeout", "1s"]).await;
    assert_eq!(said.code, 69, "{said:?}");
    assert!(said.out.contains("query (case-query)"), "{said:?}");
    let line = said.out.lines().find(|line| line.starts_with("audit ")).unwrap();
    assert!(line.contains(&gone) && line.contains("no answer") && line.contains("cannot reach"), "{line}");
    assert!(said.err.contains(&format!("casectl: cannot reach the audit service at {gone}")), "{said:?}");
}

#[tokio::test]
async fn a_refusal_counts_for_more_than_an_outage_and_each_is_told() {
    let (desk, address) = Desk::open().await;
    let denied = Failure::new(Reason::PermissionDenied, "you may not").with_metadata("permission", "diagnostics.read");
    desk.refuse(denied.clone());
    desk.refuse(denied);
    let gone = nobody().await.to_string();
    let arguments = ["diagnostics", "--audit", &gone, "--timeout", "1s", "-o", "json"];
    let said = Setting::at(address).run(&arguments).await;
    assert_eq!(said.code, 1, "{said:?}");
    let errors: Vec<serde_json::Value> = said.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let codes: Vec<_> = errors.iter().map(|line| line["error"]["exitCode"].as_u64().unwrap()).collect();
    assert_eq!(codes, [69, 1, 1], "{said:?}");
    assert!(said.err.contains("the permission diagnostics.read"), "{said:?}");
    let answer: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert!(answer["services"][0]["error"].as_str().unwrap().contains("you may not"));
}

/// The files in an archive, by path.
fn unpacked(path: &Path) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(GzDecoder::new(std::fs::File::open(path).unwrap()));
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), text)
    };
    archive.entries().unwrap().map(read).collect()
}

#[tokio::test]
async fn a_bundle_holds_what_its_readme_says_under_names_that_stay() {
    let (_desk, address) = Desk::open().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.tar.gz");
    let file = path.to_str().unwrap();
    let gone = nobody().await.to_string();
    let arguments = ["diagnostics", "bundle", file, "--audit", &gone, "--timeout", "1s"];
    let said = Setting::at(address).run(&arguments).await;
    assert_eq!(said.code, 69, "what there is, is written: {said:?}");
    assert!(said.out.starts_with(&format!("Wrote {file}: 7 files, ")), "{said:?}");
    let files = unpacked(&path);
    let names = files.keys().map(|name| name.strip_prefix("case-tracker-diagnostics/").unwrap());
    assert_eq!(
        names.collect::<Vec<_>>(),
        [
            "README.txt",
            "audit/error.json",
            "casectl.json",
            "command/diagnostics.json",
            "health.json",
            "query/diagnostics.json",
            "versions.txt"
        ]
    );
    let of = |name: &str| files[&format!("case-tracker-diagnostics/{name}")].as_str();
    for name in ["casectl.json", "versions.txt", "health.json", "SERVICE/diagnostics.json", "SERVICE/error.json"] {
        assert!(of("README.txt").contains(name), "{name}");
    }
    assert!(of("versions.txt").contains("query: case-query 1.2.3 (program case-tracker, commit abc123, rustc 1.95.0)"));
    let health: serde_json::Value = serde_json::from_str(of("health.json")).unwrap();
    assert_eq!(health["services"][1]["checks"]["readiness"], "SERVING");
    assert_eq!(health["services"][1]["checks"]["startup"], "NOT_SERVING");
    assert!(health["services"][2]["checks"]["readiness"].as_str().unwrap().starts_with("UNREACHABLE: "));
    let casectl: serde_json::Value = serde_json::from_str(of("casectl.json")).unwrap();
    assert_eq!(casectl["time"], "2026-11-23T09:30:00Z");
    assert_eq!(casectl["settings"][2]["source"], "--audit");
    assert!(of("audit/error.json").contains("cannot reach the audit service"));
}

#[tokio::test]
async fn the_same_state_makes_the_same_bytes_and_nothing_is_overwritten() {
    let (_desk, address) = Desk::open().await;
    let folder = tempfile::tempdir().unwrap();
    let paths = ["one.tar.gz", "two.tar.gz"].map(|name| folder.path().join(name));
    for path in &paths {
        let said = Setting::at(address).run(&["diagnostics", "bundle", path.to_str().unwrap()]).await;
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    }
    let [one, two] = paths.each_ref().map(|path| std::fs::read(path).unwrap());
    assert!(one == two, "{} and {} bytes", one.len(), two.len());
    let again = Setting::at(address).run(&["diagnostics", "bundle", paths[0].to_str().unwrap()]).await;
    assert_eq!((again.code, again.out.as_str()), (73, ""), "{again:?}");
    assert!(again.err.contains("it is there already, and is not overwritten"), "{again:?}");
    assert!(std::fs::read(&paths[0]).unwrap() == one, "untouched");
    let nowhere = folder.path().join("no/such/folder.tar.gz");
    assert_eq!(Setting::at(address).run(&["diagnostics", "bundle", nowhere.to_str().unwrap()]).await.code, 73);
}

/// A real server that was started with these variables.
async fn server(variables: &[(&str, &str)]) -> SocketAddr {
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let loaded = load(&Sources { environment, ..Sources::default() }, |_| Vec::new()).unwrap();
    let mut process = Process::new(loaded.settings, CancellationToken::new());
    process.provenance = Arc::new(loaded.provenance);
    let health = Health::new(&[]);
    health.condition("store").fail(format!("postgres://case:{CANARY}@db/cases does not answer"));
    health.started();
    let host = Host {
        identity: Identity { name: "case-test" },
        health,
        process,
        rules: case_access::RULES,
        diagnostics: Diagnostics::new(),
    };
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(host.serve(listener, Routes::default(), &[], CancellationToken::new()));
    address
}

async fn bundle_of(address: SocketAddr) -> String {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, CANARY).unwrap();
    let path = folder.path().join("bundle.tar.gz");
    let setting = Setting::at(address).with("CASECTL_ACTOR", "olga").with("CASECTL_TOKEN", CANARY);
    let arguments = ["diagnostics", "bundle", path.to_str().unwrap(), "--token-file", token.to_str().unwrap()];
    let said = setting.run(&arguments).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    unpacked(&path).into_values().collect()
}

#[tokio::test]
async fn no_secret_gets_into_a_bundle() {
    let issuer = format!("https://case:{CANARY}@id.example/");
    let headers = format!("authorization={CANARY}");
    let variables = [
        ("CASE_TRACKER__AUTH__TOKEN", CANARY),
        ("CASE_TRACKER__TELEMETRY__OTLP_HEADERS", &headers),
        ("CASE_TRACKER__AUTH__ISSUER", &issuer),
    ];
    let text = bundle_of(server(&variables).await).await;
    assert!(!text.contains(CANARY), "{text}");
    assert!(text.contains("CASE_TRACKER__AUTH__TOKEN"), "that there is one, and from where, is shown");
    assert!(text.contains("does not answer"), "the reason is there, without its password");
    let control = bundle_of(server(&[("CASE_TRACKER__ENVIRONMENT", CANARY)]).await).await;
    assert!(control.contains(CANARY), "the control: what is no secret would be found");
}
