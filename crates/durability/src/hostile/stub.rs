//! A server with every fault that malformed input could bring out: what counts them must find them.

use std::convert::Infallible;
use std::future::Future;
use std::io::Write as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as Waker, Poll};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use http::{Request, Response};
use test_support::{COMMAND, Spec, poll_until};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::transport::Server;
use tonic::{Code, Status};

use super::drive::{Drive, Target};
use super::is_panic;
use super::tally::Findings;

/// One call in so many is answered with `INTERNAL`.
const INTERNAL: u64 = 100;
/// One in so many is never answered.
const SILENT: u64 = 301;
/// One in so many panics.
const PANICS: u64 = 401;
/// One in so many is answered without a status.
const WITHOUT_STATUS: u64 = 503;
/// The one that ends the process, a while later: by then all others are answered, or are known not to be.
const LAST: u64 = 3_000;
const END_AFTER: Duration = Duration::from_secs(6);

/// Sends inputs to the stub, as to any other server.
pub(super) async fn try_out(drive: Drive, target: impl FnOnce(SocketAddr) -> Target) -> anyhow::Result<Findings> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let spec = Spec {
        program: std::env::current_exe().context("our own program")?,
        folder: folder.path().to_owned(),
        environment: Vec::new(),
        arguments: vec!["stub".into()],
        services: vec![COMMAND.to_owned()],
    };
    let mut server = spec.spawn().await;
    let tally = drive.run(vec![target(server.address(COMMAND))]).await?;
    let panicked = server.lines().iter().filter(|line| is_panic(line)).count();
    let ended = poll_until("the stub to end", || std::future::ready(server.exit_status())).await;
    Ok(Findings { tally, panicked, ended: vec![format!("the stub ended: {ended}")] })
}

/// Serves as the stub until it ends by its own fault, or is killed.
pub(crate) fn serve() -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("the runtime")?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a free port")?;
        let address = listener.local_addr().context("the port")?;
        let line = format!(r#"{{"event":"listening","service":"{COMMAND}","address":"{address}"}}"#);
        writeln!(std::io::stdout(), "{line}").context("saying the address")?;
        let served = Server::builder().serve_with_incoming(Faulty::default(), TcpListenerStream::new(listener));
        served.await.context("serving")
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Answers everything, and well, but for some.
#[derive(Debug, Clone, Default)]
struct Faulty {
    calls: Arc<AtomicU64>,
}

#[expect(clippy::disallowed_methods, reason = "a server that ends without a word is what this is there for")]
fn end_suddenly() -> ! {
    process::exit(1)
}

impl Service<Request<Body>> for Faulty {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Waker<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        Box::pin(async move {
            if number == LAST {
                // Not in this call, which its caller may give up.
                thread::spawn(|| {
                    thread::sleep(END_AFTER);
                    end_suddenly();
                });
            }
            if number.is_multiple_of(SILENT) {
                std::future::pending::<()>().await;
            }
            if number.is_multiple_of(PANICS) {
                // As the services tell of one.
                let _ = writeln!(std::io::stdout(), r#"{{"event":"panicked"}}"#);
            }
            if number.is_multiple_of(WITHOUT_STATUS) {
                return Ok(Response::new(Body::empty()));
            }
            let code = if number.is_multiple_of(INTERNAL) { Code::Internal } else { Code::InvalidArgument };
            Ok(Status::new(code, "").into_http())
        })
    }
}
