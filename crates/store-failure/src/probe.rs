//! A store that is looked after in the background: what its health is, and what operators read about it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use service_kit::diagnostics::{Report, StoreReport};
use service_kit::exit::Exit;
use service_kit::health::{Condition, Health, Probe, ProbeTiming, Problem};
use service_kit::identity::Identity;
use storage::{Error, Finding, Inspection, Inspector, StoreAddress};
use tracing::error;

use crate::names::STORE_CORRUPTED;
use crate::{chain, kind};

/// The condition that the looks decide. It comes and goes with what they find, unlike the condition `store`, which stays off
/// once damage was met.
const CONDITION: &str = "storage";

/// A store that is looked after. It is no longer when this is dropped.
#[derive(Debug)]
pub struct StoreProbe {
    probe: Probe,
    report: Published,
}

/// Which store it is.
#[derive(Debug, Clone)]
pub struct StoreName {
    /// Whose it is.
    pub owner: Identity,
    /// What it holds, for instance `command`.
    pub name: &'static str,
    /// Where it is.
    pub address: StoreAddress,
}

type Published = Arc<Mutex<StoreReport>>;

impl StoreProbe {
    /// Begins to look at once, and then every `interval`. The server of `health` is not ready before the first look, and
    /// while a look finds something wrong. Damage also turns `store` off, for good.
    pub fn start(
        store: &StoreName,
        mut inspector: Inspector,
        interval: Duration,
        (health, damaged): (&Health, Condition),
    ) -> Result<Self, Exit> {
        let report = Arc::new(Mutex::new(unseen(store)));
        let (published, mut is_damaged) = (Arc::clone(&report), false);
        let look = move || {
            let (seen, found) = inspector.look();
            if let Err(Finding::Store(error @ Error::Corrupt { .. })) = &found
                && !std::mem::replace(&mut is_damaged, true)
            {
                report_damage(error, &damaged);
            }
            let found = found.map_err(|finding| problem(&finding));
            publish(&mut lock(&published), seen, &found);
            found
        };
        let timing = (health.condition(CONDITION), ProbeTiming::every(interval));
        Ok(Self { probe: Probe::start(store.owner, "store", timing, look)?, report })
    }

    /// What the last look has found, for diagnostics. It never blocks on the store.
    pub fn reporter(&self) -> impl Fn() -> Report + Send + 'static {
        let report = Arc::clone(&self.report);
        move || Report::Store(lock(&report).clone())
    }

    /// Ends the looks and closes what they look with; not waited for while one hangs.
    pub async fn stop(self) {
        self.probe.stop().await;
    }
}

/// A look only assigns: a poisoned lock is sound.
fn lock(report: &Mutex<StoreReport>) -> MutexGuard<'_, StoreReport> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unseen(store: &StoreName) -> StoreReport {
    StoreReport {
        name: store.name,
        address: store.address.to_string(),
        schema_version: 0,
        schema_version_supported: 0,
        size_bytes: 0,
        problem: "it has not been looked at yet".to_owned(),
    }
}

fn publish(report: &mut StoreReport, seen: Inspection, found: &Result<(), Problem>) {
    report.schema_version = u32::try_from(seen.schema_version).unwrap_or(0);
    report.schema_version_supported = u32::try_from(seen.schema_version_supported).unwrap_or(0);
    report.size_bytes = seen.size_bytes;
    report.problem = found.as_ref().err().map(|problem| problem.reason.clone()).unwrap_or_default();
}

fn problem(finding: &Finding) -> Problem {
    let kind = match finding {
        Finding::Store(error) => kind(error),
        Finding::Displaced(_) => "displaced",
        Finding::DiskAlmostFull { .. } => "disk_almost_full",
        Finding::NotWritable { .. } => "not_writable",
    };
    Problem { kind, reason: chain(finding) }
}

fn report_damage(error: &Error, store: &Condition) {
    let (kind, reason) = (kind(error), chain(error));
    error!(name: STORE_CORRUPTED, dependency = "store", operation = "probe", error.type = kind, reason, "the store is damaged: {reason}");
    store.fail(error.to_string());
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn every_finding_says_what_is_wrong_and_where() {
        let path = || PathBuf::from("data/command.db");
        let newer = Error::SchemaTooNew { found: 3, supported: 2 };
        for (finding, kind, said) in [
            (Finding::Store(newer), "schema_too_new", "schema version 3"),
            (Finding::Store(Error::corrupt("a page")), "corrupt", "a page"),
            (Finding::Displaced(storage::Displaced::Removed(path())), "displaced", "data/command.db was removed"),
            (Finding::DiskAlmostFull { path: path(), free: 5, min: 9 }, "disk_almost_full", "5 bytes are free"),
            (Finding::NotWritable { path: path(), reason: "read-only".to_owned() }, "not_writable", "read-only"),
        ] {
            let found = problem(&finding);
            assert!(found.kind == kind && found.reason.contains(said), "{found:?}");
        }
    }
}
