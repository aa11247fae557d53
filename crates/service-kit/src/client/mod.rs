//! Channels to other services: lazy, kept alive, with the trace, the correlation id and the deadline of the request
//! that is being worked on.

use std::time::Duration;

use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use crate::exit::{Exit, ExitCode};
use crate::identity::Identity;

mod context;
mod observed;

pub use context::ContextInterceptor;
pub use observed::Observed;

/// A channel to another service. Cheap to clone; generated clients take it as they take a tonic channel.
///
/// The client span is the outer part, so that the interceptor, inside it, injects that span's context.
pub type Outgoing = Observed<InterceptedService<Channel, ContextInterceptor>>;

/// How a channel behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutgoingOptions {
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How often a quiet connection is asked whether its peer is alive.
    pub keep_alive_interval: Duration,
    /// How long the peer may take to answer that.
    pub keep_alive_timeout: Duration,
}

impl Default for OutgoingOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            keep_alive_interval: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(5),
        }
    }
}

/// A channel to the service at `url` (`http://host:port`), for the calls that `identity` makes.
///
/// Connects at the first call, and again whenever the connection is lost. Needs a runtime to be in. An address that
/// cannot be one ends as [`ExitCode::Configuration`].
pub fn outgoing(identity: Identity, url: &str, options: OutgoingOptions) -> Result<Outgoing, Exit> {
    let endpoint = endpoint(identity, url)?
        .connect_timeout(options.connect_timeout)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(options.keep_alive_interval)
        .keep_alive_timeout(options.keep_alive_timeout)
        .keep_alive_while_idle(true);
    let channel = InterceptedService::new(endpoint.connect_lazy(), ContextInterceptor::new(identity));
    Ok(Observed::new(channel, identity, endpoint.uri()))
}

fn endpoint(identity: Identity, url: &str) -> Result<Endpoint, Exit> {
    let unusable = |why: &dyn std::fmt::Display| {
        Exit::new(ExitCode::Configuration, format!("{url:?} is no address of a service (http://host:port): {why}"))
    };
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|error| unusable(&error))?;
    if endpoint.uri().scheme_str() != Some("http") {
        return Err(unusable(&"it must begin with http://"));
    }
    endpoint.user_agent(identity.name).map_err(|error| unusable(&error))
}
