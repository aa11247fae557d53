//! A collector that is dead, silent or slow: what it costs the callers of a service that sends it everything.

use std::net::SocketAddr;
use std::time::Duration;

use super::calls::{create_case, get_case, stop};
use super::read::fill;
use super::telemetry::ALL_TRACES;
use crate::bench::{Bench, PEAK_IN_FLIGHT};
use crate::error::Error;
use crate::load::{Outcome, Workload, count};
use crate::report::{Section, Target, median, megabytes};
use crate::server::{Collector, MemoryWatch, Server, Silence, System, Telemetry, free_address};

/// A request counts as delayed when it takes this much longer than the healthy run's median.
const DELAY: Duration = Duration::from_millis(10);

/// What the slow collector waits before each answer.
const SLOW: Duration = Duration::from_secs(5);

/// Memory that a service may gain while its collector is away, beyond what it gains with one that is well. The queue of
/// spans is bounded, and this is several times its size.
const GROWTH_MB_MAX: f64 = 32.0;

/// The share of the peak that is asked for. Enough to fill every queue of the exporters many times over, and little enough
/// that a tail is not the scheduling of clients, servers and collectors on the same few cores.
const SHARE_OF_PEAK: f64 = 0.25;

/// Cases that are read.
const CASES: u64 = 1_000;

/// Which calls are made. Reads touch no disk, so what delays them is not the disk either; writes are what people fear for.
#[derive(Debug, Clone, Copy)]
enum Calls {
    Reads,
    Writes,
}

impl Calls {
    const fn name(self) -> &'static str {
        match self {
            Self::Reads => "GetCase",
            Self::Writes => "CreateCase",
        }
    }
}

/// A run with one kind of collector.
struct Endured {
    run: Outcome,
    grown_mb: f64,
}

/// All runs with one kind of collector.
struct Collected {
    name: &'static str,
    address: SocketAddr,
    runs: Vec<Endured>,
}

impl Collected {
    fn new(name: &'static str, address: SocketAddr) -> Self {
        Self { name, address, runs: Vec::new() }
    }

    fn of(&self, value: impl Fn(&Endured) -> f64) -> Vec<f64> {
        self.runs.iter().map(value).collect()
    }
}

/// The same open loop with each kind of collector, in turns. `write_peak` is the most commands a second with every trace kept.
pub(super) fn measure(bench: &Bench, section: &mut Section, write_peak: f64, endured: Duration) -> Result<(), Error> {
    let well = bench.collector()?;
    let read_peak = read_peak(bench, section, &well)?;
    let slow = Collector::start(&bench.new_folder("slow-collector"), SLOW, bench.server_cores.clone())?;
    let silent = Silence::start()?;
    let dead = free_address()?;
    for (calls, peak) in [(Calls::Reads, read_peak), (Calls::Writes, write_peak)] {
        let mut kinds = [
            Collected::new("well", well.address),
            Collected::new("dead", dead),
            Collected::new("silent", silent.address),
            Collected::new("slow", slow.address),
        ];
        for _ in 0..bench.options.repeats {
            for kind in &mut kinds {
                let endured = endure(bench, calls, kind.address, (peak * SHARE_OF_PEAK, endured))?;
                section
                    .check(&format!("{}, collector {}", calls.name(), kind.name), std::slice::from_ref(&endured.run));
                kind.runs.push(endured);
            }
        }
        let [well, failing @ ..] = kinds;
        compare(section, calls.name(), &well, &failing);
    }
    stop([well, slow])
}

/// The most reads a second with every trace kept.
fn read_peak(bench: &Bench, section: &mut Section, well: &Server) -> Result<f64, Error> {
    let [command, query] = readable(bench, well.address)?;
    let run = bench.closed(&get_case(query.address, CASES), PEAK_IN_FLIGHT)?;
    stop([query, command])?;
    Ok(section.rate("GetCase, 256 in flight, 100% of traces", std::slice::from_ref(&run)))
}

/// Counts the requests that took longer than they do while the collector is well.
///
/// The disk stands still now and then, with any collector: medians of the runs are compared, so that one odd run on either side
/// decides nothing.
fn compare(section: &mut Section, calls: &str, well: &Collected, failing: &[Collected]) {
    let p50 = median(&well.of(|endured| endured.run.percentile_ms(50.0)));
    let limit = Duration::from_secs_f64(p50 / 1e3) + DELAY;
    let delayed = |endured: &Endured| count(endured.run.slower_than(limit));
    let grown = |endured: &Endured| endured.grown_mb;
    let (usual, usual_growth) = (median(&well.of(delayed)), median(&well.of(grown)));
    for kind in std::iter::once(well).chain(failing) {
        let name = kind.name;
        section.figure(
            format!("{calls}: p99, collector {name}"),
            "ms",
            kind.of(|endured| endured.run.percentile_ms(99.0)),
        );
        let slower = format!("{calls} slower than {:.1} ms, collector {name}", limit.as_secs_f64() * 1e3);
        section.figure(slower, "", kind.of(delayed));
        section.figure(format!("{calls}: memory gained, collector {name}"), "MB", kind.of(grown));
    }
    for kind in failing {
        let what = format!(
            "{calls} delayed by a {} collector, beyond those with a healthy one (medians of the runs)",
            kind.name
        );
        section.verdict("Q5", what, (median(&kind.of(delayed)) - usual).max(0.0), Target::AtMost(0.0));
        let what = format!(
            "{calls}: memory gained by a {} collector, beyond that with a healthy one, in MB (medians)",
            kind.name
        );
        section.verdict("Q5", what, median(&kind.of(grown)) - usual_growth, Target::AtMost(GROWTH_MB_MAX));
    }
}

/// Fresh services, every trace kept, a part of their peak (`rate`, for so long), and this collector.
fn endure(
    bench: &Bench,
    calls: Calls,
    collector: SocketAddr,
    (rate, endured): (f64, Duration),
) -> Result<Endured, Error> {
    match calls {
        Calls::Reads => {
            let [command, query] = readable(bench, collector)?;
            let run = watched(bench, &query, &get_case(query.address, CASES), (rate, endured));
            // What it had no chance to deliver may keep it for a while; it must end well all the same.
            stop([query, command])?;
            run
        }
        Calls::Writes => {
            let command = everything(bench, collector)?.start_command()?;
            let run = watched(bench, &command, &create_case(command.address), (rate, endured));
            stop([command])?;
            run
        }
    }
}

/// Services that send every trace to this collector.
fn everything(bench: &Bench, collector: SocketAddr) -> Result<System, Error> {
    bench.system("outage", Telemetry::On { collector, sample_ratio: ALL_TRACES })
}

/// A case-command that keeps quiet and has some cases, and a case-query that shows them and sends every trace to this collector.
fn readable(bench: &Bench, collector: SocketAddr) -> Result<[Server; 2], Error> {
    let system = everything(bench, collector)?;
    let quiet = system.with(Telemetry::Off);
    let command = quiet.start_command()?;
    fill(bench, &quiet, &command, CASES)?;
    Ok([command, system.start_query()?])
}

/// An open loop, with an eye on the memory of the server.
fn watched(
    bench: &Bench,
    server: &Server,
    calls: &Workload,
    (rate, endured): (f64, Duration),
) -> Result<Endured, Error> {
    let before = server.memory();
    let memory = MemoryWatch::start(server);
    let run = bench.open_for(calls, rate, endured)?;
    Ok(Endured { run, grown_mb: megabytes(memory.finish()?) - megabytes(before) })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::load::{histogram, note};

    /// Three runs of 1,000 requests at 1 ms each, of which so many took 30 ms.
    fn collected(name: &'static str, late: [u32; 3]) -> Collected {
        let runs = late.map(|late| {
            let mut latency = histogram().expect("a histogram");
            (0..1_000).for_each(|number| note(&mut latency, Duration::from_millis(if number < late { 30 } else { 1 })));
            let elapsed = Duration::from_secs(1);
            let run = Outcome { elapsed, offered: 1_000, completed: 1_000, failures: BTreeMap::new(), latency };
            Endured { run, grown_mb: 1.0 }
        });
        Collected { runs: runs.into(), ..Collected::new(name, SocketAddr::from(([127, 0, 0, 1], 1))) }
    }

    fn delayed(failing: [u32; 3]) -> f64 {
        let mut section = Section::new("telemetry");
        compare(&mut section, "GetCase", &collected("well", [0, 10, 200]), &[collected("dead", failing)]);
        section.verdicts.first().map_or(f64::NAN, |verdict| verdict.value)
    }

    #[test]
    fn a_collector_that_delays_requests_is_noticed_even_if_the_healthy_one_had_a_bad_run() {
        assert!((delayed([70, 40, 0]) - 30.0).abs() < f64::EPSILON, "{}", delayed([70, 40, 0]));
    }

    #[test]
    fn a_disk_that_stands_still_in_one_run_is_not_held_against_the_collector() {
        assert!(delayed([900, 0, 0]).abs() < f64::EPSILON);
        assert!(delayed([10, 10, 10]).abs() < f64::EPSILON, "no worse than while all is well");
    }
}
