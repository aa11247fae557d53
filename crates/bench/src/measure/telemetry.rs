//! What telemetry costs while all is well; and, in [`outage`], that it costs nothing while the collector is not.

use std::time::Duration;

use super::calls::{create_case, stop};
use super::{disk, outage};
use crate::bench::{Bench, PEAK_IN_FLIGHT};
use crate::error::Error;
use crate::report::{Section, Target};
use crate::server::Telemetry;

/// Every trace is kept: the most that telemetry can be.
pub(super) const ALL_TRACES: &str = "1.0";

pub(super) fn measure(bench: &Bench, endured: Duration) -> Result<Section, Error> {
    let mut section = Section::new("telemetry: what it costs, and what a collector that fails costs");
    disk::beside(bench, &mut section)?;
    let peak = price(bench, &mut section)?;
    outage::measure(bench, &mut section, peak, endured)?;
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
