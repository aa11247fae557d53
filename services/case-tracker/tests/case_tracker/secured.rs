//! With TLS and credentials: the consumers reach the feed, or nothing is started.

use std::net::SocketAddr;
use std::path::Path;

use case_api::pb::{AuditEventFilter, Consistency, GetCaseRequest, ListAuditEventsRequest};
use rcgen::ExtendedKeyUsagePurpose;
use tempfile::TempDir;
use test_support::{Caller, ServerProcess, Spec, eventually};
use tonic::Code;

use crate::secured_callers::{AUDIENCE, Authority, ISSUER, Line, Provider};
use crate::system::{AUDIT, COMMAND, QUERY, all_in_one, creation, one};

/// The name that callers know the servers by. Nothing on loopback is called so.
const NAME: &str = "cases.example";

/// A folder in which `server.pem` of `ca.pem` names [`NAME`] only, and a provider whose key is `provider.pem`.
fn surroundings() -> (TempDir, Authority, Provider) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    authority.write(folder.path(), "ca.pem");
    authority.certify(folder.path(), "server", &[NAME]);
    let provider = Provider::published(&folder.path().join("provider.pem"));
    (folder, authority, provider)
}

const TOKENS: [(&str, &str); 4] = [
    ("CASE_TRACKER__AUTH__MODE", "jwt"),
    ("CASE_TRACKER__AUTH__JWKS", "provider.pem"),
    ("CASE_TRACKER__AUTH__ISSUER", ISSUER),
    ("CASE_TRACKER__AUTH__AUDIENCE", AUDIENCE),
];
const MTLS: (&str, &str) = ("CASE_TRACKER__AUTH__MODE", "mtls");
const SERVER: [(&str, &str); 2] =
    [("CASE_TRACKER__TLS__CERTIFICATE", "server.pem"), ("CASE_TRACKER__TLS__KEY", "server.key.pem")];
const TOKEN_FILE: (&str, &str) = ("CASE_TRACKER__AUTH__TOKEN_FILE", "token");
const CLIENT_CA: (&str, &str) = ("CASE_TRACKER__TLS__CLIENT_CA", "ca.pem");

fn secured(folder: &Path, more: &[(&str, &str)]) -> Spec {
    all_in_one(folder.to_owned(), &[&TOKENS[..], &SERVER, more].concat())
}

/// Those who give a command, read the case, and read the evidence.
struct Callers {
    clerk: Caller,
    reader: Caller,
    auditor: Caller,
}

/// Creates a case, reads it by the token of the answer, and answers who the evidence says that it was.
async fn written_and_read(line: &Line, addresses: [SocketAddr; 3], callers: Callers) -> String {
    let [command, query, audit] = addresses;
    for address in addresses {
        line.ready(address).await;
    }
    let mut commands = line.commands(callers.clerk, command);
    let created = commands.create_case(creation("Water damage", "k1"));
    let created = eventually("a command", created).await.unwrap().into_inner();
    let consistency = Consistency { at_least_as_fresh: vec![created.consistency_token] };
    let request = GetCaseRequest { case_id: "CASE-001".to_owned(), consistency: Some(consistency.clone()) };
    let mut queries = line.queries(callers.reader, query);
    let read = eventually("a read", queries.get_case(request)).await.unwrap().into_inner();
    assert_eq!(read.case, created.case);
    let filter = Some(AuditEventFilter { case_id: "CASE-001".to_owned(), ..AuditEventFilter::default() });
    let evidence = line.audit(callers.auditor, audit);
    test_support::poll_until("the evidence", || {
        let mut evidence = evidence.clone();
        let request = ListAuditEventsRequest { filter: filter.clone(), ..ListAuditEventsRequest::default() };
        async move {
            let events = evidence.list_audit_events(request).await.unwrap().into_inner().audit_events;
            events.into_iter().next().map(|event| event.actor_id)
        }
    })
    .await
}

fn addresses(process: &ServerProcess) -> [SocketAddr; 3] {
    [COMMAND, QUERY, AUDIT].map(|service| process.address(service))
}

#[tokio::test]
async fn all_in_one_follows_its_own_feed_by_token_or_by_certificate_whatever_its_certificate_names() {
    let (folder, _, provider) = surroundings();
    std::fs::write(folder.path().join("token"), provider.token("case-tracker", "service")).unwrap();
    let other = Authority::new();
    other.write(folder.path(), "other.pem");
    let line = Line::new(folder.path(), NAME);
    // In the last one our own certificate is nothing that our servers believe: it is not shown to them.
    let with_foreign_clients = [TOKEN_FILE, ("CASE_TRACKER__TLS__CLIENT_CA", "other.pem")];
    for more in [&[TOKEN_FILE][..], &[CLIENT_CA], &with_foreign_clients] {
        let process = secured(folder.path(), more).spawn().await;
        let callers = Callers {
            clerk: provider.caller("amira", "agent"),
            reader: provider.caller("budi", "viewer"),
            auditor: provider.caller("chidi", "auditor"),
        };
        assert_eq!(written_and_read(&line, addresses(&process), callers).await, "amira", "{more:?}");
        let mut nobody = line.audit(Caller::nobody(), process.address(AUDIT));
        let refused = nobody.list_audit_events(ListAuditEventsRequest::default()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{more:?}");
        assert_eq!(process.terminate().await.code(), Some(0), "{more:?}");
        std::fs::remove_dir_all(folder.path().join("data")).unwrap();
    }
}

#[tokio::test]
async fn all_in_one_follows_its_own_feed_where_only_certificates_count() {
    let (folder, authority, _) = surroundings();
    authority.certify(folder.path(), "amira", &["amira.example"]);
    let settings =
        [MTLS, SERVER[0], SERVER[1], CLIENT_CA, ("CASE_TRACKER__AUTH__CERTIFICATE_ROLES", "service,auditor")];
    let process = all_in_one(folder.path().to_owned(), &settings).spawn().await;
    let line = Line::showing(folder.path(), NAME, "amira");
    let callers = Callers { clerk: Caller::nobody(), reader: Caller::nobody(), auditor: Caller::nobody() };
    assert_eq!(written_and_read(&line, addresses(&process), callers).await, "amira.example");
    assert_eq!(process.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn three_services_apart_follow_the_feed_by_their_certificates() {
    let (folder, authority, _) = surroundings();
    authority.certify(folder.path(), "case-command", &["127.0.0.1", NAME]);
    for consumer in [QUERY, AUDIT] {
        authority.certify(folder.path(), consumer, &[consumer, NAME]);
    }
    authority.certify(folder.path(), "amira", &["amira.example"]);
    let start = async |name: &str, more: &[(&str, &str)]| {
        let (certificate, key) = (format!("{name}.pem"), format!("{name}.key.pem"));
        let settings = [
            MTLS,
            ("CASE_TRACKER__TLS__CERTIFICATE", &certificate),
            ("CASE_TRACKER__TLS__KEY", &key),
            ("CASE_TRACKER__TLS__CA", "ca.pem"),
            CLIENT_CA,
        ];
        let process = one(folder.path().to_owned(), name, &[&settings, more].concat()).spawn().await;
        (process.address(name), process)
    };
    let (command, commands) = start(COMMAND, &[]).await;
    let feed = format!("https://{command}");
    let (query, queries) = start(QUERY, &[("CASE_TRACKER__QUERY__FEED_URL", &feed)]).await;
    let auditors = [("CASE_TRACKER__AUDIT__FEED_URL", &*feed), ("CASE_TRACKER__AUTH__CERTIFICATE_ROLES", "auditor")];
    let (audit, audits) = start(AUDIT, &auditors).await;
    let line = Line::showing(folder.path(), NAME, "amira");
    let callers = Callers { clerk: Caller::nobody(), reader: Caller::nobody(), auditor: Caller::nobody() };
    assert_eq!(written_and_read(&line, [command, query, audit], callers).await, "amira.example");
    for process in [audits, queries, commands] {
        assert_eq!(process.terminate().await.code(), Some(0));
    }
}

/// What a start says that is refused for its configuration: one line, and the same from `config check`.
async fn refused(mut spec: Spec) -> String {
    let (status, _, started) = spec.run().await;
    assert_eq!((status.code(), started.lines().count()), (Some(78), 1), "{started}");
    spec.environment.retain(|(key, _)| !key.ends_with("LISTEN"));
    spec.arguments = ["config", "check"].map(Into::into).into();
    let (status, _, checked) = spec.run().await;
    assert_eq!((status.code(), &checked), (Some(78), &started));
    started
}

#[tokio::test]
async fn who_could_never_follow_the_feed_is_not_started_and_told_what_to_set() {
    let (folder, authority, provider) = surroundings();
    let path = folder.path();
    let other = Authority::new();
    other.write(path, "other.pem");
    let all = |more: &[(&str, &str)]| secured(path, more);
    let apart = |name: &str, more: &[(&str, &str)]| one(path.to_owned(), name, &[&TOKENS[..], more].concat());
    let foreign = [("CASE_TRACKER__TLS__CLIENT_CA", "other.pem")];
    let viewers = [CLIENT_CA, ("CASE_TRACKER__AUTH__CERTIFICATE_ROLES", "viewer")];
    let only_certificates = all_in_one(path.to_owned(), &[MTLS, SERVER[0], SERVER[1], foreign[0]]);
    authority.certify_for(path, "for-servers", &[NAME], &[ExtendedKeyUsagePurpose::ServerAuth]);
    let for_servers =
        [("CASE_TRACKER__TLS__CERTIFICATE", "for-servers.pem"), ("CASE_TRACKER__TLS__KEY", "for-servers.key.pem")];
    let plain = ("CASE_TRACKER__QUERY__FEED_URL", "http://127.0.0.1:1");
    for (spec, names) in [
        (all(&[]), &["auth.token_file", "tls.client_ca"][..]),
        (all(&foreign), &["auth.token_file", "tls.client_ca", "invalid peer certificate"]),
        (all(&viewers), &["auth.token_file", "auth.certificate_roles"]),
        (only_certificates, &["\"mtls\"", "tls.client_ca", "invalid peer certificate"]),
        (apart(QUERY, &[]), &["auth.token_file", "tls.certificate"]),
        (all(&[CLIENT_CA, for_servers[0], for_servers[1]]), &["auth.token_file", "for clients, too"]),
        (apart(QUERY, &for_servers), &["auth.token_file", "for clients, too"]),
        (apart(AUDIT, &[]), &["auth.token_file", "tls.certificate"]),
        (apart(QUERY, &[SERVER[0], SERVER[1], plain]), &["auth.token_file", "http://127.0.0.1:1"]),
    ] {
        let said = refused(spec).await;
        assert!(names.iter().all(|name| said.contains(name)), "{names:?} in {said}");
    }
    assert!(!path.join("data").exists(), "nothing was opened");
    // The controls: with something to show they start, whoever is there to be shown it; case-command shows nothing.
    std::fs::write(path.join("token"), provider.token("case-query", "service")).unwrap();
    for spec in [apart(QUERY, &[TOKEN_FILE, plain]), apart(COMMAND, &[])] {
        assert_eq!(spec.spawn().await.terminate().await.code(), Some(0));
    }
}
