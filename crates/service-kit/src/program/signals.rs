//! SIGINT and SIGTERM.

use std::sync::{Arc, OnceLock};

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit;

/// What a shell reports for a process that this signal ended, by convention 128 + its number.
const CODE_INTERRUPTED: i32 = 130;
/// Likewise.
const CODE_TERMINATED: i32 = 143;

/// A request to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    Interrupt,
    Terminate,
}

impl Request {
    const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }

    const fn code(self) -> i32 {
        match self {
            Self::Interrupt => CODE_INTERRUPTED,
            Self::Terminate => CODE_TERMINATED,
        }
    }
}

/// Watches for signals until the process ends.
#[derive(Debug, Clone)]
pub(super) struct Signals {
    first: Arc<OnceLock<Request>>,
}

impl Signals {
    /// From here on the first signal cancels `shutdown`, and a second one ends the process at once.
    ///
    /// A thread with a runtime of its own, so that the second signal is obeyed also when every worker of the main runtime
    /// hangs: that is when it is sent.
    pub(super) fn watch(shutdown: CancellationToken) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut requests = Requests::new(&runtime)?;
        let signals = Self { first: Arc::default() };
        let first = Arc::clone(&signals.first);
        let watch = move || {
            runtime.block_on(async {
                let request = requests.next().await;
                // The thread sets it once.
                let _ = first.set(request);
                announce(request);
                shutdown.cancel();
                exit::end(requests.next().await.code())
            })
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(watch)?;
        Ok(signals)
    }

    /// The name of the first signal, if one has come.
    pub(super) fn received(&self) -> Option<&'static str> {
        self.first.get().map(|request| request.name())
    }
}

fn announce(request: Request) {
    let signal = request.name();
    tracing::info!(name: "shutdown_requested", signal, "{signal} received: shutting down; send it again to end at once");
}

struct Requests {
    interrupts: Signal,
    terminations: Signal,
}

impl Requests {
    fn new(runtime: &Runtime) -> std::io::Result<Self> {
        let _entered = runtime.enter();
        Ok(Self { interrupts: signal(SignalKind::interrupt())?, terminations: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Request {
        tokio::select! {
            _ = self.interrupts.recv() => Request::Interrupt,
            _ = self.terminations.recv() => Request::Terminate,
        }
    }
}
