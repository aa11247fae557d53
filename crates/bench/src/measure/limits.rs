//! What the machine allows.

use super::calls::{create_case, get_case, record_answers};
use super::{disk, sqlite};
use crate::bench::{Bench, PEAK_IN_FLIGHT};
use crate::error::Error;
use crate::report::Section;
use crate::server::Echo;

/// Commands in one transaction.
const BATCHES: [u32; 3] = [1, 64, 256];

pub(super) fn measure(bench: &Bench) -> Result<Section, Error> {
    let mut section = Section::new("limits: what this machine allows");
    disk::beside(bench, &mut section)?;
    for batch in BATCHES {
        let runs = (0..bench.options.repeats).map(|_| sqlite::commands_per_second(bench, batch, bench.options.window));
        let rates = runs.collect::<Result<_, _>>()?;
        section.figure(format!("SQLite alone, {batch} commands a transaction"), "/s", rates);
    }
    let answers = record_answers(bench)?;
    let echo = Echo::start(bench.new_folder("echo"), &answers, bench.server_cores.clone())?;
    let (create, get) = (create_case(echo.address), get_case(echo.address, 1));
    let runs = bench.in_turns(&mut [
        &mut || bench.closed(&create, 1),
        &mut || bench.closed(&create, PEAK_IN_FLIGHT),
        &mut || bench.closed(&get, 1),
        &mut || bench.closed(&get, PEAK_IN_FLIGHT),
    ])?;
    let names = [
        "bare tonic echo of CreateCase, 1 in flight",
        "bare tonic echo of CreateCase, 256 in flight",
        "bare tonic echo of GetCase, 1 in flight",
        "bare tonic echo of GetCase, 256 in flight",
    ];
    for (name, runs) in names.iter().zip(&runs) {
        section.rate(name, runs);
        section.percentile(name, 50.0, runs);
    }
    echo.stop()?;
    Ok(section)
}
