//! Outgoing calls: one way to make a channel to another service, under a written [`Policy`].
//!
//! From the outside in: what a failed call means ([`CallError`]) → the circuit breaker ([`Breaker`]) → further attempts → the
//! client span and metrics → trace, correlation id, credentials and deadline → the time limit of an attempt → the connection,
//! with TLS where the address begins with `https://`.

use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use crate::exit::{Exit, ExitCode};
use crate::identity::Identity;
use crate::program::Process;

mod backoff;
mod breaker;
mod circuit;
mod context;
pub mod dependencies;
mod end;
mod errand;
mod failure;
mod observed;
mod outgoing;
mod peer;
pub mod policy;
mod report;
mod retry;
mod timed;
mod tls;

pub use backoff::Backoff;
pub use breaker::{Breaker, CircuitOpen, Permit};
pub use failure::{CallError, Cause};
pub use outgoing::Outgoing;
pub use peer::Peer;
pub use policy::Policy;

use context::ContextInterceptor;
use observed::Observed;
use outgoing::Dependency;
use policy::Repetition;
use report::DependencyMetrics;
use retry::Repeater;
use timed::Timed;
use tls::{Connector, Files};

/// What an answer has beside its message, in bytes: the prefix of a gRPC frame.
const FRAME_PREFIX_BYTES: usize = 5;

/// A channel to a server, for the calls that `identity` makes.
///
/// Connects at the first call, and again whenever the connection is lost. Needs a runtime to be in. An address that
/// cannot be one, or certificates that cannot be used, end as [`ExitCode::Configuration`]. A unary answer may have
/// `limits.message_bytes`.
pub fn outgoing(
    process: &Process,
    identity: Identity,
    policy: &'static Policy,
    peer: impl Into<Peer>,
) -> Result<Outgoing, Exit> {
    let (settings, peer) = (&process.settings, peer.into());
    let (endpoint, uri) = endpoint(identity, policy, peer.url())?;
    let connector = Connector::new(uri.clone(), policy.connect_timeout, Files::of(&peer, settings), &process.reload)?;
    let channel: Channel = endpoint.connect_with_connector_lazy(connector);
    let timed = Timed::new(channel, settings.limits.message_bytes.saturating_add(FRAME_PREFIX_BYTES));
    let intercepted = InterceptedService::new(timed, ContextInterceptor::new(identity, &settings.auth));
    let repeater = match policy.repetition {
        Repetition::Calls(retry) => Some(Repeater::new(retry, process.entropy.clone())),
        Repetition::ByItsUser(_) | Repetition::Never(_) => None,
    };
    let dependency = Dependency {
        policy,
        address: peer.url().to_owned(),
        breaker: Breaker::new(identity, policy),
        repeater,
        metrics: DependencyMetrics::new(identity, policy),
        last_failure: std::sync::Mutex::default(),
    };
    Ok(Outgoing::new(Observed::new(intercepted, identity, &uri), dependency))
}

/// How tonic is to connect, and to what. It is told `http://` in any case: TLS is the [`Connector`]'s.
fn endpoint(identity: Identity, policy: &Policy, url: &str) -> Result<(Endpoint, http::Uri), Exit> {
    let unusable = |why: &dyn std::fmt::Display| {
        let text = format!("{url:?} is no address of a service (http://host:port or https://host:port): {why}");
        Exit::new(ExitCode::Configuration, text)
    };
    let uri: http::Uri = url.parse().map_err(|error| unusable(&error))?;
    let plain = match uri.scheme_str() {
        Some("http") => uri.clone(),
        Some("https") => {
            let mut parts = uri.clone().into_parts();
            parts.scheme = Some(http::uri::Scheme::HTTP);
            http::Uri::from_parts(parts).map_err(|error| unusable(&error))?
        }
        Some(_) | None => return Err(unusable(&"it must begin with http:// or https://")),
    };
    let mut endpoint = Endpoint::from(plain).origin(uri.clone()).tcp_nodelay(true);
    endpoint = endpoint.user_agent(identity.name).map_err(|error| unusable(&error))?;
    if let Some(timeout) = policy.connect_timeout {
        endpoint = endpoint.connect_timeout(timeout);
    }
    if let Some(keep_alive) = policy.keep_alive {
        endpoint = endpoint
            .http2_keep_alive_interval(keep_alive.interval)
            .keep_alive_timeout(keep_alive.timeout)
            .keep_alive_while_idle(true);
    }
    Ok((endpoint, uri))
}
