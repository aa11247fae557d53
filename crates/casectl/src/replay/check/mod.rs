//! Whether what the services say afterwards is what the log means.

mod cases;
mod records;

use std::collections::BTreeMap;
use std::time::Duration;

use service_kit::exit::Exit;
use tokio::time::Instant;

use crate::derive::{Counts, TransitionCount};

use super::Verify;
use super::caller::Caller;
use super::drive::Driven;
use super::meter::Meter;
use super::plan::{self, Tally};

/// How many differences are told.
const DIFFERENCES_TOLD_MAX: usize = 20;

/// What was read back, and where it is not what the log means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Check {
    /// Cases by the status that case-query shows.
    pub final_statuses: BTreeMap<String, u64>,
    /// The versions of all cases together, as case-query shows them.
    pub versions: u64,
    /// Cases by the status they began in, from the audit log.
    pub initial_statuses: BTreeMap<String, u64>,
    /// How often each move was made, from the audit log.
    pub transitions: BTreeMap<(String, String), u64>,
    /// Audit events of these cases.
    pub audit_events: u64,
    /// Whether these audit events stand in the log one behind the other, without any other between them.
    pub audit_contiguous: bool,
    /// Timelines that were read; `None`: none was asked for.
    pub timelines: Option<u64>,
    /// How long it took.
    pub took: Duration,
    /// The first differences, one line each.
    pub differences: Vec<String>,
    /// How many there are in all.
    pub differences_count: u64,
}

impl Check {
    fn differ(&mut self, difference: String) {
        self.differences_count += 1;
        if self.differences.len() < DIFFERENCES_TOLD_MAX {
            self.differences.push(difference);
        }
    }

    fn same<T: PartialEq + std::fmt::Display>(&mut self, what: &str, found: &T, wanted: &T) {
        if found != wanted {
            self.differ(format!("{what}: {found}, the log means {wanted}"));
        }
    }
}

/// What is to be checked.
pub(super) struct Scope<'s> {
    pub(super) counts: &'s Counts,
    pub(super) tally: Tally,
    pub(super) driven: &'s [Driven<'s>],
    /// What case-query must have seen.
    pub(super) token: String,
    pub(super) concurrency: usize,
    pub(super) verify: Verify,
}

/// Reads back and compares. An error is a service that stayed away or refused; a difference is an answer.
pub(super) async fn check(caller: &Caller<'_>, scope: &Scope<'_>, meter: &Meter) -> Result<Check, Exit> {
    let begun = Instant::now();
    let passes = match scope.verify {
        Verify::Standard => 2,
        Verify::Full => 3,
    };
    meter.begin("checking", scope.counts.cases * passes);
    let mut check = Check::default();
    compare_tally(&mut check, scope);
    cases::check(caller, scope, meter, &mut check).await?;
    records::check_audit(caller, scope, meter, &mut check).await?;
    match scope.verify {
        Verify::Standard => {}
        Verify::Full => records::check_timelines(caller, scope, meter, &mut check).await?,
    }
    compare_totals(&mut check, scope);
    meter.end();
    check.took = begun.elapsed();
    Ok(check)
}

/// What the answers said against what the log means.
fn compare_tally(check: &mut Check, scope: &Scope<'_>) {
    let mut wanted = Tally::default();
    for (step, _) in scope.driven.iter().flat_map(|case| plan::steps(case.record)) {
        wanted.count(step);
    }
    let Tally { created, transitioned, assigned, unchanged, replayed: _ } = scope.tally;
    check.same("commands that created a case", &created, &wanted.created);
    check.same("commands that moved a case", &transitioned, &wanted.transitioned);
    check.same("commands that assigned a case", &assigned, &wanted.assigned);
    check.same("commands that changed nothing", &unchanged, &wanted.unchanged);
}

/// The sums, which must agree with each other and with the log.
fn compare_totals(check: &mut Check, scope: &Scope<'_>) {
    let changes = scope.tally.changes();
    check.same("the sum of all versions in case-query", &check.versions.clone(), &changes);
    check.same("the audit events of these cases", &check.audit_events.clone(), &changes);
    for count in &scope.counts.statuses {
        let name = count.status.as_str();
        let of = |counts: &BTreeMap<String, u64>| counts.get(name).copied().unwrap_or(0);
        let (initial, last) = (of(&check.initial_statuses), of(&check.final_statuses));
        check.same(&format!("cases that began in {name}"), &initial, &count.initial);
        check.same(&format!("cases in {name}"), &last, &count.last);
    }
    for TransitionCount { from, to, count } in &scope.counts.transitions {
        let found = check.transitions.get(&(from.to_string(), to.to_string())).copied().unwrap_or(0);
        check.same(&format!("transitions {from} -> {to}"), &found, count);
    }
    let known = scope.counts.transitions.len();
    let pairs = check.transitions.len();
    check.same("different transitions", &pairs, &known);
}
