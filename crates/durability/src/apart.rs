//! The three services as processes of their own: the programs that were built beside this one.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context, anyhow, bail};
use test_support::{AUDIT, COMMAND, QUERY, System};
use tokio::task::{LocalSet, spawn_local};

/// Ports that no outgoing connection is given: a service that is dead for a moment finds its own free again.
const PORTS: std::ops::Range<u16> = 15_000..32_000;
/// Of these each process has some to itself: another one that looks for ports at the same time has a neighbouring id.
const PORTS_OF_A_PROCESS: u16 = 100;
/// A line for each command would only be kept in memory; where the services listen must be told, and what goes wrong.
const LOG_LEVEL: &str = "warn,service_kit::host=info";

/// Runs what the harness may end by panicking, such as for a service that does not come back: that is told as what it is.
pub(crate) fn attempt<T: 'static>(what: impl Future<Output = anyhow::Result<T>> + 'static) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Runtime::new().context("the runtime")?;
    let tried = LocalSet::new().block_on(&runtime, async { spawn_local(what).await });
    tried.map_err(|error| anyhow!("a service did not come back, or did not answer: {error}"))?
}

/// Starts the services on a new folder, with more settings if need be, and waits until all are ready.
pub(crate) async fn start(settings: &[(&str, &str)]) -> anyhow::Result<System> {
    must_be_built()?;
    let mut all = vec![("CASE_TRACKER__LOG__LEVEL", LOG_LEVEL)];
    let mut addresses = Vec::new();
    for section in ["COMMAND", "QUERY", "AUDIT"] {
        addresses.push((format!("CASE_TRACKER__{section}__LISTEN"), free_port()?));
    }
    all.extend(addresses.iter().map(|(key, address)| (key.as_str(), address.as_str())));
    all.extend(settings);
    Ok(System::apart(&all).await)
}

/// An error if a program is missing, before anything is tried.
fn must_be_built() -> anyhow::Result<()> {
    let own = std::env::current_exe().context("our own program")?;
    for name in [COMMAND, QUERY, AUDIT] {
        let program = own.with_file_name(name);
        if !program.is_file() {
            let release = if cfg!(debug_assertions) { "" } else { " --release" };
            bail!(
                "{} is not built: run `cargo build{release} -p durability -p case-command -p case-query -p case-audit`",
                program.display()
            );
        }
    }
    Ok(())
}

/// The next of this process's ports that nobody has.
fn free_port() -> anyhow::Result<String> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let processes = (PORTS.end - PORTS.start) / PORTS_OF_A_PROCESS;
    let own = u16::try_from(std::process::id() % u32::from(processes))?;
    let first = PORTS.start + own * PORTS_OF_A_PROCESS;
    for _ in 0..PORTS_OF_A_PROCESS {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % PORTS_OF_A_PROCESS;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return Ok(listener.local_addr().context("the port")?.to_string());
        }
    }
    bail!("no port from {first} to {} is free", first + PORTS_OF_A_PROCESS - 1)
}
