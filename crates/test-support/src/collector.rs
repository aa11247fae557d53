//! A collector that only listens: what the services would tell a real one.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::ScopeMetrics;
use opentelemetry_proto::tonic::resource::v1::Resource;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::poll_until;

/// A span with what surrounds it in the export.
#[derive(Debug, Clone)]
pub struct SpanSeen {
    /// `service.name` of the resource.
    pub service: String,
    /// The name of the instrumentation scope.
    pub scope: String,
    /// The span.
    pub span: opentelemetry_proto::tonic::trace::v1::Span,
}

impl SpanSeen {
    /// The trace id in hexadecimal digits.
    pub fn trace_id(&self) -> String {
        hex(&self.span.trace_id)
    }
}

/// A metric with what surrounds it in the export.
#[derive(Debug, Clone)]
pub struct MetricSeen {
    /// The name of the instrumentation scope.
    pub scope: String,
    /// The metric.
    pub metric: opentelemetry_proto::tonic::metrics::v1::Metric,
}

#[derive(Debug, Default)]
struct Seen {
    spans: Vec<SpanSeen>,
    metrics: Vec<ExportMetricsServiceRequest>,
    /// The metadata of the last delivery.
    headers: MetadataMap,
}

/// A running collector.
#[derive(Debug, Clone)]
pub struct Collector {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Collector {
    /// Listens on a port of its own, until the test's runtime ends.
    pub async fn start() -> Self {
        Self::try_start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port")
    }

    /// Listens on an address as soon as it is free.
    pub async fn try_start_at(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr().expect("an address");
        let collector = Self { address, seen: Arc::default() };
        let server = Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .add_service(MetricsServiceServer::new(collector.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Ok(collector)
    }

    /// The endpoint for `telemetry.otlp_endpoint`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every span so far.
    pub fn spans(&self) -> Vec<SpanSeen> {
        self.seen.lock().expect("no writer panics").spans.clone()
    }

    /// Waits until the spans of one trace are as a test wants them.
    pub async fn trace(&self, trace_id: &str, complete: impl Fn(&[SpanSeen]) -> bool) -> Vec<SpanSeen> {
        poll_until(&format!("the trace {trace_id}"), || async {
            let spans: Vec<_> = self.spans().into_iter().filter(|seen| seen.trace_id() == trace_id).collect();
            complete(&spans).then_some(spans)
        })
        .await
    }

    /// The names of every metric so far, each with its scope.
    pub fn metric_names(&self) -> Vec<(String, String)> {
        let seen = self.seen.lock().expect("no writer panics");
        let mut names = Vec::new();
        for scope in seen.metrics.iter().flat_map(|request| &request.resource_metrics).flat_map(|r| &r.scope_metrics) {
            let name = scope.scope.as_ref().map(|scope| scope.name.clone()).unwrap_or_default();
            names.extend(scope.metrics.iter().map(|metric| (name.clone(), metric.name.clone())));
        }
        names
    }

    /// Every metric so far, once for each export.
    pub fn metrics(&self) -> Vec<MetricSeen> {
        let seen = self.seen.lock().expect("no writer panics");
        let scopes = seen.metrics.iter().flat_map(|request| &request.resource_metrics).flat_map(|of| &of.scope_metrics);
        let of_scope = |scope: &ScopeMetrics| {
            let name = scope.scope.as_ref().map(|scope| scope.name.clone()).unwrap_or_default();
            scope
                .metrics
                .iter()
                .map(|metric| MetricSeen { scope: name.clone(), metric: metric.clone() })
                .collect::<Vec<_>>()
        };
        scopes.flat_map(of_scope).collect()
    }

    /// How often metrics have arrived.
    pub fn metric_exports(&self) -> usize {
        self.seen.lock().expect("no writer panics").metrics.len()
    }

    /// A header of the last delivery.
    pub fn header(&self, name: &str) -> Option<String> {
        let seen = self.seen.lock().expect("no writer panics");
        seen.headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
    }

    /// Everything that was sent, as text: where a secret would show.
    pub fn everything(&self) -> String {
        let seen = self.seen.lock().expect("no writer panics");
        format!("{:?} {:?}", seen.spans, seen.metrics)
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut seen = self.seen.lock().expect("no reader panics");
        seen.headers = request.metadata().clone();
        for resource in request.into_inner().resource_spans {
            let service = service_name(resource.resource.as_ref());
            for scope in resource.scope_spans {
                let name = scope.scope.map(|scope| scope.name).unwrap_or_default();
                let with = |span| SpanSeen { service: service.clone(), scope: name.clone(), span };
                seen.spans.extend(scope.spans.into_iter().map(with));
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let mut seen = self.seen.lock().expect("no reader panics");
        seen.headers = request.metadata().clone();
        seen.metrics.push(request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

fn service_name(resource: Option<&Resource>) -> String {
    let attributes = resource.map(|resource| resource.attributes.as_slice()).unwrap_or_default();
    let value = attributes.iter().find(|attribute| attribute.key == "service.name");
    match value.and_then(|attribute| attribute.value.as_ref()).and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(name)) => name.clone(),
        _ => String::new(),
    }
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
