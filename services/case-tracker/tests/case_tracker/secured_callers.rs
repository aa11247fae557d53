//! Authorities, certificates, tokens, and callers that use them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use case_api::pb::audit_service_client::AuditServiceClient;
use case_api::pb::case_command_service_client::CaseCommandServiceClient;
use case_api::pb::case_query_service_client::CaseQueryServiceClient;
use hyper_util::rt::TokioIo;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use service_kit::tls::{files, provider};
use test_support::{Caller, CallerChannel, eventually};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

pub(crate) const ISSUER: &str = "https://identity.example";
pub(crate) const AUDIENCE: &str = "case-tracker";

/// Somebody who signs certificates, and puts them into a folder.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// Writes its own certificate to a file.
    pub(crate) fn write(&self, folder: &Path, name: &str) {
        std::fs::write(folder.join(name), self.issuer.pem()).unwrap();
    }

    /// Writes `NAME.pem` and `NAME.key.pem` for somebody with these names.
    pub(crate) fn certify(&self, folder: &Path, name: &str, names: &[&str]) {
        self.certify_for(folder, name, names, &[]);
    }

    /// [`Self::certify`], for certain uses; for any if there are none.
    pub(crate) fn certify_for(&self, folder: &Path, name: &str, names: &[&str], usages: &[ExtendedKeyUsagePurpose]) {
        let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        params.extended_key_usages = usages.to_vec();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(folder.join(format!("{name}.key.pem")), key.serialize_pem()).unwrap();
    }
}

/// The identity provider: signs tokens with the one key that it publishes.
pub(crate) struct Provider {
    key: KeyPair,
}

impl Provider {
    /// One whose public key lies in a file.
    pub(crate) fn published(file: &Path) -> Self {
        let key = KeyPair::generate().unwrap();
        std::fs::write(file, key.public_key_pem()).unwrap();
        Self { key }
    }

    /// A token that is good for an hour.
    pub(crate) fn token(&self, actor: &str, role: &str) -> String {
        let expires = get_current_timestamp() + 3_600;
        let claims = json!({"sub": actor, "roles": [role], "iss": ISSUER, "aud": AUDIENCE, "exp": expires});
        let key = EncodingKey::from_ec_der(&self.key.serialize_der());
        encode(&Header::new(Algorithm::ES256), &claims, &key).unwrap()
    }

    /// Somebody who shows such a token.
    pub(crate) fn caller(&self, actor: &str, role: &str) -> Caller {
        Caller::nobody().with("authorization", &format!("Bearer {}", self.token(actor, role)))
    }
}

/// How to speak with servers: whose certificates are believed, by which name, and which one is shown.
#[derive(Clone)]
pub(crate) struct Line {
    tls: TlsConnector,
    name: &'static str,
}

impl Line {
    /// Believes `ca.pem` of a folder.
    pub(crate) fn new(folder: &Path, name: &'static str) -> Self {
        Self::with(folder, name, None)
    }

    /// [`Self::new`], and shows `SHOWN.pem`.
    pub(crate) fn showing(folder: &Path, name: &'static str, shown: &str) -> Self {
        Self::with(folder, name, Some(shown))
    }

    fn with(folder: &Path, name: &'static str, shown: Option<&str>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(files::certificates(&folder.join("ca.pem")).unwrap().remove(0)).unwrap();
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        let mut config = match shown {
            None => builder.with_no_client_auth(),
            Some(shown) => {
                let chain = files::certificates(&folder.join(format!("{shown}.pem"))).unwrap();
                let key = files::private_key(&folder.join(format!("{shown}.key.pem"))).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Self { tls: TlsConnector::from(Arc::new(config)), name }
    }

    fn channel(&self, caller: Caller, address: SocketAddr) -> CallerChannel {
        let Self { tls, name } = self.clone();
        let connect = tower::service_fn(move |_| {
            let tls = tls.clone();
            async move {
                let tcp = TcpStream::connect(address).await?;
                tls.connect(ServerName::try_from(name).unwrap(), tcp).await.map(TokioIo::new)
            }
        });
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        InterceptedService::new(endpoint.connect_with_connector_lazy(connect), caller)
    }

    pub(crate) fn commands(&self, caller: Caller, address: SocketAddr) -> CaseCommandServiceClient<CallerChannel> {
        CaseCommandServiceClient::new(self.channel(caller, address))
    }

    pub(crate) fn queries(&self, caller: Caller, address: SocketAddr) -> CaseQueryServiceClient<CallerChannel> {
        CaseQueryServiceClient::new(self.channel(caller, address))
    }

    pub(crate) fn audit(&self, caller: Caller, address: SocketAddr) -> AuditServiceClient<CallerChannel> {
        AuditServiceClient::new(self.channel(caller, address))
    }

    /// Waits until a server says that it is ready.
    pub(crate) async fn ready(&self, address: SocketAddr) {
        let mut health = HealthClient::new(self.channel(Caller::nobody(), address));
        let watching = async {
            let request = HealthCheckRequest { service: "readiness".to_owned() };
            let mut answers = health.watch(request).await.unwrap().into_inner();
            while answers.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
        };
        eventually("readiness", watching).await;
    }
}
