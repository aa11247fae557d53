//! A feed that is reached only over TLS, by whoever shows a certificate and a token.

use std::net::SocketAddr;
use std::sync::Arc;

use event_feed::fake::FakeFeed;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use service_kit::program::Process;
use service_kit::settings::{AuthMode, Settings, TlsSettings};
use service_kit::tls::provider;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::following::{TIMING, events, start_as};
use crate::notebook::Notebook;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certify(&self) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// Takes TLS from whoever shows a certificate of this authority, and hands the rest on to `target`.
    async fn guard(&self, target: SocketAddr) -> String {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build().unwrap();
        let (certificate, key) = self.certify();
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let tls = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let tls = tls.clone();
                tokio::spawn(async move {
                    let mut inside = TcpStream::connect(target).await.unwrap();
                    if let Ok(mut outside) = tls.accept(stream).await {
                        // Ends when either side does.
                        let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                    }
                });
            }
        });
        url
    }

    /// A process that believes the authority, and shows what it has.
    fn process(&self, folder: &TempDir, shows_certificate: bool, token: &str) -> Process {
        let write = |name: &str, content: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            Some(path)
        };
        let (certificate, key) = self.certify();
        let shown = |name: &str, content: String| write(name, content).filter(|_| shows_certificate);
        let mut settings = Settings::defaults().unwrap();
        settings.auth.mode = AuthMode::Jwt;
        settings.auth.token.replace(token.to_owned());
        let tls = TlsSettings {
            certificate: shown("certificate.pem", certificate.pem()),
            key: shown("key.pem", key.serialize_pem()),
            ca: write("ca.pem", self.0.pem()),
            ..settings.tls
        };
        settings.tls = tls;
        Process::new(settings, CancellationToken::new())
    }
}

#[tokio::test]
async fn a_feed_behind_tls_is_followed_with_certificate_and_token() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let feed = FakeFeed::start(events(1..=5)).await.unwrap();
    let url = authority.guard(feed.address()).await;
    let process = authority.process(&folder, true, "first");
    let notebook = Notebook::new([]);
    let following = start_as(&process, &notebook, &url, TIMING);
    feed.acknowledged(5).await;
    assert!(following.health.is_ready());
    assert_eq!(feed.credentials(), ["Bearer first"]);
    process.settings.auth.token.replace("second".to_owned());
    feed.break_links();
    feed.started(2).await;
    assert_eq!(feed.credentials(), ["Bearer first", "Bearer second"], "a rotated token is used at once");
    following.end().await;
}

#[tokio::test]
async fn without_a_certificate_nobody_follows_a_feed_that_asks_for_one() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let feed = FakeFeed::start(events(1..=5)).await.unwrap();
    let url = authority.guard(feed.address()).await;
    let notebook = Notebook::new([]);
    let following = start_as(&authority.process(&folder, false, "first"), &notebook, &url, TIMING);
    following.fails_with("the feed is not connected").await;
    assert_eq!((notebook.positions().len(), feed.starts().len()), (0, 0));
    following.end().await;
}

#[tokio::test]
async fn an_authority_that_nobody_believes_is_no_way_to_a_feed() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let feed = FakeFeed::start(events(1..=5)).await.unwrap();
    let url = authority.guard(feed.address()).await;
    let stranger = Authority::new().process(&folder, true, "first");
    let following = start_as(&stranger, &Notebook::new([]), &url, TIMING);
    following.fails_with("certificate").await;
    assert_eq!(feed.starts().len(), 0);
    following.end().await;
}
