//! The three services as processes of their own: the programs that were built beside this one.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, anyhow, bail};
use test_support::{AUDIT, COMMAND, QUERY, SeededEntropy, System};
use tokio::task::{LocalSet, spawn_local};

/// Ports that no outgoing connection is given: a service that is dead for a moment finds its own free again.
const PORTS: std::ops::Range<u16> = 15_000..32_000;
/// How many ports are tried for each service.
const TRIES: usize = 1_000;
/// A line for each command would only be kept in memory; where the services listen must be told, and what goes wrong.
const LOG_LEVEL: &str = "warn,service_kit::host=info";

/// Runs what the harness may end by panicking, such as for a service that does not come back: that is told as what it is.
pub(crate) fn attempt<T: 'static>(what: impl Future<Output = anyhow::Result<T>> + 'static) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Runtime::new().context("the runtime")?;
    let tried = LocalSet::new().block_on(&runtime, async { spawn_local(what).await });
    tried.map_err(|error| anyhow!("a service did not come back, or did not answer: {error}"))?
}

/// Starts the services on a new folder, with more settings if need be, and waits until all are ready.
pub(crate) async fn start(settings: &[(&str, &str)], seed: u64) -> anyhow::Result<System> {
    must_be_built()?;
    let random = SeededEntropy::new(seed ^ u64::from(std::process::id()));
    let mut all = vec![("CASE_TRACKER__LOG__LEVEL", LOG_LEVEL)];
    let mut addresses = Vec::new();
    for section in ["COMMAND", "QUERY", "AUDIT"] {
        addresses.push((format!("CASE_TRACKER__{section}__LISTEN"), free_port(&random)?));
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

fn free_port(random: &SeededEntropy) -> anyhow::Result<String> {
    for _ in 0..TRIES {
        let offset = u16::try_from(random.next() % u64::from(PORTS.end - PORTS.start))?;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, PORTS.start + offset)) {
            return Ok(listener.local_addr().context("the port")?.to_string());
        }
    }
    bail!("no port from {} to {} is free", PORTS.start, PORTS.end)
}
