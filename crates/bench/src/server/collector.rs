//! Collectors of telemetry: one that is well, one that is slow, one that never says a word.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use tonic::{Request, Response, Status};

use super::health::listens;
use super::process::{Server, Start, free_address};
use crate::error::Error;
use crate::machine::Cores;

/// The largest delivery that is read: more than any batch of spans.
const DELIVERY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A collector as a process of its own: what it costs is not counted as the services'.
pub(crate) struct Collector;

/// How a collector answers.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    /// What it waits before each answer.
    pub delay: Duration,
}

impl Collector {
    /// Starts a collector that throws everything away after `delay`.
    pub(crate) fn start(folder: &Path, delay: Duration, cores: Option<Cores>) -> Result<Server, Error> {
        std::fs::create_dir_all(folder).map_err(Error::path("create", folder))?;
        let address = free_address()?;
        let program = std::env::current_exe().map_err(Error::system("find this program"))?;
        let delay = format!("{}ms", delay.as_millis());
        let arguments = ["collector", "--listen", &address.to_string(), "--delay", &delay].map(ToOwned::to_owned);
        let start = Start {
            name: "collector".to_owned(),
            program,
            arguments: arguments.into(),
            environment: Vec::new(),
            folder: PathBuf::from(folder),
            address,
            cores,
        };
        start.until(listens)
    }
}

/// A collector that lets others connect and never says a word.
#[derive(Debug)]
pub(crate) struct Silence {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The kernel accepts for it, for as long as it is there.
    _listener: TcpListener,
}

impl Silence {
    /// Listens on a port of its own.
    pub(crate) fn start() -> Result<Self, Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::system("listen"))?;
        let address = listener.local_addr().map_err(Error::system("listen"))?;
        Ok(Self { address, _listener: listener })
    }
}

/// Serves for as long as the process lives.
///
/// # Errors
/// Where the address cannot be listened on.
pub fn serve(address: SocketAddr, behaviour: Behaviour) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let routes = tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(behaviour).max_decoding_message_size(DELIVERY_BYTES_MAX))
        .add_service(MetricsServiceServer::new(behaviour).max_decoding_message_size(DELIVERY_BYTES_MAX));
    let served = runtime.map_err(Error::system("start a runtime"))?.block_on(routes.serve(address));
    served.map_err(|error| Error::Unmeasurable(format!("cannot serve on {address}: {error}")))
}

#[tonic::async_trait]
impl TraceService for Behaviour {
    async fn export(
        &self,
        _: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        tokio::time::sleep(self.delay).await;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Behaviour {
    async fn export(
        &self,
        _: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        tokio::time::sleep(self.delay).await;
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
