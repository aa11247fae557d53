//! A fake collector: receives OTLP, and keeps it. One for the whole test binary, since telemetry starts only once.

use std::sync::{Arc, Mutex, OnceLock};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use service_kit::settings::Settings;
use service_kit::telemetry::{TelemetryGuard, init};
use tonic::{Request, Response, Status};

/// Telemetry, started with the collector as its destination.
pub(crate) struct Collector {
    received: Received,
    guard: TelemetryGuard,
}

#[derive(Clone, Default)]
struct Received {
    traces: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    metrics: Arc<Mutex<Vec<ExportMetricsServiceRequest>>>,
}

/// A span with what stands around it.
pub(crate) struct Exported {
    pub(crate) scope: String,
    pub(crate) resource: Vec<KeyValue>,
    pub(crate) span: Span,
}

/// The collector. The first call starts telemetry for the whole process.
pub(crate) fn collector() -> &'static Collector {
    static COLLECTOR: OnceLock<Collector> = OnceLock::new();
    COLLECTOR.get_or_init(|| {
        let received = Received::default();
        let mut settings = Settings::defaults().unwrap();
        "test".clone_into(&mut settings.environment);
        settings.telemetry.otlp_endpoint = Some(serve(received.clone()));
        // Log lines have tests of their own, with subscribers of their own.
        "off".clone_into(&mut settings.log.level);
        // Telemetry logs panics; the test harness wants to print them.
        let hook = std::panic::take_hook();
        let guard = init(&settings, "case-tracker", "1.2.3").unwrap();
        std::panic::set_hook(hook);
        Collector { received, guard }
    })
}

/// Serves on a thread of its own: the tests' runtimes come and go.
fn serve(received: Received) -> String {
    let (address, bound) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            address.send(listener.local_addr().unwrap()).unwrap();
            tonic::transport::Server::builder()
                .add_service(TraceServiceServer::new(received.clone()))
                .add_service(MetricsServiceServer::new(received))
                .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener))
                .await
                .unwrap();
        });
    });
    format!("http://{}", bound.recv().unwrap())
}

impl Collector {
    /// The spans of a trace that have arrived, once they are all there.
    pub(crate) fn trace(&self, trace_id: &str) -> Vec<Exported> {
        assert!(self.guard.flush(), "the collector takes everything");
        let mut spans = Vec::new();
        for export in self.received.traces.lock().unwrap().iter() {
            for of_resource in &export.resource_spans {
                let resource = of_resource.resource.as_ref().unwrap().attributes.clone();
                for of_scope in &of_resource.scope_spans {
                    let scope = of_scope.scope.as_ref().unwrap().name.clone();
                    let of_trace = of_scope.spans.iter().filter(|span| hex(&span.trace_id) == trace_id);
                    spans.extend(of_trace.map(|span| Exported {
                        scope: scope.clone(),
                        resource: resource.clone(),
                        span: span.clone(),
                    }));
                }
            }
        }
        spans
    }

    /// The latest of each metric of a scope.
    pub(crate) fn metrics(&self, scope: &str) -> Vec<Metric> {
        assert!(self.guard.flush(), "the collector takes everything");
        let exports = self.received.metrics.lock().unwrap();
        let last = exports.last().expect("an export");
        let scopes = last.resource_metrics.iter().flat_map(|of_resource| &of_resource.scope_metrics);
        let of_scope = scopes.filter(|of_scope| of_scope.scope.as_ref().unwrap().name == scope);
        of_scope.flat_map(|of_scope| of_scope.metrics.clone()).collect()
    }
}

/// The text of an attribute; numbers as text, absent as "".
pub(crate) fn attribute(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.clone()) {
        Some(AnyValue { value: Some(any_value::Value::StringValue(text)), .. }) => text,
        Some(AnyValue { value: Some(any_value::Value::IntValue(number)), .. }) => number.to_string(),
        _ => String::new(),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[tonic::async_trait]
impl TraceService for Received {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.traces.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Received {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.metrics.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
