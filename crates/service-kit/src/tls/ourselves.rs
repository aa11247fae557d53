//! Calling our own server, on this machine, by address.
//!
//! Its certificate names the host that others call, not the loopback address, so its name proves nothing here. What does is
//! that it is our certificate, and that whoever shows it has its key.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::peer::PeerCertificate;
use super::{ALPN_HTTP2, files, provider, unusable, with_causes};
use crate::exit::Exit;
use crate::settings::{AuthMode, Settings};

/// How a process calls its own servers, or another process of the same configuration on the same machine; none if they speak no
/// TLS. Where clients need a certificate, it shows its own. Blocks.
pub(crate) fn client_of_ourselves(settings: &Settings) -> Result<Option<Arc<ClientConfig>>, Exit> {
    let tls = &settings.tls;
    let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) else {
        return Ok(None);
    };
    let own = verifier_of_ourselves(certificate, tls.ca.as_deref()).map_err(|error| unusable("tls", &error))?;
    let versions = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| unusable("tls", &error))?;
    let builder = builder.dangerous().with_custom_certificate_verifier(own);
    let mut config = match settings.auth.mode {
        AuthMode::Mtls => {
            let chain = files::certificates(certificate).map_err(|error| unusable("tls.certificate", &error))?;
            let private = files::private_key(key).map_err(|error| unusable("tls.key", &error))?;
            builder.with_client_auth_cert(chain, private).map_err(|error| unusable("tls.key", &error))?
        }
        AuthMode::Insecure | AuthMode::Jwt => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
    Ok(Some(Arc::new(config)))
}

/// Believes the certificate of a file, and whatever an authority of another has signed, by whatever name. Blocks.
pub(crate) fn verifier_of_ourselves(
    certificate: &Path,
    ca: Option<&Path>,
) -> Result<Arc<dyn ServerCertVerifier>, files::Error> {
    let leaf = files::certificates(certificate)?.into_iter().next();
    let authorities = ca.map(files::roots).transpose()?;
    Ok(Arc::new(Own { leaf, authorities, provider: provider() }))
}

/// Whether our own servers believe our own certificate when a client shows it: if not, why. Blocks.
pub(crate) fn accepted_by_ourselves(certificate: &Path, client_ca: &Path) -> Result<(), String> {
    let chain = files::certificates(certificate).map_err(|error| with_causes(&error))?;
    let roots = files::roots(client_ca).map_err(|error| with_causes(&error))?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    let verifier = verifier.map_err(|error| with_causes(&error))?;
    let Some((leaf, intermediates)) = chain.split_first() else {
        return Err(format!("{} is empty", certificate.display()));
    };
    // By the machine's own time, as in every handshake.
    verifier.verify_client_cert(leaf, intermediates, UnixTime::now()).map_err(|error| with_causes(&error))?;
    if PeerCertificate::of(leaf).is_none() {
        return Err("it names nobody who could be an actor".to_owned());
    }
    Ok(())
}

/// Believes the certificate of the configuration; and, since the server may be a moment behind or ahead of its file, any that
/// `tls.ca` has signed. Never the name alone, never without the key.
#[derive(Debug)]
struct Own {
    leaf: Option<CertificateDer<'static>>,
    authorities: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Own {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.leaf.as_ref() == Some(end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        let Some(authorities) = &self.authorities else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        let leaf = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&leaf, authorities, intermediates, now, algorithms)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
