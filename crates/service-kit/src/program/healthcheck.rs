//! `healthcheck`: asks the running program, over its own ports, whether it is ready.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::report;
use crate::exit::{Exit, ExitCode};

/// How long all addresses together have. A container's health check is run every few seconds.
const BOUND: Duration = Duration::from_secs(2);
/// The health name that tells whether work should be sent here.
const READINESS: &str = "readiness";

/// Asks each address, prints one line for each, and fails unless all are serving.
pub(super) fn check(addresses: Vec<SocketAddr>) -> Result<(), Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Exit::new(ExitCode::Unavailable, format!("cannot start: {error}")))?;
    let answers = runtime.block_on(join_all(addresses.into_iter().map(reachable).map(ask)));
    for answer in &answers {
        report::print(&format!("{} {}\n", answer.address, answer.text));
    }
    let unwell = answers.iter().filter(|answer| !answer.serving).count();
    if unwell == 0 && !answers.is_empty() {
        return Ok(());
    }
    Err(Exit::new(ExitCode::Refused, format!("not healthy: {unwell} of {} addresses not serving", answers.len())))
}

struct Answer {
    address: SocketAddr,
    serving: bool,
    text: String,
}

async fn ask(address: SocketAddr) -> Answer {
    let answer = tokio::time::timeout(BOUND, status(address)).await;
    let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {}", humantime::format_duration(BOUND))));
    match answer {
        Ok(status) => {
            Answer { address, serving: status == ServingStatus::Serving, text: status.as_str_name().to_owned() }
        }
        Err(text) => Answer { address, serving: false, text },
    }
}

async fn status(address: SocketAddr) -> Result<ServingStatus, String> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|error| root_cause(&error))?;
    let channel = endpoint.connect().await.map_err(|error| root_cause(&error))?;
    let request = HealthCheckRequest { service: READINESS.to_owned() };
    let response = HealthClient::new(channel).check(request).await;
    response
        .map(|response| response.get_ref().status())
        .map_err(|status| format!("{:?}: {}", status.code(), status.message()))
}

/// The innermost error: "connection refused" tells more than "transport error".
fn root_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root_cause)
}

/// Where a server can be dialled that listens on every address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unspecified_addresses_are_dialled_on_loopback() {
        let dialled = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(dialled("0.0.0.0:1"), "127.0.0.1:1");
        assert_eq!(dialled("[::]:1"), "[::1]:1");
        assert_eq!(dialled("10.0.0.1:1"), "10.0.0.1:1");
    }

    #[test]
    fn nothing_to_ask_is_not_healthy() {
        assert_eq!(check(Vec::new()).unwrap_err().code, ExitCode::Refused);
    }
}
