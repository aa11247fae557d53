//! Connections over TLS, and why one did not come about.

use std::error::Error;
use std::io;
use std::sync::Arc;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;

use super::root_cause;

/// Dials, and speaks TLS with whoever answers.
pub(super) fn connector(config: &Arc<ClientConfig>) -> HttpsConnector<HttpConnector> {
    let mut http = HttpConnector::new();
    // The scheme is https, which a connector for plain connections does not know.
    http.enforce_http(false);
    http.set_nodelay(true);
    let config = ClientConfig::clone(config);
    HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http2().wrap_connector(http)
}

/// What TLS says about a broken connection, if it is what broke it, and what a person does about it.
pub(super) fn trouble(error: &(dyn Error + 'static)) -> Option<(String, &'static str)> {
    if let Some(fault) = fault(error) {
        return Some((fault.to_string(), advice(fault)));
    }
    // The server's verdict on our certificate comes after the handshake, when HTTP/2 reads already: h2 keeps the words only.
    let words = root_cause(error);
    words.contains(ALERT).then_some((words, ABOUT_OUR_CERTIFICATE))
}

/// How rustls says that the other side has ended the connection.
const ALERT: &str = "received fatal alert";
const ABOUT_OUR_CERTIFICATE: &str = "if it asks for a client certificate: --certificate FILE --key FILE";

fn fault<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    if let Some(fault) = error.downcast_ref::<rustls::Error>() {
        return Some(fault);
    }
    // An I/O error hides what it is made of from `source`, which begins one further on.
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inner.and_then(|inner| fault(inner)).or_else(|| error.source().and_then(fault))
}

fn advice(fault: &rustls::Error) -> &'static str {
    // The set of rustls is open: what is not known is told in its own words alone.
    if matches!(fault, rustls::Error::InvalidCertificate(_)) {
        "if that is its certificate: --ca FILE names the authority that signed it"
    } else if matches!(fault, rustls::Error::InvalidMessage(_)) {
        "does it speak TLS there? without TLS the address begins with http://"
    } else if matches!(fault, rustls::Error::AlertReceived(_)) {
        ABOUT_OUR_CERTIFICATE
    } else {
        "the address, --ca, --certificate and --key decide how TLS is spoken"
    }
}
