//! Authorities, certificates and TLS clients, made on the spot.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use service_kit::settings::{Settings, TlsSettings};
use service_kit::tls::provider;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

use crate::probe::in_time;

/// Somebody who signs certificates.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// For a server on this machine.
    pub(crate) fn server(&self) -> Pair {
        self.server_until((2100, 1, 1))
    }

    /// For a server on this machine, good until a day.
    pub(crate) fn server_until(&self, (year, month, day): (i32, u8, u8)) -> Pair {
        let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, month, day);
        self.sign(&params)
    }

    /// For a server elsewhere, and for a client by the same name.
    pub(crate) fn named(&self, name: &str) -> Pair {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::DnsName(name.try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A client that believes this authority, and shows a certificate if it has one.
    pub(crate) fn client(&self, shown: Option<&Pair>) -> ClientConfig {
        self.client_of(rustls::DEFAULT_VERSIONS, shown)
    }

    /// One that speaks only these versions.
    pub(crate) fn client_of(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
        shown: Option<&Pair>,
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(versions).unwrap();
        let builder = builder.with_root_certificates(roots);
        let mut config = match shown {
            None => builder.with_no_client_auth(),
            Some(pair) => builder.with_client_auth_cert(pair.chain(), pair.private_key()).unwrap(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }
}

impl Pair {
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()]
    }

    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap()
    }
}

/// A folder with the files that `tls.*` names.
pub(crate) struct Files {
    pub(crate) folder: tempfile::TempDir,
}

impl Files {
    pub(crate) fn of(pair: &Pair) -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        files.write("certificate.pem", &pair.certificate);
        files.write("key.pem", &pair.key);
        files
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn settings(&self) -> TlsSettings {
        TlsSettings {
            certificate: Some(self.folder.path().join("certificate.pem")),
            key: Some(self.folder.path().join("key.pem")),
            ..Settings::defaults().unwrap().tls
        }
    }
}

/// Shakes hands with the server at an address, which must be called `localhost`.
pub(crate) async fn tls(address: SocketAddr, client: &ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = in_time(TcpStream::connect(address)).await?;
    let connector = TlsConnector::from(Arc::new(client.clone()));
    in_time(connector.connect(ServerName::try_from("localhost").unwrap(), tcp)).await
}

/// A client without anything of ours in it but TLS.
pub(crate) async fn secured(
    address: SocketAddr,
    client: ClientConfig,
) -> Result<tonic::client::Grpc<Channel>, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let connect = tower::service_fn(move |_| {
        let client = client.clone();
        async move { tls(address, &client).await.map(TokioIo::new) }
    });
    in_time(endpoint.connect_with_connector(connect)).await.map(tonic::client::Grpc::new)
}
