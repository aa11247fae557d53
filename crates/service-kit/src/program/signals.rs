//! SIGINT and SIGTERM end the process; SIGHUP makes it look at its files again.

use std::sync::{Arc, OnceLock};

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit;
use crate::reload::{RELOAD_INTERVAL, ReloadTrigger};
use crate::telemetry::names;

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
    /// From here on the first request to end cancels `shutdown`, and a second one ends the process at once. SIGHUP never
    /// ends it: it fires `trigger`, and so does every [`RELOAD_INTERVAL`].
    ///
    /// A thread with a runtime of its own, so that the second signal is obeyed also when every worker of the main runtime
    /// hangs: that is when it is sent.
    pub(super) fn watch(shutdown: CancellationToken, trigger: ReloadTrigger) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut requests = Requests::new(&runtime, trigger)?;
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
    tracing::info!(
        name: names::SHUTDOWN_REQUESTED,
        signal,
        "{signal} received: shutting down; send it again to end at once"
    );
}

struct Requests {
    interrupts: Signal,
    terminations: Signal,
    hangups: Signal,
    trigger: ReloadTrigger,
}

impl Requests {
    fn new(runtime: &Runtime, trigger: ReloadTrigger) -> std::io::Result<Self> {
        let _entered = runtime.enter();
        Ok(Self {
            interrupts: signal(SignalKind::interrupt())?,
            terminations: signal(SignalKind::terminate())?,
            hangups: signal(SignalKind::hangup())?,
            trigger,
        })
    }

    /// Waits for the next request to end; until then, files are looked at again and again.
    async fn next(&mut self) -> Request {
        loop {
            tokio::select! {
                _ = self.interrupts.recv() => return Request::Interrupt,
                _ = self.terminations.recv() => return Request::Terminate,
                _ = self.hangups.recv() => self.reload(),
                never = self.trigger.fire_every(RELOAD_INTERVAL) => match never {},
            }
        }
    }

    fn reload(&self) {
        let signal = "SIGHUP";
        tracing::info!(name: names::RELOAD_REQUESTED, signal, "{signal} received: looking at certificates, keys and secrets again");
        self.trigger.fire();
    }
}
