//! Outgoing TLS: whose certificates are believed, which one is shown, and what happens when files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use service_kit::client::{Cause, outgoing};
use service_kit::exit::ExitCode;
use service_kit::program::Process;
use service_kit::reload::{ReloadTrigger, reload};
use service_kit::settings::{Settings, TlsSettings};
use service_kit::tls::provider;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use super::scripted::{Script, Step, black_hole, script, serve};
use super::{CLERK, Client, PLAIN, as_time_flies, failed, logging};
use crate::probe::{Lines, in_time};

/// Signs certificates for 127.0.0.1.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
struct Certified {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    fn certify(&self) -> Certified {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        Certified { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        roots
    }
}

/// A server with TLS that answers everything, and notes which certificates it was shown.
struct Secured {
    url: String,
    shown: Shown,
}

impl Secured {
    async fn start(authority: &Authority, clients: Option<&Authority>) -> Self {
        Self::scripted(authority, clients, [Step::Answer]).await
    }

    async fn scripted(
        authority: &Authority,
        clients: Option<&Authority>,
        steps: impl IntoIterator<Item = Step>,
    ) -> Self {
        let Certified { certificate, key } = authority.certify();
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let roots = Arc::new(clients.roots());
                builder.with_client_cert_verifier(
                    WebPkiClientVerifier::builder_with_provider(roots, provider()).build().unwrap(),
                )
            }
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let shown = Shown::default();
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), script(steps), Arc::clone(&shown)));
        Self { url, shown }
    }

    fn shown(&self) -> Vec<Option<CertificateDer<'static>>> {
        self.shown.lock().unwrap().clone()
    }
}

type Shown = Arc<Mutex<Vec<Option<CertificateDer<'static>>>>>;

async fn accept(listener: TcpListener, tls: TlsAcceptor, steps: Script, shown: Shown) {
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(stream) = tls.accept(stream).await else { continue };
        let certificates = stream.get_ref().1.peer_certificates();
        shown.lock().unwrap().push(certificates.map(|chain| chain[0].clone().into_owned()));
        tokio::spawn(serve(stream, Arc::clone(&steps), Arc::default()));
    }
}

/// The files of a client.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn believe(&self, authority: &Authority) {
        self.write("ca.pem", &authority.issuer.pem());
    }

    fn show(&self, certified: &Certified) {
        self.write("certificate.pem", &certified.certificate.pem());
        self.write("key.pem", &certified.key.serialize_pem());
    }

    /// A process with the files that are there.
    fn process(&self) -> (Process, ReloadTrigger) {
        let there = |name: &str| Some(self.path(name)).filter(|path: &PathBuf| Path::exists(path));
        let mut settings = Settings::defaults().unwrap();
        let tls = TlsSettings {
            certificate: there("certificate.pem"),
            key: there("key.pem"),
            ca: there("ca.pem"),
            ..settings.tls
        };
        settings.tls = tls;
        let (trigger, reload) = reload();
        (Process { reload, ..Process::new(settings, CancellationToken::new()) }, trigger)
    }

    fn client(&self, url: &str) -> (Client, ReloadTrigger) {
        let (process, trigger) = self.process();
        (Client::of(&process, CLERK, &PLAIN, url), trigger)
    }
}

#[tokio::test]
async fn a_server_is_believed_only_if_the_authority_has_signed_for_it() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = Secured::start(&authority, None).await;
    let files = Files::new();
    files.believe(&stranger);
    let status = files.client(&server.url).0.echo().await.unwrap_err();
    assert_eq!(failed(&status).cause, Cause::Unreachable);
    assert!(failed(&status).reason.contains("certificate"), "{status:?}");
    files.believe(&authority);
    assert_eq!(files.client(&server.url).0.echo().await.unwrap(), "hello");
    assert_eq!(server.shown(), [None], "nobody asked for ours");
}

#[tokio::test]
async fn without_an_authority_of_our_own_only_public_ones_are_believed() {
    let server = Secured::start(&Authority::new(), None).await;
    let status = Files::new().client(&server.url).0.echo().await.unwrap_err();
    assert!(failed(&status).reason.contains("UnknownIssuer"), "{status:?}");
}

#[tokio::test]
async fn our_certificate_is_shown_to_a_server_that_asks_for_one() {
    let authority = Authority::new();
    let server = Secured::start(&authority, Some(&authority)).await;
    let files = Files::new();
    files.believe(&authority);
    files.client(&server.url).0.echo().await.unwrap_err();
    assert_eq!(server.shown(), [], "without one nobody gets in");
    let certified = authority.certify();
    files.show(&certified);
    files.client(&server.url).0.echo().await.unwrap();
    assert_eq!(server.shown(), [Some(certified.certificate.der().clone())]);
}

/// Waits until a log line of this event is there.
async fn logged(lines: &Lines, event: &str) {
    in_time(async {
        while lines.of(event).is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn changed_certificates_are_used_for_new_connections_without_a_restart() {
    let lines = Lines::default();
    let _default = logging(&lines);
    let authority = Authority::new();
    let (first, second) = (authority.certify(), authority.certify());
    let steps = [Step::Answer, Step::Answer, Step::Cut, Step::Answer];
    let server = Secured::scripted(&authority, Some(&authority), steps).await;
    let files = Files::new();
    files.believe(&authority);
    files.show(&first);
    let (client, trigger) = files.client(&server.url);
    client.echo().await.unwrap();
    files.show(&second);
    trigger.fire();
    logged(&lines, "client_certificates_reloaded").await;
    client.echo().await.unwrap();
    assert_eq!(server.shown().len(), 1, "the connection that is there stays");
    client.echo().await.unwrap_err();
    client.echo().await.unwrap();
    assert_eq!(server.shown(), [&first, &second].map(|shown| Some(shown.certificate.der().clone())));
}

#[tokio::test]
async fn changed_certificates_that_cannot_be_used_leave_everything_as_it_is() {
    let lines = Lines::default();
    let _default = logging(&lines);
    let authority = Authority::new();
    let server = Secured::start(&authority, None).await;
    let files = Files::new();
    files.believe(&authority);
    let (client, trigger) = files.client(&server.url);
    files.write("ca.pem", "no certificate at all");
    trigger.fire();
    logged(&lines, "client_certificates_unusable").await;
    assert_eq!(client.echo().await.unwrap(), "hello", "it connects only now");
    let line = lines.of("client_certificates_unusable").remove(0);
    assert!(line["reason"].as_str().unwrap().contains("ca.pem"), "{line}");
}

#[tokio::test]
async fn certificates_that_cannot_be_used_forbid_a_start() {
    let files = Files::new();
    files.show(&Authority::new().certify());
    files.write("key.pem", &Authority::new().certify().key.serialize_pem());
    let (process, _trigger) = files.process();
    let exit = outgoing(&process, CLERK, &PLAIN, "https://127.0.0.1:1").unwrap_err();
    assert_eq!(exit.code, ExitCode::Configuration);
    assert!(exit.message.contains("key.pem"), "{exit}");
    assert!(outgoing(&process, CLERK, &PLAIN, "http://127.0.0.1:1").is_ok(), "without TLS nobody needs them");
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_given_up() {
    let url = format!("https://{}", black_hole().await);
    let status = as_time_flies(Client::new(&PLAIN, &url).echo()).await.unwrap_err();
    assert_eq!((failed(&status).cause, status.code()), (Cause::Unreachable, Code::Unavailable));
    let spent = failed(&status).spent;
    assert!(PLAIN.connect_timeout.unwrap() <= spent && spent < PLAIN.call_timeout, "connecting has a bound of its own");
}

#[tokio::test]
async fn an_address_is_one_of_http_or_https() {
    let (process, _trigger) = Files::new().process();
    for url in ["", "localhost:1", "ftp://localhost:1", "http://", "http://a b"] {
        let exit = outgoing(&process, CLERK, &PLAIN, url).unwrap_err();
        assert_eq!(exit.code, ExitCode::Configuration, "{url:?}");
    }
}
