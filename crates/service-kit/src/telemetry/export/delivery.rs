//! The thread on which deliveries to the collector run.

use std::future::Future;
use std::thread;
use std::time::Duration;

use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;

use crate::client::dependencies::COLLECTOR;
use crate::exit::{Exit, ExitCode};

/// How long one delivery may take, connecting and further attempts included.
pub(super) const EXPORT_TIMEOUT: Duration = COLLECTOR.call_timeout;

/// A thread with a runtime of its own, on which everything about delivery runs: a slow collector cannot delay a request,
/// and the shutdown can wait for it from anywhere, a current-thread runtime included.
#[derive(Debug)]
pub(super) struct Delivery {
    handle: Handle,
    /// Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl Delivery {
    pub(super) fn start() -> Result<Self, Exit> {
        let failed = |error: std::io::Error| {
            Exit::new(ExitCode::Unavailable, format!("the telemetry thread cannot be started: {error}"))
        };
        let runtime: Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || runtime.block_on(async { stopped.await.err() }))
            .map_err(failed)?;
        Ok(Self { handle, _stop: stop })
    }

    /// Where deliveries run.
    pub(super) const fn handle(&self) -> &Handle {
        &self.handle
    }
}

/// Runs one delivery of spans on `handle`, bounded by [`EXPORT_TIMEOUT`]: the exporter's own bound begins only once there
/// is a connection.
pub(super) async fn bounded(
    handle: &Handle,
    work: impl Future<Output = OTelSdkResult> + Send + 'static,
) -> OTelSdkResult {
    let timed = handle.spawn(async move { tokio::time::timeout(EXPORT_TIMEOUT, work).await });
    match timed.await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(OTelSdkError::Timeout(EXPORT_TIMEOUT)),
        Err(error) => Err(OTelSdkError::InternalFailure(format!("the delivery broke off: {error}"))),
    }
}
