//! `healthcheck`: asks the running program, over its own ports, whether it is ready.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::report;
use crate::client::dependencies::HEALTH;
use crate::exit::{Exit, ExitCode};
use crate::settings::Settings;
use crate::tls;

/// How long all addresses together have. A container's health check is run every few seconds.
const BOUND: Duration = HEALTH.call_timeout;
/// The health name that tells whether work should be sent here.
const READINESS: &str = "readiness";

/// Asks each address, prints one line for each, and fails unless all are serving. Where the settings give the servers a
/// certificate, it speaks TLS with them, believes that very certificate, and shows it where they want one.
pub(super) fn check(addresses: Vec<SocketAddr>, settings: &Settings) -> Result<(), Exit> {
    let tls = tls::client_of_ourselves(settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Exit::new(ExitCode::Unavailable, format!("cannot start: {error}")))?;
    let answers =
        runtime.block_on(join_all(addresses.into_iter().map(reachable).map(|address| ask(address, tls.clone()))));
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

async fn ask(address: SocketAddr, tls: Option<Arc<ClientConfig>>) -> Answer {
    let answer = tokio::time::timeout(BOUND, status(address, tls)).await;
    let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {}", humantime::format_duration(BOUND))));
    match answer {
        Ok(status) => {
            Answer { address, serving: status == ServingStatus::Serving, text: status.as_str_name().to_owned() }
        }
        Err(text) => Answer { address, serving: false, text },
    }
}

async fn status(address: SocketAddr, tls: Option<Arc<ClientConfig>>) -> Result<ServingStatus, String> {
    let channel = dial(address, tls).await.map_err(|error| root_cause(&error))?;
    let request = HealthCheckRequest { service: READINESS.to_owned() };
    let response = HealthClient::new(channel).check(request).await;
    response
        .map(|response| response.get_ref().status())
        .map_err(|status| format!("{:?}: {}", status.code(), status.message()))
}

async fn dial(address: SocketAddr, tls: Option<Arc<ClientConfig>>) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    let Some(tls) = tls else {
        return endpoint.connect().await;
    };
    let shake_hands = tower::service_fn(move |_| {
        let tls = TlsConnector::from(Arc::clone(&tls));
        async move {
            let tcp = TcpStream::connect(address).await?;
            let stream = tls.connect(ServerName::IpAddress(address.ip().into()), tcp).await?;
            Ok::<_, io::Error>(TokioIo::new(stream))
        }
    });
    endpoint.connect_with_connector(shake_hands).await
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
        let settings = Settings::defaults().unwrap();
        assert_eq!(check(Vec::new(), &settings).unwrap_err().code, ExitCode::Refused);
    }
}
