//! TLS outwards: whose certificates are believed, which certificate is shown, and what happens when the files change.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::Uri;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tower_service::Service;
use tracing::{info, warn};

use super::failure::root_cause;
use super::peer::Peer;
use crate::exit::{Exit, ExitCode};
use crate::reload::Reload;
use crate::settings::{Settings, TlsSettings};
use crate::telemetry::names;
use crate::tls::{files, is_for_clients, provider, verifier_of_ourselves};

/// HTTP/2, as it is named in a TLS handshake.
const ALPN_H2: &[u8] = b"h2";

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Connects to one address, over TLS if it begins with `https`.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    http: HttpConnector,
    /// The address. What tonic asks for always begins with `http`: else it would look for a TLS of its own.
    uri: Uri,
    /// Looked at for each connection; none without TLS.
    config: Option<Arc<ArcSwap<ClientConfig>>>,
}

impl Connector {
    /// Reads the files that TLS needs, and goes on reading them when `reload` says so. Needs a runtime to be in.
    pub(super) fn new(
        uri: Uri,
        connect_timeout: Option<Duration>,
        files: Files,
        reload: &Reload,
    ) -> Result<Self, Exit> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(connect_timeout);
        let config = if uri.scheme_str() == Some("https") { Some(files.watched(reload.clone())?) } else { None };
        Ok(Self { http, uri, config })
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.http.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let uri = self.uri.clone();
        if let Some(config) = &self.config {
            return HttpsConnector::from((self.http.clone(), config.load_full())).call(uri);
        }
        let connecting = self.http.call(uri);
        Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) })
    }
}

/// The files that TLS needs.
#[derive(Debug, Clone)]
pub(super) struct Files {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    ca: Option<PathBuf>,
    /// Whether the server is our own, and known by our certificate.
    is_ourselves: bool,
    /// Whether the certificate is shown to a server that asks for one.
    shows_certificate: bool,
}

/// Why the files are of no use.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    File(#[from] files::Error),
    #[error("{} and {} do not belong together, or cannot be used", certificate.display(), key.display())]
    Pair { certificate: PathBuf, key: PathBuf, source: rustls::Error },
    #[error("TLS cannot be set up")]
    Protocol(#[source] rustls::Error),
}

impl Files {
    /// Those that calls to a peer need.
    pub(super) fn of(peer: &Peer, settings: &Settings) -> Self {
        let TlsSettings { certificate, key, ca, .. } = settings.tls.clone();
        let (is_ourselves, shows_certificate) = match peer {
            Peer::At(_) => (false, true),
            // Ours may be one that we do not believe ourselves: it is kept back where a token is shown.
            Peer::Ourselves(_) => (true, Peer::shows_own_certificate(settings)),
        };
        Self { certificate, key, ca, is_ourselves, shows_certificate }
    }

    /// What is in them now.
    fn config(&self) -> Result<ClientConfig, Unusable> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(Unusable::Protocol)?;
        let builder = match (&self.certificate, &self.ca) {
            (Some(certificate), ca) if self.is_ourselves => {
                let own = verifier_of_ourselves(certificate, ca.as_deref())?;
                builder.dangerous().with_custom_certificate_verifier(own)
            }
            (_, Some(ca)) => builder.with_root_certificates(files::roots(ca)?),
            (_, None) => builder.with_webpki_roots(),
        };
        let mut config = match self.shown()? {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|source| self.mismatch(source))?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![ALPN_H2.to_vec()];
        Ok(config)
    }

    /// The certificate that servers are shown which ask for one; none if there is none, or if it is for servers only.
    fn shown(&self) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, Unusable> {
        let (Some(certificate), Some(key), true) = (&self.certificate, &self.key, self.shows_certificate) else {
            return Ok(None);
        };
        let chain = files::certificates(certificate)?;
        if !chain.first().is_some_and(is_for_clients) {
            return Ok(None);
        }
        Ok(Some((chain, files::private_key(key)?)))
    }

    fn mismatch(&self, source: rustls::Error) -> Unusable {
        let path = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
        Unusable::Pair { certificate: path(&self.certificate), key: path(&self.key), source }
    }

    /// Tells one content from another; what cannot be read counts as empty.
    fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for path in [&self.certificate, &self.key, &self.ca].into_iter().flatten() {
            std::fs::read(path).unwrap_or_default().hash(&mut hasher);
        }
        hasher.finish()
    }

    /// What is in them, kept up to date for as long as somebody holds it. Unusable at first:
    /// [`ExitCode::Configuration`].
    fn watched(self, reload: Reload) -> Result<Arc<ArcSwap<ClientConfig>>, Exit> {
        let mark = self.mark();
        let config = self.config().map_err(|error| {
            let cause = root_cause(&error);
            Exit::new(ExitCode::Configuration, format!("the certificates for outgoing calls: {error} ({cause})"))
        })?;
        let current = Arc::new(ArcSwap::from_pointee(config));
        tokio::spawn(keep_up(self, Arc::downgrade(&current), reload, mark));
        Ok(current)
    }
}

/// Takes changed files into use; those that cannot be used leave everything as it is.
async fn keep_up(files: Files, current: Weak<ArcSwap<ClientConfig>>, mut reload: Reload, mut mark: u64) {
    while reload.next().await {
        let looked_at = files.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let seen = looked_at.mark();
            (seen != mark).then(|| (seen, looked_at.config()))
        });
        // Nobody calls any more, or the runtime ends.
        let (Some(current), Ok(looked)) = (current.upgrade(), looked.await) else { return };
        let Some((seen, config)) = looked else { continue };
        mark = seen;
        match config {
            Ok(config) => {
                current.store(Arc::new(config));
                info!(
                    name: names::CLIENT_CERTIFICATES_RELOADED,
                    "certificates for outgoing calls have changed: new connections use them"
                );
            }
            Err(error) => {
                let reason = format!("{error} ({})", root_cause(&error));
                warn!(
                    name: names::CLIENT_CERTIFICATES_UNUSABLE,
                    reason,
                    "certificates for outgoing calls have changed and cannot be used, those from before stay: {reason}"
                );
            }
        }
    }
}
