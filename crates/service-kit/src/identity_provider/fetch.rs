//! Reads keys from where they are: a file, or a URL.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use tonic::codegen::Bytes;

use super::keys::{KeySet, Unusable};
use crate::client::dependencies::IDENTITY_PROVIDER;
use crate::reload::open_plain;
use crate::tls;

/// How long the provider may take, from the connection to the last byte.
pub(super) const FETCH_TIMEOUT: Duration = IDENTITY_PROVIDER.call_timeout;

/// The largest set that is read, in bytes.
const KEYS_BYTES_MAX: usize = 1_024 * 1_024;

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{} cannot be read: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{0} is no address that can be called")]
    Address(String),
    #[error("{0}")]
    Authorities(#[from] tls::files::Error),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it answered {0}")]
    Status(StatusCode),
    #[error("its answer broke off: {0}")]
    BrokenOff(String),
    #[error("it has more than {KEYS_BYTES_MAX} bytes")]
    TooLarge,
    #[error("no answer within {FETCH_TIMEOUT:?}")]
    Slow,
    #[error("{0}")]
    Unusable(#[from] Unusable),
}

/// The content of a file of keys.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, FetchError> {
    let failed = |source| FetchError::File { path: path.to_owned(), source };
    let file = open_plain(path).map_err(failed)?;
    let mut content = Vec::new();
    // One byte more than allowed shows that there is more.
    file.take(KEYS_BYTES_MAX as u64 + 1).read_to_end(&mut content).map_err(failed)?;
    if content.len() > KEYS_BYTES_MAX { Err(FetchError::TooLarge) } else { Ok(content) }
}

/// The keys behind a URL; `ca` as in `tls.ca`.
pub(crate) async fn fetch(url: &str, ca: Option<&Path>) -> Result<KeySet, FetchError> {
    tokio::time::timeout(FETCH_TIMEOUT, fetch_unbounded(url, ca)).await.unwrap_or(Err(FetchError::Slow))
}

async fn fetch_unbounded(url: &str, ca: Option<&Path>) -> Result<KeySet, FetchError> {
    let address = || FetchError::Address(origin(url));
    let uri: Uri = url.parse().map_err(|_| address())?;
    let request = Request::get(uri).header(header::ACCEPT, "application/json").body(Empty::<Bytes>::new());
    let request = request.map_err(|_| address())?;
    // Made anew each time: fetches are minutes apart, and so a changed tls.ca counts without a restart.
    let client = Client::builder(TokioExecutor::new()).build(connector(ca)?);
    let response = client.request(request).await.map_err(|error| FetchError::Unreachable(root_cause(&error)))?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let body = Limited::new(response.into_body(), KEYS_BYTES_MAX).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { FetchError::TooLarge } else { FetchError::BrokenOff(root_cause(&*error)) }
    })?;
    Ok(KeySet::from_jwks(&body.to_bytes())?)
}

fn connector(ca: Option<&Path>) -> Result<HttpsConnector<HttpConnector>, FetchError> {
    let builder = HttpsConnectorBuilder::new();
    let builder = match ca {
        // A small file, once in minutes: not worth a thread.
        Some(path) => {
            let config = ClientConfig::builder_with_provider(tls::provider()).with_safe_default_protocol_versions()?;
            builder.with_tls_config(config.with_root_certificates(tls::files::roots(path)?).with_no_client_auth())
        }
        None => builder.with_provider_and_webpki_roots(tls::provider())?,
    };
    Ok(builder.https_or_http().enable_http1().enable_http2().build())
}

/// Scheme, host and port of a URL: what a log may show of it.
pub(crate) fn origin(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| "a URL".to_owned(), |url| url.origin().ascii_serialization())
}

/// The innermost error: "connection refused" tells more than "client error".
fn root_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root_cause)
}
