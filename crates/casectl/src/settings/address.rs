//! Where a service is.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

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
    /// All of them, in the order in which people read of them.
    pub(crate) const ALL: [Self; 3] = [Self::Command, Self::Query, Self::Audit];

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

/// How to speak to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

/// The address of a service, and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Which service.
    pub(crate) service: Service,
    /// How to speak.
    pub(crate) scheme: Scheme,
    /// `host:port`.
    pub(crate) authority: String,
    /// Who said so.
    pub(crate) origin: Origin,
}

impl Address {
    pub(super) fn default_of(service: Service) -> Self {
        let authority = format!("{HOST_DEFAULT}:{}", service.port_default());
        Self { service, scheme: Scheme::Http, authority, origin: Origin::Default }
    }

    /// `host:port`, or the same as a URL.
    pub(super) fn new(service: Service, given: &Given) -> Result<Self, String> {
        let (scheme, uri) = parse(given, "host:port")?;
        let authority = match (uri.host(), uri.port_u16()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (_, None) | (None, _) => return Err(unusable(given, "host:port", "it has no port")),
        };
        Ok(Self { service, scheme, authority, origin: given.origin.clone() })
    }

    /// The service's default port on a host.
    pub(super) fn on_host(service: Service, given: &Given) -> Result<Self, String> {
        let (scheme, uri) = parse(given, "host")?;
        if uri.port().is_some() {
            let why = "it has a port, but each service has its own; use --command, --query and --audit for addresses";
            return Err(unusable(given, "host", why));
        }
        let host = uri.host().unwrap_or_default();
        let authority = format!("{host}:{}", service.port_default());
        Ok(Self { service, scheme, authority, origin: given.origin.clone() })
    }

    /// As a URL.
    pub(crate) fn url(&self) -> String {
        match self.scheme {
            Scheme::Http => format!("http://{}", self.authority),
            Scheme::Https => format!("https://{}", self.authority),
        }
    }

    /// Whether what is sent there can be read by nobody in between: it goes over TLS, or does not leave the machine.
    pub(crate) fn is_private(&self) -> bool {
        let host = self.authority.rsplit_once(':').map_or(self.authority.as_str(), |(host, _)| host);
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let is_loopback = ip.map_or_else(|_| host.eq_ignore_ascii_case("localhost"), |ip| ip.is_loopback());
        self.scheme == Scheme::Https || is_loopback
    }
}

/// In the shortest form that leads there.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Scheme::Http => f.write_str(&self.authority),
            Scheme::Https => write!(f, "https://{}", self.authority),
        }
    }
}

fn parse(given: &Given, form: &str) -> Result<(Scheme, Uri), String> {
    let text = given.text.trim_end_matches('/');
    let (scheme, host) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(host), _) => (Scheme::Https, host),
        (None, Some(host)) => (Scheme::Http, host),
        (None, None) => (Scheme::Http, text),
    };
    // People write the shortest form of an IPv6 address; only URLs need the brackets.
    let url = if host.parse::<Ipv6Addr>().is_ok() { format!("http://[{host}]") } else { format!("http://{host}") };
    if host.contains('@') {
        // Not repeated: what stands before the @ may be a password.
        let why = "it names a user; who you are is said by --actor, or shown by --token-file";
        return Err(format!("{}: this is no address ({form}): {why}", given.origin));
    }
    let uri: Uri = url.parse().map_err(|error| unusable(given, form, &format!("{error}")))?;
    if uri.host().is_none_or(str::is_empty) || uri.path() != "/" {
        return Err(unusable(given, form, "it names no host, or more than one"));
    }
    Ok((scheme, uri))
}

fn unusable(given: &Given, form: &str, why: &str) -> String {
    format!("{}: {:?} is no address ({form}): {why}", given.origin, given.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        let given = Given { text: text.to_owned(), origin: Origin::Default };
        Address::new(Service::Command, &given).unwrap()
    }

    #[test]
    fn only_tls_and_this_machine_are_private() {
        for private in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "https://cases.example:443"] {
            assert!(address(private).is_private(), "{private}");
        }
        for public in ["10.0.0.1:1", "cases.example:1", "[fe80::1]:1", "localhost.example:1", "http://192.0.2.1:1"] {
            assert!(!address(public).is_private(), "{public}");
        }
    }
}
