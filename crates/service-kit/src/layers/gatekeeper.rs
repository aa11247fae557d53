//! What the layers that let callers in share: how callers show who they are, how often they may come, and the record of
//! those who were turned away.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Extensions, HeaderMap, header};
use rpc_error::Failure;

use super::call::Call;
use super::rate::CallerRates;
use crate::access::{Caller, Kind, Refusal, Roles, SecurityEvent, SecurityEvents};
use crate::clock::Clock;
use crate::exit::Exit;
use crate::host::Host;
use crate::identity::Identity;
use crate::identity_provider::{Provider, Verdict, Verified};
use crate::request::ACTOR_ID_HEADER;
use crate::settings::AuthMode;
use crate::tls::ConnectionInfo;

/// How often whoever waits for a time of day looks at the clock: it may be set, and stands still in no sleep of the machine.
const CLOCK_INTERVAL: Duration = Duration::from_secs(10);

/// Who is let in, at one server.
pub(crate) struct Gatekeeper {
    trust: Trust,
    pub(super) rates: Option<CallerRates>,
    events: SecurityEvents,
    clock: Arc<dyn Clock>,
}

/// What callers are believed by.
#[derive(Debug)]
enum Trust {
    /// They say who they are.
    Word,
    /// The identity provider says it, or the authority of their certificate.
    Token { provider: Box<Provider>, certificate_roles: Roles },
    /// The authority of their certificate says it.
    Certificate { certificate_roles: Roles },
}

/// Who calls, as far as can be said at once.
pub(super) enum Identified {
    /// With credentials that count for as long as the connection.
    Caller(Caller),
    /// With credentials that expire.
    Until(Verified),
    Refused(Refusal),
    /// The token's key may be among newer keys than those of this number.
    Later {
        token: String,
        keys: u64,
    },
}

impl std::fmt::Debug for Gatekeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gatekeeper").field("trust", &self.trust).finish_non_exhaustive()
    }
}

impl Gatekeeper {
    /// Takes up its post: reads keys where they are in a file, and has them fetched where they are not.
    pub(crate) fn start(host: &Host) -> Result<Self, Exit> {
        let Host { identity, health, process, diagnostics, .. } = host;
        let auth = &process.settings.auth;
        let certificate_roles = || auth.certificate_roles.iter().copied().collect();
        let trust = match auth.mode {
            AuthMode::Insecure => Trust::Word,
            AuthMode::Jwt => {
                let provider = Box::new(Provider::start(process, health, diagnostics, *identity)?);
                Trust::Token { provider, certificate_roles: certificate_roles() }
            }
            AuthMode::Mtls => Trust::Certificate { certificate_roles: certificate_roles() },
        };
        let rates = CallerRates::new(&process.settings.limits);
        Ok(Self { trust, rates, events: SecurityEvents::new(*identity), clock: Arc::clone(&process.clock) })
    }

    /// Says it loudly if everybody is believed.
    pub(crate) fn announce(&self, identity: Identity, address: SocketAddr) {
        match self.trust {
            Trust::Word => self.events.insecure_mode(identity, address),
            Trust::Token { .. } | Trust::Certificate { .. } => {}
        }
    }

    /// Who calls.
    pub(super) fn identify(&self, headers: &HeaderMap, extensions: &Extensions) -> Identified {
        let identified = match &self.trust {
            Trust::Word => actor_as_said(headers),
            Trust::Certificate { certificate_roles } => {
                by_certificate(extensions, *certificate_roles).unwrap_or(Err(Refusal::NoCertificate))
            }
            Trust::Token { provider, certificate_roles } => match bearer(headers) {
                Ok(Some(token)) => return by_token(provider, token),
                Ok(None) => by_certificate(extensions, *certificate_roles).unwrap_or(Err(Refusal::NoToken)),
                Err(refusal) => Err(refusal),
            },
        };
        match identified {
            Ok(caller) => Identified::Caller(caller),
            Err(refusal) => Identified::Refused(refusal),
        }
    }

    /// Who calls with a token that [`Self::identify`] put off.
    pub(super) async fn identify_with_newer_keys(&self, token: &str, keys: u64) -> Result<Verified, Refusal> {
        match &self.trust {
            Trust::Token { provider, .. } => provider.verify_with_newer_keys(token, keys).await,
            Trust::Word | Trust::Certificate { .. } => Err(Refusal::UnknownKey),
        }
    }

    /// Waits until a time of day, in microseconds since the Unix epoch.
    pub(super) fn expiry(&self, until_us: i64) -> impl Future<Output = ()> + Send + use<> {
        let clock = Arc::clone(&self.clock);
        async move {
            while let Some(left_us) = u64::try_from(until_us.saturating_sub(clock.unix_us())).ok().filter(|us| *us > 0)
            {
                tokio::time::sleep(Duration::from_micros(left_us).min(CLOCK_INTERVAL)).await;
            }
        }
    }

    /// Records that a call is turned away.
    pub(super) fn record(&self, kind: Kind, call: &Call, who: Turned<'_>, failure: &Failure) {
        self.events.record(SecurityEvent {
            kind,
            actor: who.actor.unwrap_or("none"),
            action: &call.method.name,
            reason: failure.reason().as_str(),
            check: who.check,
            peer: who.peer,
        });
    }
}

/// Somebody who is turned away.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turned<'a> {
    /// None if nobody knows.
    pub(super) actor: Option<&'a str>,
    /// What failed, out of a closed set.
    pub(super) check: &'static str,
    pub(super) peer: Option<SocketAddr>,
}

/// Where a request came from.
pub(super) fn peer_address(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get::<ConnectionInfo>()?.peer_address
}

fn by_token(provider: &Provider, token: &str) -> Identified {
    match provider.verify(token) {
        Verdict::Believed(verified) => Identified::Until(verified),
        Verdict::Refused(refusal) => Identified::Refused(refusal),
        Verdict::KeyUnknown(keys) => Identified::Later { token: token.to_owned(), keys },
    }
}

/// Who a certificate names; none without one.
fn by_certificate(extensions: &Extensions, roles: Roles) -> Option<Result<Caller, Refusal>> {
    let connection = extensions.get::<ConnectionInfo>().filter(|connection| !connection.certificates.is_empty())?;
    let caller = connection.peer.as_ref().and_then(|peer| Caller::named(&peer.name, roles));
    Some(caller.ok_or(Refusal::BadCertificateName))
}

/// The bearer token, if there is one; anything else in its place is refused, and so are two.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::BadHeader);
    }
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Refusal::BadHeader)?;
    // Schemes are compared without case (RFC 9110, 11.1).
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(token.trim_matches(' '))) } else { Err(Refusal::BadHeader) }
}

/// The actor that the caller claims to be, and is believed to be: with every role.
fn actor_as_said(headers: &HeaderMap) -> Result<Caller, Refusal> {
    let mut said = headers.get_all(ACTOR_ID_HEADER).iter();
    let value = said.next().ok_or(Refusal::NoActor)?;
    let caller = value.to_str().ok().and_then(|name| Caller::named(name, Roles::all()));
    if said.next().is_some() { Err(Refusal::BadActorHeader) } else { caller.ok_or(Refusal::BadActorHeader) }
}
