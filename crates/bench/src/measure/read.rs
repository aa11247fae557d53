//! `GetCase` beside the echo, and pages of `ListCases` near and far.

use super::calls::{ask, create_case, get_case, list_cases, page_token, record_answers, stop, wait_until_visible};
use super::disk;
use crate::bench::{Bench, PEAK_IN_FLIGHT};
use crate::error::Error;
use crate::load::Outcome;
use crate::report::{Section, Target};
use crate::server::{Echo, Server, System, Telemetry};

/// The page that must cost what the first does.
pub(super) const FAR_PAGE: u32 = 1_000;

/// Callers of lists: an answer is 50 cases.
pub(super) const LIST_IN_FLIGHT: usize = 32;

pub(super) fn measure(bench: &Bench, cases: u64) -> Result<Section, Error> {
    let mut section = Section::new(format!("read: {cases} cases"));
    disk::beside(bench, &mut section)?;
    let answers = record_answers(bench)?;
    let echo = Echo::start(bench.new_folder("echo"), &answers, bench.server_cores.clone())?;
    let collector = bench.collector()?;
    let shipped = bench.system("cases", Bench::shipped(&collector))?;
    let command = shipped.start_command()?;
    fill(bench, &shipped, &command, cases)?;

    let (off, echoed) = (shipped.with(Telemetry::Off), get_case(echo.address, cases));
    // Only one case-query may follow the feed under its name, so each turn starts its own; all share one read model.
    let turn = |system: &System| {
        let query = system.start_query()?;
        let run = bench.closed(&get_case(query.address, cases), PEAK_IN_FLIGHT)?;
        query.stop().map(|()| run)
    };
    let runs = bench
        .in_turns(&mut [&mut || bench.closed(&echoed, PEAK_IN_FLIGHT), &mut || turn(&off), &mut || turn(&shipped)])?;
    let rates = get_rates(&mut section, &runs);
    if let [echo, off, shipped] = rates.as_slice() {
        section.verdict("P2", "GetCase / echo, 256 in flight, telemetry off", off / echo, Target::AtLeast(0.85));
        section.verdict("P2", "GetCase / echo, 256 in flight, as shipped", shipped / echo, Target::AtLeast(0.7));
    }
    let query = shipped.start_query()?;
    pages(bench, &mut section, &query, &echo)?;
    stop([query, command, echo, collector])?;
    Ok(section)
}

/// Makes so many cases, and waits until the read model has them all.
pub(super) fn fill(bench: &Bench, system: &System, command: &Server, cases: u64) -> Result<Outcome, Error> {
    let create = create_case(command.address);
    let filled = bench.fill(&create, cases.saturating_sub(1))?;
    let query = system.start_query()?;
    wait_until_visible(query.address, &ask(&create)?)?;
    query.stop()?;
    Ok(filled)
}

fn get_rates(section: &mut Section, runs: &[Vec<Outcome>]) -> Vec<f64> {
    let names = ["bare tonic echo of GetCase", "GetCase, telemetry off", "GetCase, as shipped"];
    let mut rates = Vec::new();
    for (name, runs) in names.iter().zip(runs) {
        rates.push(section.rate(&format!("{name}, 256 in flight"), runs));
        section.percentile(name, 50.0, runs);
        section.percentile(name, 99.0, runs);
    }
    rates
}

fn pages(bench: &Bench, section: &mut Section, query: &Server, echo: &Server) -> Result<(), Error> {
    let first = list_cases(query.address, String::new());
    let far = list_cases(query.address, page_token(query.address, FAR_PAGE)?);
    let echoed = first.at(echo.address);
    let runs = bench.in_turns(&mut [
        &mut || bench.closed(&echoed, LIST_IN_FLIGHT),
        &mut || bench.closed(&first, LIST_IN_FLIGHT),
        &mut || bench.closed(&far, LIST_IN_FLIGHT),
    ])?;
    let names = ["bare tonic echo of ListCases", "ListCases, first page of 50", "ListCases, 1,000th page of 50"];
    let mut rates = Vec::new();
    for (name, runs) in names.iter().zip(&runs) {
        rates.push(section.rate(&format!("{name}, {LIST_IN_FLIGHT} in flight"), runs));
        section.percentile(name, 50.0, runs);
    }
    if let [_, first, far] = rates.as_slice() {
        section.verdict("P7", "ListCases: 1,000th page / first page", far / first, Target::AtLeast(0.8));
    }
    Ok(())
}
