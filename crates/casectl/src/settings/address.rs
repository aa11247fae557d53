//! Where a service is.

use std::fmt;
use std::net::Ipv6Addr;

use tonic::transport::Uri;

use super::key::Key;
use super::layers::{Given, Origin};

const HOST_DEFAULT: &str = "127.0.0.1";

/// A service that casectl calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Changes cases.
    Command,
    /// Reads cases.
    Query,
    /// Reads evidence.
    Audit,
}

impl Service {
    /// The word that people know it by.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Query => "query",
            Self::Audit => "audit",
        }
    }

    pub(super) const fn key(self) -> Key {
        match self {
            Self::Command => Key::Command,
            Self::Query => Key::Query,
            Self::Audit => Key::Audit,
        }
    }

    const fn port_default(self) -> u16 {
        match self {
            Self::Command => 50051,
            Self::Query => 50052,
            Self::Audit => 50053,
        }
    }
}

/// The address of a service, and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Which service.
    pub(crate) service: Service,
    /// `host:port`.
    pub(crate) authority: String,
    /// Who said so.
    pub(crate) origin: Origin,
}

impl Address {
    pub(super) fn default_of(service: Service) -> Self {
        let authority = format!("{HOST_DEFAULT}:{}", service.port_default());
        Self { service, authority, origin: Origin::Default }
    }

    /// `host:port`, or the same as a URL.
    pub(super) fn new(service: Service, given: &Given) -> Result<Self, String> {
        let uri = parse(given, "host:port")?;
        let authority = match (uri.host(), uri.port_u16()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (_, None) | (None, _) => return Err(unusable(given, "host:port", "it has no port")),
        };
        Ok(Self { service, authority, origin: given.origin.clone() })
    }

    /// The service's default port on a host.
    pub(super) fn on_host(service: Service, given: &Given) -> Result<Self, String> {
        let uri = parse(given, "host")?;
        if uri.port().is_some() {
            let why = "it has a port, but each service has its own; use --command, --query and --audit for addresses";
            return Err(unusable(given, "host", why));
        }
        let host = uri.host().unwrap_or_default();
        Ok(Self { service, authority: format!("{host}:{}", service.port_default()), origin: given.origin.clone() })
    }

    /// As a URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.authority)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority)
    }
}

fn parse(given: &Given, form: &str) -> Result<Uri, String> {
    let text = given.text.trim_end_matches('/');
    if text.starts_with("https://") {
        return Err(unusable(given, form, "TLS is not built in yet"));
    }
    let host = text.trim_start_matches("http://");
    // People write the shortest form of an IPv6 address; only URLs need the brackets.
    let url = if host.parse::<Ipv6Addr>().is_ok() { format!("http://[{host}]") } else { format!("http://{host}") };
    let uri: Uri = url.parse().map_err(|error| unusable(given, form, &format!("{error}")))?;
    if uri.host().is_none_or(str::is_empty) || uri.path() != "/" {
        return Err(unusable(given, form, "it names no host, or more than one"));
    }
    Ok(uri)
}

fn unusable(given: &Given, form: &str, why: &str) -> String {
    format!("{}: {:?} is no address ({form}): {why}", given.origin, given.text)
}
