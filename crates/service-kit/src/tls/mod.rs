//! Certificates and keys: their files, and TLS in both directions.
//!
//! The cryptography is always [`provider`]'s, said at each place: nothing here depends on what a process has installed as its
//! default, nor on which features some other crate of the build has switched on.

pub mod files;

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;

/// The cryptography of every connection: aws-lc.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    Arc::clone(&PROVIDER)
}
