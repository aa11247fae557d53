//! The connection to the collector.

use std::path::Path;
use std::sync::Arc;

use http::Uri;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_rustls::builderstates::WantsSchemes;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tonic::transport::{Channel, Endpoint};
use tower_service::Service;

use super::delivery::EXPORT_TIMEOUT;
use crate::client::dependencies::COLLECTOR;

/// A channel that connects when it is first used. In `Err`: what is wrong with the endpoint or with the file `roots`.
///
/// `https` endpoints have to show a certificate of the authorities in `roots`, or of those that browsers believe.
pub(super) fn connect(endpoint: &str, roots: Option<&Path>) -> Result<Channel, String> {
    let uri: Uri = endpoint.parse().map_err(|error| format!("{error}"))?;
    let secure = uri.scheme_str() == Some("https");
    // The transport is told a plain address, the connector the real one: whether the transport was built with TLS of its own
    // makes no difference.
    let plain = if secure { endpoint.replacen("https://", "http://", 1) } else { endpoint.to_owned() };
    let plain = Endpoint::from_shared(plain).map_err(|error| super::link::chain(&error))?;
    let plain = plain.timeout(EXPORT_TIMEOUT);
    let plain = match COLLECTOR.connect_timeout {
        Some(limit) => plain.connect_timeout(limit),
        None => plain,
    };
    if !secure {
        return Ok(plain.connect_lazy());
    }
    let uri = with_port(uri)?;
    let tls = tls(roots)?.https_only().enable_http2().build();
    let endpoint = plain.origin(uri.clone());
    let connector = tower::service_fn(move |_: Uri| tls.clone().call(uri.clone()));
    Ok(endpoint.connect_with_connector_lazy(connector))
}

/// The port of `https` where none is named.
fn with_port(uri: Uri) -> Result<Uri, String> {
    if uri.port().is_some() {
        return Ok(uri);
    }
    let host = uri.host().unwrap_or_default();
    format!("https://{host}:443").parse().map_err(|error| format!("{error}"))
}

fn tls(roots: Option<&Path>) -> Result<HttpsConnectorBuilder<WantsSchemes>, String> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let builder = HttpsConnectorBuilder::new();
    let Some(path) = roots else {
        return builder.with_provider_and_webpki_roots(provider).map_err(|error| error.to_string());
    };
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let config = config.with_root_certificates(read_roots(path)?).with_no_client_auth();
    Ok(builder.with_tls_config(config))
}

fn read_roots(path: &Path) -> Result<RootCertStore, String> {
    let unusable = |error: &dyn std::fmt::Display| format!("tls.ca = {}: {error}", path.display());
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))? {
        let certificate = certificate.map_err(|error| unusable(&error))?;
        store.add(certificate).map_err(|error| unusable(&error))?;
    }
    if store.is_empty() { Err(unusable(&"there is no certificate in it")) } else { Ok(store) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// The first bytes of HTTP/2.
    const PREFACE: &[u8] = b"PRI * HTTP/2.0";

    /// A server with a certificate for `localhost` of its own making: tells what the first caller says inside TLS.
    async fn secure() -> (String, String, tokio::task::JoinHandle<std::io::Result<Vec<u8>>>) {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let heard = tokio::spawn(async move {
            let (stream, _) = listener.accept().await?;
            let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await?;
            let mut said = vec![0; PREFACE.len()];
            stream.read_exact(&mut said).await?;
            Ok(said)
        });
        (endpoint, cert.pem(), heard)
    }

    /// Tries to deliver; what comes of it, only the server knows.
    async fn deliver(endpoint: &str, roots: Option<&Path>) {
        let mut client = TraceServiceClient::new(connect(endpoint, roots).unwrap());
        let request = ExportTraceServiceRequest::default();
        let _ = tokio::time::timeout(Duration::from_secs(2), client.export(request)).await;
    }

    #[tokio::test]
    async fn an_https_collector_is_spoken_to_in_http2_over_tls_if_its_authority_is_known() {
        let (endpoint, certificate, heard) = secure().await;
        let folder = tempfile::tempdir().unwrap();
        let roots = folder.path().join("ca.pem");
        std::fs::write(&roots, certificate).unwrap();
        deliver(&endpoint, Some(&roots)).await;
        assert_eq!(heard.await.unwrap().unwrap(), PREFACE);
    }

    #[tokio::test]
    async fn a_collector_whose_authority_nobody_knows_hears_nothing() {
        let (endpoint, _, heard) = secure().await;
        deliver(&endpoint, None).await;
        assert!(heard.await.unwrap().is_err(), "the handshake fails");
    }

    #[test]
    fn roots_that_cannot_be_used_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let (missing, empty) = (folder.path().join("missing.pem"), folder.path().join("empty.pem"));
        std::fs::write(&empty, "no certificate").unwrap();
        for path in [&missing, &empty] {
            let said = connect("https://localhost", Some(path)).unwrap_err();
            assert!(said.contains("tls.ca") && said.contains("pem"), "{said}");
        }
    }
}
