//! Whom casectl believes, and what it shows of itself, where it speaks TLS.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::key::Key;
use super::layers::{Given, Origin};

/// The files that say so; all of them PEM.
#[derive(Debug, Clone, Copy)]
pub(super) struct Files<'a> {
    /// The authorities whose servers are believed; none: the public ones.
    pub(super) ca: Option<&'a Given>,
    /// The certificate that is shown to servers that ask for one, with its chain.
    pub(super) certificate: Option<&'a Given>,
    /// Its private key.
    pub(super) key: Option<&'a Given>,
}

/// What is wrong with a file.
#[derive(Debug)]
pub(super) struct Fault {
    /// Who named it.
    pub(super) origin: Origin,
    /// For people.
    pub(super) line: String,
}

impl Files<'_> {
    pub(super) const fn are_none(&self) -> bool {
        self.ca.is_none() && self.certificate.is_none() && self.key.is_none()
    }
}

/// What rustls needs to know. The first fault ends it: the others may follow from it.
pub(super) fn client_config(files: &Files<'_>) -> Result<ClientConfig, Fault> {
    // Named, so that nothing depends on what other parts of a process have installed.
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| fault(&Origin::Default, format!("cannot speak TLS: {error}")))?;
    let builder = builder.with_root_certificates(roots(files.ca)?);
    match (files.certificate, files.key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(certificate), Some(key)) => {
            let config = builder.with_client_auth_cert(chain(certificate)?, private_key(key)?);
            config.map_err(|error| {
                let (chain, key_file) = (&certificate.text, &key.text);
                fault(&key.origin, format!("{}: the key in {key_file} does not fit {chain}: {error}", key.origin))
            })
        }
        (Some(alone), None) => Err(lacks(alone, Key::PrivateHalf)),
        (None, Some(alone)) => Err(lacks(alone, Key::Certificate)),
    }
}

fn roots(ca: Option<&Given>) -> Result<RootCertStore, Fault> {
    let Some(ca) = ca else { return Ok(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()) };
    let mut roots = RootCertStore::empty();
    for authority in chain(ca)? {
        roots.add(authority).map_err(|error| {
            fault(&ca.origin, format!("{}: {} holds no certificate of an authority: {error}", ca.origin, ca.text))
        })?;
    }
    Ok(roots)
}

fn chain(given: &Given) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let read = CertificateDer::pem_file_iter(&given.text).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = read.map_err(|error| unreadable(given, &error))?;
    if chain.is_empty() {
        return Err(fault(&given.origin, format!("{}: there is no certificate (PEM) in {}", given.origin, given.text)));
    }
    Ok(chain)
}

fn private_key(given: &Given) -> Result<PrivateKeyDer<'static>, Fault> {
    PrivateKeyDer::from_pem_file(&given.text).map_err(|error| unreadable(given, &error))
}

fn unreadable(given: &Given, error: &pem::Error) -> Fault {
    let why = if let pem::Error::Io(error) = error {
        error.to_string()
    } else if matches!(error, pem::Error::NoItemsFound) {
        "there is none in it (PEM)".to_owned()
    } else {
        // What is in a file of keys is not repeated, not even in part.
        "it is not PEM".to_owned()
    };
    fault(&given.origin, format!("{}: cannot read {}: {why}", given.origin, given.text))
}

fn lacks(given: &Given, other: Key) -> Fault {
    fault(&given.origin, format!("{} is given without {}: both or neither", given.origin, other.flag()))
}

fn fault(origin: &Origin, line: String) -> Fault {
    Fault { origin: origin.clone(), line }
}
