//! Whom a process calls, and what it has to show there.

use super::policy::Policy;
use crate::access::Permission;
use crate::exit::{Exit, ExitCode};
use crate::settings::{AuthMode, Settings};
use crate::tls;

/// A server that is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// The one at this address (`http://host:port` or `https://host:port`). Over TLS its certificate has to name the host.
    At(String),
    /// One of this very process, at this address of this machine. Its certificate names the host that others call, so over
    /// TLS it is believed for being our own.
    Ourselves(String),
}

impl Peer {
    /// The address.
    pub fn url(&self) -> &str {
        match self {
            Self::At(url) | Self::Ourselves(url) => url,
        }
    }

    /// Refuses settings with which a call of `policy` could never be let in, as [`ExitCode::Configuration`]: better no start
    /// than one that is never ready. `permission` is what the call needs. Blocks, if certificates have to be read.
    ///
    /// What another server believes is known only as far as its settings are like these. A token is not looked into: it
    /// may be replaced at any time.
    pub fn check(&self, policy: &Policy, settings: &Settings, permission: &Permission) -> Result<(), Exit> {
        let by_certificate = match (self, settings.auth.mode) {
            (_, AuthMode::Insecure) => return Ok(()),
            (Self::At(_), AuthMode::Jwt | AuthMode::Mtls) | (Self::Ourselves(_), AuthMode::Jwt)
                if has_token(settings) =>
            {
                return Ok(());
            }
            (Self::At(url), AuthMode::Jwt | AuthMode::Mtls) => certificate_for(url, settings),
            (Self::Ourselves(_), AuthMode::Jwt | AuthMode::Mtls) => own_certificate(settings, permission),
        };
        by_certificate.map_err(|why| {
            let mode = if settings.auth.mode == AuthMode::Mtls { "mtls" } else { "jwt" };
            let text = format!("auth.mode = \"{mode}\": calls to {} would never be let in: {why}", policy.name);
            Exit::new(ExitCode::Configuration, text)
        })
    }

    /// Whether calls to ourselves show our certificate: where nothing else counts, or there is nothing else.
    pub(super) fn shows_own_certificate(settings: &Settings) -> bool {
        match settings.auth.mode {
            AuthMode::Insecure => false,
            AuthMode::Jwt => !has_token(settings),
            AuthMode::Mtls => true,
        }
    }
}

impl From<&str> for Peer {
    fn from(url: &str) -> Self {
        Self::At(url.to_owned())
    }
}

fn has_token(settings: &Settings) -> bool {
    settings.auth.token_file.is_some() || !settings.auth.token.is_empty()
}

/// Whether a certificate can be shown at an address.
fn certificate_for(url: &str, settings: &Settings) -> Result<(), String> {
    let Some(certificate) = &settings.tls.certificate else {
        return Err("set auth.token_file, or tls.certificate and tls.key to show a certificate".to_owned());
    };
    let chain = tls::files::certificates(certificate).map_err(|error| error.to_string())?;
    if !chain.first().is_some_and(tls::is_for_clients) {
        return Err("set auth.token_file, or give tls.certificate a certificate that is for clients, too".to_owned());
    }
    if !url.starts_with("https://") {
        return Err(format!(
            "set auth.token_file; a certificate can be shown only at an https:// address, not at {url}"
        ));
    }
    Ok(())
}

/// Whether our own servers let our own certificate in.
fn own_certificate(settings: &Settings, permission: &Permission) -> Result<(), String> {
    let or_token = match settings.auth.mode {
        AuthMode::Jwt => "set auth.token_file (a token with the role \"service\"), or ",
        AuthMode::Mtls | AuthMode::Insecure => "",
    };
    let (Some(certificate), Some(client_ca)) = (&settings.tls.certificate, &settings.tls.client_ca) else {
        return Err(format!("{or_token}set tls.client_ca to the authority of tls.certificate"));
    };
    tls::accepted_by_ourselves(certificate, client_ca).map_err(|why| {
        format!("{or_token}give tls.certificate a certificate that tls.client_ca has signed for clients, too ({why})")
    })?;
    if !settings.auth.certificate_roles.iter().any(|role| permission.roles.contains(role)) {
        let roles: Vec<_> = permission.roles.iter().map(|role| role.name()).collect();
        return Err(format!("{or_token}add \"{}\" to auth.certificate_roles", roles.join("\" or \"")));
    }
    Ok(())
}
