//! What a server's TLS is made of: the content of three files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

use super::validity::NotAfter;
use super::{ALPN_HTTP2, files, provider};
use crate::settings::{AuthMode, Settings};

/// Where the files are, and what is asked of clients.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) clients: Clients,
}

/// Whether clients show certificates.
#[derive(Debug, Clone)]
pub(super) enum Clients {
    /// They are not asked.
    NotAsked,
    /// They may, of an authority in the file.
    May(PathBuf),
    /// They must, of an authority in the file.
    Must(PathBuf),
}

/// Why TLS cannot be had from the files.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The settings do not go together.
    #[error("{0}")]
    Settings(&'static str),
    /// A file is missing, or is not what it should be.
    #[error("{key}")]
    File { key: &'static str, source: files::Error },
    /// Certificate and key do not go together, or use what we do not.
    #[error("tls.key ({}) does not serve for tls.certificate ({})", key.display(), certificate.display())]
    Pair { certificate: PathBuf, key: PathBuf, source: rustls::Error },
    /// The authorities cannot be used.
    #[error("tls.client_ca ({}) cannot be used", path.display())]
    Authorities { path: PathBuf, source: VerifierBuilderError },
}

/// The files, as they were when they were read. Not printable: one is a private key.
#[derive(PartialEq, Eq)]
pub(super) struct Material {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Vec<u8>,
}

impl Paths {
    /// Those of the settings; none if there is to be no TLS.
    pub(super) fn of(settings: &Settings) -> Result<Option<Self>, Error> {
        let tls = &settings.tls;
        let (certificate, key) = match (&tls.certificate, &tls.key) {
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            (None, None) if settings.auth.mode == AuthMode::Mtls => {
                return Err(Error::Settings("auth.mode = \"mtls\" needs tls.certificate, tls.key and tls.client_ca"));
            }
            (None, None) => return Ok(None),
            (Some(_), None) => return Err(Error::Settings("tls.certificate needs its tls.key")),
            (None, Some(_)) => return Err(Error::Settings("tls.key needs its tls.certificate")),
        };
        let clients = match (settings.auth.mode, tls.client_ca.clone()) {
            (AuthMode::Mtls, None) => return Err(Error::Settings("auth.mode = \"mtls\" needs tls.client_ca")),
            (AuthMode::Mtls, Some(path)) => Clients::Must(path),
            (AuthMode::Insecure | AuthMode::Jwt, Some(path)) => Clients::May(path),
            (AuthMode::Insecure | AuthMode::Jwt, None) => Clients::NotAsked,
        };
        Ok(Some(Self { certificate, key, clients }))
    }
}

impl Clients {
    fn path(&self) -> Option<&Path> {
        match self {
            Self::NotAsked => None,
            Self::May(path) | Self::Must(path) => Some(path),
        }
    }
}

impl Material {
    /// Reads the files. Blocks.
    pub(super) fn read(paths: &Paths) -> Result<Self, Error> {
        let content =
            |key: &'static str, path: &Path| files::content(path).map_err(|source| Error::File { key, source });
        Ok(Self {
            certificate: content("tls.certificate", &paths.certificate)?,
            key: content("tls.key", &paths.key)?,
            client_ca: paths.clients.path().map_or(Ok(Vec::new()), |path| content("tls.client_ca", path))?,
        })
    }

    /// What servers shake hands with from now on, and how long its certificate is good for.
    pub(super) fn prepare(&self, paths: &Paths) -> Result<(Arc<ServerConfig>, Option<NotAfter>), Error> {
        let file = |key: &'static str| move |source| Error::File { key, source };
        let chain = files::certificates_in(&paths.certificate, &self.certificate).map_err(file("tls.certificate"))?;
        let key = files::private_key_in(&paths.key, &self.key).map_err(file("tls.key"))?;
        let not_after = chain.first().and_then(NotAfter::of);
        let pair = |source| {
            let Paths { certificate, key, .. } = paths.clone();
            Error::Pair { certificate, key, source }
        };
        let versions = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = versions.map_err(pair)?;
        let builder = match &paths.clients {
            Clients::NotAsked => builder.with_no_client_auth(),
            Clients::May(path) => {
                let authorities = WebPkiClientVerifier::builder_with_provider(self.authorities(path)?, provider());
                let verifier = authorities.allow_unauthenticated().build();
                builder.with_client_cert_verifier(verifier.map_err(unusable_authorities(path))?)
            }
            Clients::Must(path) => {
                let authorities = WebPkiClientVerifier::builder_with_provider(self.authorities(path)?, provider());
                builder.with_client_cert_verifier(authorities.build().map_err(unusable_authorities(path))?)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(pair)?;
        config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
        Ok((Arc::new(config), not_after))
    }

    fn authorities(&self, path: &Path) -> Result<Arc<RootCertStore>, Error> {
        let roots = files::roots_in(path, &self.client_ca);
        roots.map(Arc::new).map_err(|source| Error::File { key: "tls.client_ca", source })
    }
}

fn unusable_authorities(path: &Path) -> impl FnOnce(VerifierBuilderError) -> Error {
    move |source| Error::Authorities { path: path.to_owned(), source }
}
