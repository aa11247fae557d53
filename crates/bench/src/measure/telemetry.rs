//! What telemetry costs while all is well, and that it costs nothing while the collector is not.

use std::net::SocketAddr;
use std::time::Duration;

use super::calls::{create_case, stop};
use super::disk;
use crate::bench::{Bench, PEAK_IN_FLIGHT};
use crate::error::Error;
use crate::load::{Outcome, count};
use crate::report::{Section, Target, megabytes, median};
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
    let servers =
        [start("off", Telemetry::Off)?, start("shipped", Bench::shipped(&collector))?, start("all", all)?];
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

/// The same open loop with each kind of collector, the healthy one first and last.
fn outages(bench: &Bench, section: &mut Section, rate: f64, outage: Duration) -> Result<(), Error> {
    let cores = || bench.server_cores.clone();
    let well = bench.collector()?;
    let slow = Collector::start(&bench.new_folder("slow-collector"), SLOW, cores())?;
    let (silent, dead) = (Silence::start()?, free_address()?);
    let endure = |section: &mut Section, name: &str, collector| -> Result<Endured, Error> {
        let endured = endure(bench, collector, rate, outage)?;
        section.check(&format!("CreateCase, collector {name}"), std::slice::from_ref(&endured.run));
        Ok(endured)
    };
    let before = endure(section, "well", well.address)?;
    let failing = [
        ("dead", endure(section, "dead", dead)?),
        ("silent", endure(section, "silent", silent.address)?),
        ("slow", endure(section, "slow", slow.address)?),
    ];
    let after = endure(section, "well again", well.address)?;
    stop([well, slow])?;

    let healthy = [&before, &after];
    let p50 = median(&healthy.map(|endured| endured.run.percentile_ms(50.0)));
    let limit = Duration::from_secs_f64(p50 / 1e3) + DELAY;
    let delayed = |endured: &Endured| endured.run.slower_than(limit);
    let usual = healthy.map(delayed).into_iter().max().unwrap_or(0);
    let usual_growth = healthy.iter().map(|endured| endured.grown_mb).fold(0.0, f64::max);
    let what = format!("requests slower than {:.1} ms, collector well", limit.as_secs_f64() * 1e3);
    section.figure(what, "", healthy.map(|endured| count(delayed(endured))).into());
    section.figure("p99, collector well", "ms", healthy.map(|endured| endured.run.percentile_ms(99.0)).into());
    section.figure("memory gained, collector well", "MB", healthy.map(|endured| endured.grown_mb).into());
    for (name, endured) in &failing {
        let beyond = delayed(endured).saturating_sub(usual);
        section.figure(format!("p99, collector {name}"), "ms", vec![endured.run.percentile_ms(99.0)]);
        section.figure(format!("requests that slow, collector {name}"), "", vec![count(delayed(endured))]);
        section.figure(format!("memory gained, collector {name}"), "MB", vec![endured.grown_mb]);
        let what = format!("requests delayed by a {name} collector, beyond the slower healthy run");
        section.verdict("Q5", what, count(beyond), Target::AtMost(0.0));
        let what = format!("memory gained by a {name} collector, beyond a healthy one, in MB");
        section.verdict("Q5", what, endured.grown_mb - usual_growth, Target::AtMost(GROWTH_MB_MAX));
    }
    Ok(())
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
