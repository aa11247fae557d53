//! Who is on the other side of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use crate::host::pace::Brake;

/// The longest name that is taken from a certificate, in characters: that of an actor.
const NAME_CHARS_MAX: usize = 128;

/// What is known about the connection of a call: in the extensions of its request.
#[derive(Debug, Clone)]
pub struct ConnectionInfo {
    /// Where the other side is; none if it was gone before that could be asked.
    pub peer_address: Option<SocketAddr>,
    /// The chain that it has shown, leaf first, verified against `tls.client_ca`; empty if it has shown none.
    pub certificates: Arc<[CertificateDer<'static>]>,
    /// Who the leaf says that it is; none without a certificate, and for one without a usable name.
    pub peer: Option<PeerCertificate>,
    /// Slows it down when there is too much to do.
    pub(crate) brake: Arc<Brake>,
}

impl ConnectionInfo {
    /// Of a connection whose chain has been verified.
    pub(crate) fn new(
        peer_address: Option<SocketAddr>,
        certificates: Arc<[CertificateDer<'static>]>,
        brake: Arc<Brake>,
    ) -> Self {
        let peer = certificates.first().and_then(PeerCertificate::of);
        Self { peer_address, certificates, peer, brake }
    }
}

/// The certificate of the caller: verified when its connection began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The caller's name: 1 to 128 visible ASCII characters.
    pub name: Arc<str>,
}

impl PeerCertificate {
    /// Reads a leaf: the first of its alternative names that is a URI (a SPIFFE id), else the first DNS name, else the common
    /// name. None if there is no such name, or one that cannot be an actor's.
    pub(super) fn of(leaf: &CertificateDer<'static>) -> Option<Self> {
        let (_, leaf) = X509Certificate::from_der(leaf).ok()?;
        let alternatives = leaf.subject_alternative_name().ok()?;
        let names = alternatives.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default();
        let uri = names.iter().find_map(|name| if let GeneralName::URI(uri) = name { Some(*uri) } else { None });
        let dns = || names.iter().find_map(|name| if let GeneralName::DNSName(dns) = name { Some(*dns) } else { None });
        let common = || leaf.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        let name = uri.or_else(dns).or_else(common)?;
        let usable = (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
        usable.then(|| Self { name: Arc::from(name) })
    }
}

/// The certificate that the caller of a request has shown; none if it has shown none, or one without a usable name.
pub fn peer_of(extensions: &http::Extensions) -> Option<PeerCertificate> {
    extensions.get::<ConnectionInfo>()?.peer.clone()
}

/// Whether a certificate may be shown by a client. Public authorities sign many for servers only, and a server would end the
/// handshake at the sight of one. A certificate that says nothing about its use may be used for anything (RFC 5280, 4.2.1.12).
pub(crate) fn is_for_clients(leaf: &CertificateDer<'_>) -> bool {
    let Ok((_, leaf)) = X509Certificate::from_der(leaf) else { return false };
    match leaf.extended_key_usage() {
        Ok(Some(usage)) => usage.value.client_auth || usage.value.any,
        Ok(None) => true,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, SanType};

    use super::*;

    fn named(common: &str, alternatives: Vec<SanType>) -> Option<String> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common);
        params.subject_alt_names = alternatives;
        let leaf = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        PeerCertificate::of(leaf.der()).map(|peer| peer.name.to_string())
    }

    #[test]
    fn the_most_exact_name_of_a_certificate_counts() {
        let uri = SanType::URI("spiffe://test/case-query".try_into().unwrap());
        let dns = SanType::DnsName("case-query.test".try_into().unwrap());
        assert_eq!(named("common", vec![dns.clone(), uri]).as_deref(), Some("spiffe://test/case-query"));
        assert_eq!(named("common", vec![dns]).as_deref(), Some("case-query.test"));
        assert_eq!(named("common", vec![]).as_deref(), Some("common"));
    }

    #[test]
    fn a_name_that_cannot_be_an_actors_is_none() {
        for unusable in ["", "two words", "a\nline", &"x".repeat(129)] {
            assert_eq!(named(unusable, vec![]), None, "{unusable:?}");
        }
        assert_eq!(named(&"x".repeat(128), vec![]), Some("x".repeat(128)));
    }

    #[test]
    fn without_a_certificate_there_is_nobody() {
        let identity = crate::identity::Identity { name: "case-test" };
        let brake = Brake::new(crate::host::pace::Pace::new(identity, 1, tokio::time::Instant::now()));
        assert_eq!(ConnectionInfo::new(None, Arc::default(), brake).peer, None);
        assert_eq!(peer_of(&http::Extensions::new()), None);
    }

    #[test]
    fn certificates_for_servers_only_are_not_shown_by_clients() {
        let for_clients = |usages: &[ExtendedKeyUsagePurpose]| {
            let mut params = CertificateParams::default();
            params.extended_key_usages = usages.to_vec();
            let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            is_for_clients(certificate.der())
        };
        assert!(!for_clients(&[ExtendedKeyUsagePurpose::ServerAuth]));
        assert!(for_clients(&[ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]));
        assert!(for_clients(&[ExtendedKeyUsagePurpose::Any]));
        assert!(for_clients(&[]), "a certificate that does not say what it is for");
        assert!(!is_for_clients(&CertificateDer::from(b"no certificate".to_vec())));
    }
}
