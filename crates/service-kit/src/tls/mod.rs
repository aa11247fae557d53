//! Certificates and keys: their files, and TLS in both directions.
//!
//! The cryptography is always [`provider`]'s, said at each place: nothing here depends on what a process has installed as its
//! default, nor on which features some other crate of the build has switched on.

pub mod files;

mod material;
mod ourselves;
mod peer;
mod server;
mod validity;

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;

pub(crate) use ourselves::{accepted_by_ourselves, client_of_ourselves, verifier_of_ourselves};
pub(crate) use peer::is_for_clients;
pub use peer::{ConnectionInfo, PeerCertificate, peer_of};
pub(crate) use server::ServerTls;

use crate::exit::{Exit, ExitCode};
use crate::settings::Settings;

/// The one protocol that is spoken inside TLS: HTTP/2.
const ALPN_HTTP2: &[u8] = b"h2";

/// The cryptography of every connection: aws-lc.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    Arc::clone(&PROVIDER)
}

/// Reads the files of `tls.*` as a server would: [`ExitCode::Configuration`], naming key and file, if it could not start with
/// them. Blocks.
pub fn check(settings: &Settings) -> Result<(), Exit> {
    server::prepared(settings).map(|_| ())?;
    if let Some(path) = &settings.tls.ca {
        files::roots(path).map_err(|error| unusable("tls.ca", &error))?;
    }
    Ok(())
}

/// One line for a person: the key, and the error with its causes.
fn unusable(key: &str, error: &dyn std::error::Error) -> Exit {
    Exit::new(ExitCode::Configuration, format!("{key}: {}", with_causes(error)))
}

/// An error and what caused it, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
