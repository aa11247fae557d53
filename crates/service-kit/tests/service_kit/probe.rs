//! A small service of strings, behind the real stack, on a real port; and a client for it.

use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use http::uri::PathAndQuery;
use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto};
use rpc_error::{Failure, Reason};
use service_kit::access::{Permission, Role, Rule};
use service_kit::client::{Outgoing, outgoing};
use service_kit::diagnostics::Diagnostics;
use service_kit::health::Health;
use service_kit::host::{Host, bind};
use service_kit::identity::Identity;
use service_kit::program::Process;
use service_kit::request::{RequestMeta, current_trace};
use service_kit::settings::Settings;
use service_kit::telemetry::log::{LogLayer, Sink};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::{NamedService, ServerStreamingService, UnaryService};
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::client::PROBE;

pub(crate) const ECHO: &str = "/test.v1.Probe/Echo";
pub(crate) const STREAM: &str = "/test.v1.Probe/Stream";

/// What `Echo` needs.
const ECHO_PERMISSION: Permission = Permission { name: "probe.echo", roles: &[Role::Agent, Role::Service] };
/// What `Stream` needs.
const STREAM_PERMISSION: Permission = Permission { name: "probe.stream", roles: &[Role::Service] };
const RULES: [Rule; 2] = [
    Rule { method: "test.v1.Probe/Echo", permission: &ECHO_PERMISSION },
    Rule { method: "test.v1.Probe/Stream", permission: &STREAM_PERMISSION },
];

/// A process with the default settings.
pub(crate) fn process() -> Process {
    Process::new(Settings::defaults().expect("the defaults are valid"), CancellationToken::new())
}

/// The messages are `google.protobuf.StringValue`, which prost knows as `String`.
type Codec = ProstCodec<String, String>;

/// No test may hang, whatever breaks. Not a measure of anything.
pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("it ends")
}

/// A running server.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) health: Health,
    pub(crate) shutdown: CancellationToken,
    /// What the handlers were asked, when they begin.
    pub(crate) begun: mpsc::UnboundedReceiver<String>,
    pub(crate) served: JoinHandle<Result<(), service_kit::exit::Exit>>,
}

impl Running {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn client(&self, identity: Identity) -> tonic::client::Grpc<Outgoing> {
        tonic::client::Grpc::new(outgoing(&process(), identity, &PROBE, self.url().as_str()).expect("a valid address"))
    }

    /// Waits until a handler begins.
    pub(crate) async fn next_begun(&mut self) -> String {
        in_time(self.begun.recv()).await.expect("the service lives")
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        in_time(self.served).await.expect("no panic").expect("a clean end");
    }
}

pub(crate) fn host(name: &'static str) -> Host {
    let mut settings = Settings::defaults().expect("the defaults are valid");
    settings.limits.message_bytes = 1_024;
    settings.drain_timeout = Duration::from_secs(5);
    Host {
        identity: Identity { name },
        health: Health::new(&["test.v1.Probe"]),
        process: Process::new(settings, CancellationToken::new()),
        rules: &RULES,
        diagnostics: Diagnostics::new(),
    }
}

pub(crate) async fn start(host: Host) -> Running {
    start_on(host, "127.0.0.1:0").await
}

/// As [`start`], on an address of this machine.
pub(crate) async fn start_on(host: Host, address: &str) -> Running {
    crate::collector::collector();
    let listener = bind(address.parse().unwrap()).await.unwrap();
    let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), listener.local_addr().unwrap().port());
    let (begun_sender, begun) = mpsc::unbounded_channel();
    let (health, shutdown) = (host.health.clone(), CancellationToken::new());
    health.started();
    let served = tokio::spawn(serve(host, listener, begun_sender, shutdown.clone()));
    Running { address, health, shutdown, begun, served }
}

/// Serves until `shutdown`.
pub(crate) async fn serve(
    host: Host,
    listener: TcpListener,
    begun: mpsc::UnboundedSender<String>,
    shutdown: CancellationToken,
) -> Result<(), service_kit::exit::Exit> {
    let message_bytes = host.process.settings.limits.message_bytes;
    let probe = Probe { begun, identity: host.identity, message_bytes };
    host.serve(listener, Routes::new(probe), descriptors().leak(), shutdown).await
}

fn descriptors() -> Vec<u8> {
    let method = |name: &str, server_streaming| MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: Some(".google.protobuf.StringValue".to_owned()),
        output_type: Some(".google.protobuf.StringValue".to_owned()),
        server_streaming: Some(server_streaming),
        ..MethodDescriptorProto::default()
    };
    let service = ServiceDescriptorProto {
        name: Some("Probe".to_owned()),
        method: vec![method("Echo", false), method("Stream", true)],
        ..ServiceDescriptorProto::default()
    };
    let file = FileDescriptorProto {
        name: Some("test/v1/probe.proto".to_owned()),
        package: Some("test.v1".to_owned()),
        service: vec![service],
        ..FileDescriptorProto::default()
    };
    FileDescriptorSet { file: vec![file] }.encode_to_vec()
}

#[derive(Clone)]
struct Probe {
    begun: mpsc::UnboundedSender<String>,
    identity: Identity,
    message_bytes: usize,
}

impl NamedService for Probe {
    const NAME: &'static str = "test.v1.Probe";
}

impl tower_service::Service<http::Request<Body>> for Probe {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let probe = self.clone();
        let mut grpc = tonic::server::Grpc::new(Codec::default())
            .max_decoding_message_size(self.message_bytes)
            .max_encoding_message_size(self.message_bytes);
        Box::pin(async move {
            Ok(match request.uri().path() {
                ECHO => grpc.unary(Echo(probe), request).await,
                STREAM => grpc.server_streaming(Streaming(probe), request).await,
                _ => Status::unimplemented("").into_http(),
            })
        })
    }
}

struct Echo(Probe);

impl UnaryService<String> for Echo {
    type Response = String;
    type Future = Pin<Box<dyn Future<Output = Result<Response<String>, Status>> + Send>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let probe = self.0.clone();
        Box::pin(async move {
            let meta = RequestMeta::of(&request);
            let peer = service_kit::tls::peer_of(request.extensions()).map(|peer| peer.name.to_string());
            let text = request.into_inner();
            let _ = probe.begun.send(text.clone());
            match text.split_once(' ').unwrap_or((&text, "")) {
                ("panic", _) => panic!("the secret of the panic"),
                ("hang", _) => std::future::pending().await,
                ("lane", _) => Ok(Response::new(std::thread::current().name().unwrap_or_default().to_owned())),
                ("block", until) => {
                    blocked(until);
                    Ok(Response::new(text))
                }
                ("wait", until) => {
                    waiting(until).await;
                    Ok(Response::new(text))
                }
                ("missing", _) => Err(meta.status(Failure::new(Reason::CaseNotFound, "no such case"))),
                ("foreign", _) => Err(Status::unknown("the secret of the status")),
                ("grow", bytes) => Ok(Response::new("x".repeat(bytes.parse().expect("a size")))),
                ("peer", _) => Ok(Response::new(peer.unwrap_or_else(|| "nobody".to_owned()))),
                ("who", _) => Ok(Response::new(format!("{} {}", meta.actor, meta.request_id))),
                ("trace", _) => Ok(Response::new(current_trace().traceparent)),
                ("log", _) => {
                    tracing::info!(name: "case_transitioned", case_id = "CASE-001", duration_ms = 1.5, "CASE-001 moved");
                    Ok(Response::new(String::new()))
                }
                ("relay", url) => relay(&probe, url, "who").await,
                ("relay-trace", url) => relay(&probe, url, "trace").await,
                ("spans", _) => Ok(Response::new(opened().join(" "))),
                ("spawned-trace", _) => Ok(Response::new(spawned_trace().await)),
                _ => Ok(Response::new(text)),
            }
        })
    }
}

/// Blocks its thread until whoever listens on `address` is gone.
fn blocked(address: &str) {
    let mut until = std::net::TcpStream::connect(address).expect("it is there still");
    // With or without a farewell.
    let _ = std::io::copy(&mut until, &mut std::io::sink());
}

/// As [`blocked`], and lets its thread work.
async fn waiting(address: &str) {
    let mut until = tokio::net::TcpStream::connect(address).await.expect("it is there still");
    let _ = tokio::io::copy(&mut until, &mut tokio::io::sink()).await;
}

/// Which spans there are: around the handler, and inside it.
fn opened() -> Vec<&'static str> {
    let (around, inside) = (tracing::Span::current(), tracing::info_span!("command.create_case"));
    let named = |span: tracing::Span| span.metadata().filter(|_| !span.is_disabled()).map(tracing::Metadata::name);
    [around, inside].into_iter().filter_map(named).collect()
}

/// The trace of a task of its own.
async fn spawned_trace() -> String {
    let work = async { current_trace().traceparent };
    tokio::spawn(service_kit::telemetry::in_call_context(work)).await.expect("no panic")
}

/// Asks another probe what it knows of the call.
async fn relay(probe: &Probe, url: &str, question: &str) -> Result<Response<String>, Status> {
    let channel = outgoing(&process(), probe.identity, &PROBE, url).expect("a valid address");
    let mut client = tonic::client::Grpc::new(channel);
    echo(&mut client, Request::new(question.to_owned())).await
}

struct Streaming(Probe);

type Strings = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

impl ServerStreamingService<String> for Streaming {
    type Response = String;
    type ResponseStream = Strings;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Strings>, Status>> + Send>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let text = request.into_inner();
        let _ = self.0.begun.send(text.clone());
        let first = stream::iter([Ok("first".to_owned())]);
        let rest: Strings = match text.as_str() {
            "endless" => Box::pin(stream::pending()),
            "flood" => Box::pin(stream::repeat_with(|| Ok("more".to_owned()))),
            "grow" => Box::pin(stream::iter([Ok("x".repeat(2_000))])),
            "foreign" => Box::pin(stream::iter([Err(Status::unknown("the secret of the status"))])),
            "panic" => Box::pin(stream::poll_fn(|_| panic!("the secret of the panic"))),
            _ => Box::pin(stream::empty()),
        };
        let all: Strings = Box::pin(first.chain(rest));
        Box::pin(async move { Ok(Response::new(all)) })
    }
}

/// A call as `amira`.
pub(crate) fn asked(text: &str) -> Request<String> {
    let mut request = Request::new(text.to_owned());
    request.metadata_mut().insert("x-actor-id", "amira".parse().unwrap());
    request
}

/// A connection without anything of ours in it.
pub(crate) async fn channel(server: &Running) -> Channel {
    in_time(Channel::from_shared(server.url()).unwrap().connect()).await.unwrap()
}

/// A client without anything of ours in it.
pub(crate) async fn plain(server: &Running) -> tonic::client::Grpc<Channel> {
    tonic::client::Grpc::new(channel(server).await)
}

pub(crate) async fn echo<C>(
    client: &mut tonic::client::Grpc<C>,
    request: Request<String>,
) -> Result<Response<String>, Status>
where
    C: tonic::client::GrpcService<Body, ResponseBody = Body>,
    C::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    unary(client, ECHO, request).await
}

pub(crate) async fn unary<C>(
    client: &mut tonic::client::Grpc<C>,
    path: &'static str,
    request: Request<String>,
) -> Result<Response<String>, Status>
where
    C: tonic::client::GrpcService<Body, ResponseBody = Body>,
    C::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    in_time(client.ready()).await.map_err(|error| Status::unavailable(error.into().to_string()))?;
    in_time(client.unary(request, PathAndQuery::from_static(path), Codec::default())).await
}

pub(crate) async fn open<C>(
    client: &mut tonic::client::Grpc<C>,
    request: Request<String>,
) -> Result<tonic::Streaming<String>, Status>
where
    C: tonic::client::GrpcService<Body, ResponseBody = Body>,
    C::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    in_time(client.ready()).await.map_err(|error| Status::unavailable(error.into().to_string()))?;
    let answer = in_time(client.server_streaming(request, PathAndQuery::from_static(STREAM), Codec::default())).await?;
    Ok(answer.into_inner())
}

/// Log lines, kept.
#[derive(Clone, Default)]
pub(crate) struct Lines(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

impl Sink for Lines {
    fn write_line(&self, _: tracing::Level, line: &[u8]) {
        self.0.lock().unwrap().push(String::from_utf8(line.to_vec()).unwrap());
    }
}

impl Lines {
    /// The layer that writes them.
    ///
    /// With only one subscriber in the process, tracing decides for all threads what the first thread wants of an event:
    /// the global one has to be there before any other.
    pub(crate) fn layer(&self) -> LogLayer {
        crate::collector::collector();
        LogLayer::json("case-test", self.clone())
    }

    /// The lines of one event.
    pub(crate) fn of(&self, event: &str) -> Vec<serde_json::Value> {
        let lines = self.0.lock().unwrap();
        let parsed = lines.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).expect(line));
        parsed.filter(|line| line["event"] == event).collect()
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().concat()
    }
}

/// How much a counter of a server has counted of a `cause`.
pub(crate) fn counted(scope: &str, metric: &str, cause: &str) -> u64 {
    use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value};
    let metrics = crate::collector::collector().metrics(scope);
    let Some(Data::Sum(sum)) = metrics.into_iter().find(|found| found.name == metric).and_then(|found| found.data)
    else {
        return 0;
    };
    let of_cause = |attributes: &[_]| crate::collector::attribute(attributes, "cause") == cause;
    let points = sum.data_points.iter().filter(|point| of_cause(&point.attributes));
    points.map(|point| if let Some(Value::AsInt(n)) = point.value { u64::try_from(n).unwrap() } else { 0 }).sum()
}

/// What a gauge of a server says now of a `limit`, or of nothing in particular ("").
pub(crate) fn gauged(scope: &str, metric: &str, limit: &str) -> f64 {
    use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value};
    let metrics = crate::collector::collector().metrics(scope);
    let found = metrics.into_iter().find(|found| found.name == metric).and_then(|found| found.data);
    let Some(Data::Gauge(gauge)) = found else { panic!("no gauge {metric} of {scope}") };
    let of_limit = |attributes: &[_]| crate::collector::attribute(attributes, "limit") == limit;
    let point = gauge.data_points.iter().find(|point| of_limit(&point.attributes)).expect("a point");
    match point.value {
        Some(Value::AsInt(n)) => f64::from(i32::try_from(n.min(i64::from(i32::MAX))).unwrap()),
        Some(Value::AsDouble(x)) => x,
        None => panic!("no value"),
    }
}
