//! Certificates and private keys as they lie on the disk: PEM.
//!
//! Reading blocks: call it at start, or on a thread that may wait.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::reload::open_plain;

/// Why a file does not give what it should. The text names the file, never anything of its content.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not PEM.
    #[error("{} is not PEM", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the reader stumbled over.
        source: pem::Error,
    },
    /// The file is PEM, and lacks what it is read for.
    #[error("{} has no {what} in it (PEM)", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// `certificate` or `private key`.
        what: &'static str,
    },
    /// A certificate in the file cannot be an authority that others are believed by.
    #[error("{} has a certificate in it that cannot be read", path.display())]
    UnusableRoot {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// The certificates of a file, in its order, at least one: a chain has the leaf first.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    certificates_in(path, &content(path)?)
}

/// The first private key of a file: PKCS #8, PKCS #1 (RSA) or SEC 1 (EC), not encrypted.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    private_key_in(path, &content(path)?)
}

/// The authorities of a file, at least one; one that cannot be read spoils all, so that none is missed in silence.
pub fn roots(path: &Path) -> Result<RootCertStore, Error> {
    roots_in(path, &content(path)?)
}

/// The bytes of a file.
pub(super) fn content(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = open_plain(path).and_then(|mut file| file.read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|source| Error::Unreadable { path: path.to_owned(), source })
}

/// [`certificates`] of a file that has been read.
pub(super) fn certificates_in(path: &Path, content: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = CertificateDer::pem_slice_iter(content).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|source| Error::Malformed { path: path.to_owned(), source })?;
    if found.is_empty() {
        return Err(Error::Missing { path: path.to_owned(), what: "certificate" });
    }
    Ok(found)
}

/// [`private_key`] of a file that has been read.
pub(super) fn private_key_in(path: &Path, content: &[u8]) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_slice(content).map_err(|source| {
        let path = path.to_owned();
        if matches!(source, pem::Error::NoItemsFound) {
            Error::Missing { path, what: "private key" }
        } else {
            Error::Malformed { path, source }
        }
    })
}

/// [`roots`] of a file that has been read.
pub(super) fn roots_in(path: &Path, content: &[u8]) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates_in(path, content)? {
        roots.add(certificate).map_err(|source| Error::UnusableRoot { path: path.to_owned(), source })?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use rcgen::generate_simple_self_signed;

    use super::*;

    fn written(folder: &tempfile::TempDir, name: &str, content: &str) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    #[test]
    fn chains_keys_and_authorities_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (self_signed("one.test"), self_signed("two.test"));
        let both = format!("a remark\n{}\n{}", one.cert.pem(), two.cert.pem());
        let chain = written(&folder, "chain.pem", &both);
        let key = written(&folder, "key.pem", &one.signing_key.serialize_pem());
        assert_eq!(certificates(&chain).unwrap(), [one.cert.der().clone(), two.cert.der().clone()]);
        assert_eq!(private_key(&key).unwrap().secret_der(), one.signing_key.serialize_der());
        assert_eq!(roots(&chain).unwrap().len(), 2);
    }

    fn self_signed(name: &str) -> rcgen::CertifiedKey<rcgen::KeyPair> {
        generate_simple_self_signed([name.to_owned()]).unwrap()
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_name_and_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let key = written(&folder, "key.pem", &self_signed("one.test").signing_key.serialize_pem());
        let broken =
            written(&folder, "broken.pem", "-----BEGIN CERTIFICATE-----\ncanary!\n-----END CERTIFICATE-----\n");
        let forged =
            written(&folder, "forged.pem", "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n");
        let missing = folder.path().join("missing.pem");
        let said = [
            (certificates(&missing).unwrap_err(), "missing.pem cannot be read"),
            (certificates(&key).unwrap_err(), "key.pem has no certificate in it (PEM)"),
            (private_key(&forged).unwrap_err(), "forged.pem has no private key in it (PEM)"),
            (certificates(&broken).unwrap_err(), "broken.pem is not PEM"),
            (roots(&forged).unwrap_err(), "forged.pem has a certificate in it that cannot be read"),
        ];
        for (error, end) in said {
            assert!(error.to_string().ends_with(end), "{error}");
            let source = error.source().map(ToString::to_string).unwrap_or_default();
            assert!(!format!("{error} {source}").contains("canary"), "{error}: {source}");
        }
    }
}
