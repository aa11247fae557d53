//! What telemetry costs while all is well, and that it costs nothing while the collector is not.

use std::net::SocketAddr;
use std::time::Duration;

use super::calls::{create_case, stop};
use super::disk;
use crate::bench::{Bench, PEAK_IN_FLIGHT};
use crate::error::Error;
use crate::load::{Outcome, count};
use crate::report::{Section, Target, median, megabytes};
use crate::server::{Collector, MemoryWatch, Silence, Telemetry, free_address};

/// Every trace is kept: the most that telemetry can be.
const ALL_TRACES: &str = "1.0";

/// A request counts as delayed when it takes this much longer than the healthy run's median.
const DELAY: Duration = Duration::from_millis(10);

/// What the slow collector waits before each answer.
const SLOW: Duration = Duration::from_secs(5);

/// Memory that a service may gain while its collector is away, beyond what it gains with one that is well. The queue of
/// spans is bounded, and this is several times its size.
const GROWTH_MB_MAX: f64 = 32.0;

pub(super) fn measure(bench: &Bench, outage: Duration) -> Result<Section, Error> {
    let mut section = Section::new("telemetry: what it costs, and what a collector that fails costs");
    disk::beside(bench, &mut section)?;
    let peak = price(bench, &mut section)?;
    outages(bench, &mut section, peak / 2.0, outage)?;
    Ok(section)
}

/// Throughput with telemetry off, as shipped, and with every trace kept; answers the last one.
fn price(bench: &Bench, section: &mut Section) -> Result<f64, Error> {
    let collector = bench.collector()?;
    let all = Telemetry::On { collector: collector.address, sample_ratio: ALL_TRACES };
    let start = |name: &str, telemetry| bench.system(name, telemetry)?.start_command();
    let servers = [start("off", Telemetry::Off)?, start("shipped", Bench::shipped(&collector))?, start("all", all)?];
    let [off, shipped, all] = servers.each_ref().map(|server| create_case(server.address));
    let runs = bench.in_turns(&mut [
        &mut || bench.closed(&off, PEAK_IN_FLIGHT),
        &mut || bench.closed(&shipped, PEAK_IN_FLIGHT),
        &mut || bench.closed(&all, PEAK_IN_FLIGHT),
    ])?;
    let names = ["telemetry off", "metrics, logs, 1% of traces", "metrics, logs, 100% of traces"];
    let mut rates = Vec::new();
    for (name, runs) in names.iter().zip(&runs) {
        rates.push(section.rate(&format!("CreateCase, 256 in flight, {name}"), runs));
    }
    stop(servers.into_iter().chain([collector]))?;
    let [off, shipped, all] = rates[..] else {
        return Err(Error::Unmeasurable("a bug: a rival did not run".to_owned()));
    };
    section.verdict("P6", "metrics, logs and 1% of traces / all off", shipped / off, Target::AtLeast(0.9));
    section.verdict("P6", "metrics, logs and 100% of traces / all off", all / off, Target::AtLeast(0.7));
    Ok(all)
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

/// The same open loop with each kind of collector, in turns.
fn outages(bench: &Bench, section: &mut Section, rate: f64, outage: Duration) -> Result<(), Error> {
    let well = bench.collector()?;
    let slow = Collector::start(&bench.new_folder("slow-collector"), SLOW, bench.server_cores.clone())?;
    let silent = Silence::start()?;
    let mut kinds = [
        Collected::new("well", well.address),
        Collected::new("dead", free_address()?),
        Collected::new("silent", silent.address),
        Collected::new("slow", slow.address),
    ];
    for _ in 0..bench.options.repeats {
        for kind in &mut kinds {
            let endured = endure(bench, kind.address, rate, outage)?;
            section.check(&format!("CreateCase, collector {}", kind.name), std::slice::from_ref(&endured.run));
            kind.runs.push(endured);
        }
    }
    stop([well, slow])?;
    let [well, failing @ ..] = kinds;
    compare(section, &well, &failing);
    Ok(())
}

/// Counts the requests that took longer than they do while the collector is well.
///
/// The disk stands still now and then, with any collector: medians of the runs are compared, so that one odd run on either side
/// decides nothing.
fn compare(section: &mut Section, well: &Collected, failing: &[Collected]) {
    let p50 = median(&well.of(|endured| endured.run.percentile_ms(50.0)));
    let limit = Duration::from_secs_f64(p50 / 1e3) + DELAY;
    let delayed = |endured: &Endured| count(endured.run.slower_than(limit));
    let grown = |endured: &Endured| endured.grown_mb;
    let (usual, usual_growth) = (median(&well.of(delayed)), median(&well.of(grown)));
    for kind in std::iter::once(well).chain(failing) {
        let name = kind.name;
        section.figure(format!("p99, collector {name}"), "ms", kind.of(|endured| endured.run.percentile_ms(99.0)));
        let slower = format!("requests slower than {:.1} ms, collector {name}", limit.as_secs_f64() * 1e3);
        section.figure(slower, "", kind.of(delayed));
        section.figure(format!("memory gained, collector {name}"), "MB", kind.of(grown));
    }
    for kind in failing {
        let what = format!(
            "requests delayed by a {} collector, beyond those with a healthy one (medians of the runs)",
            kind.name
        );
        section.verdict("Q5", what, (median(&kind.of(delayed)) - usual).max(0.0), Target::AtMost(0.0));
        let what =
            format!("memory gained by a {} collector, beyond that with a healthy one, in MB (medians)", kind.name);
        section.verdict("Q5", what, median(&kind.of(grown)) - usual_growth, Target::AtMost(GROWTH_MB_MAX));
    }
}

/// A fresh case-command, every trace kept, half of its peak, and this collector.
fn endure(bench: &Bench, collector: SocketAddr, rate: f64, outage: Duration) -> Result<Endured, Error> {
    let telemetry = Telemetry::On { collector, sample_ratio: ALL_TRACES };
    let command = bench.system("outage", telemetry)?.start_command()?;
    let before = command.memory();
    let memory = MemoryWatch::start(&command);
    let run = bench.open_for(&create_case(command.address), rate, outage)?;
    let most = memory.finish()?;
    // What it had no chance to deliver may keep it for a while; it must end well all the same.
    command.stop()?;
    Ok(Endured { run, grown_mb: megabytes(most) - megabytes(before) })
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
        compare(&mut section, &collected("well", [0, 10, 200]), &[collected("dead", failing)]);
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
