//! From a thousand cases to many: what stays the same, and what a service needs.

use std::time::Instant;

use super::calls::{ask, create_case, get_case, list_cases, page_token, stop, wait_until_visible};
use super::disk;
use super::read::{FAR_PAGE, LIST_IN_FLIGHT, fill};
use crate::bench::{Bench, PEAK_IN_FLIGHT};
use crate::error::Error;
use crate::load::{Outcome, count};
use crate::report::{Section, Target, duration_ms, megabytes};
use crate::server::{MemoryWatch, Server, System, Telemetry};

/// Few.
const FEW: u64 = 1_000;

/// Cases on one page.
const PAGE: u64 = 50;

pub(super) fn measure(bench: &Bench, cases: u64) -> Result<Section, Error> {
    let mut section = Section::new(format!("scale: {FEW} cases to {cases}"));
    disk::beside(bench, &mut section)?;
    let collector = bench.collector()?;
    let shipped = Bench::shipped(&collector);
    let (few, many) = (bench.system("few", shipped.clone())?, bench.system("many", shipped.clone())?);
    idle(&mut section, &few)?;
    let few_command = few.start_command()?;
    fill(bench, &few, &few_command, FEW)?;
    let many_command = many.start_command()?;
    let filled = fill(bench, &many, &many_command, cases)?;
    section.rate("CreateCase while filling", std::slice::from_ref(&filled));

    reads(bench, &mut section, &few, &many, cases)?;
    rebuild(&mut section, &many, &many_command, cases)?;
    stop([few_command, many_command])?;
    let many_command = starts(bench, &mut section, &many)?;
    writes(bench, &mut section, &shipped, &many_command)?;
    stop([many_command, collector])?;
    Ok(section)
}

/// What a service takes when it has nothing to do (P11).
fn idle(section: &mut Section, system: &System) -> Result<(), Error> {
    let command = system.start_command()?;
    let (query, audit) = (system.start_query()?, system.start_audit()?);
    for (name, server) in [("case-command", &command), ("case-query", &query), ("case-audit", &audit)] {
        let memory = section.figure(format!("idle memory of {name}"), "MB", vec![megabytes(server.memory())]);
        section.verdict("P11", format!("idle memory of {name}, in MB"), memory, Target::AtMost(30.0));
    }
    stop([audit, query, command])
}

/// `GetCase` and pages, with few and with many cases in turns (P7), and the memory of the many (P11).
fn reads(bench: &Bench, section: &mut Section, few: &System, many: &System, cases: u64) -> Result<(), Error> {
    let (few, many) = (few.start_query()?, many.start_query()?);
    let memory = MemoryWatch::start(&many);
    let gets = (get_case(few.address, FEW), get_case(many.address, cases));
    let ratio = pair(bench, section, "GetCase", PEAK_IN_FLIGHT, [&gets.0, &gets.1])?;
    section.verdict("P7", format!("GetCase: {cases} cases / {FEW}"), ratio, Target::AtLeast(0.8));
    let lists = (list_cases(few.address, String::new()), list_cases(many.address, String::new()));
    let ratio = pair(bench, section, "ListCases, first page", LIST_IN_FLIGHT, [&lists.0, &lists.1])?;
    section.verdict("P7", format!("first page of ListCases: {cases} cases / {FEW}"), ratio, Target::AtLeast(0.8));
    if cases >= PAGE * u64::from(FAR_PAGE) {
        let far = list_cases(many.address, page_token(many.address, FAR_PAGE)?);
        let runs = bench.in_turns(&mut [&mut || bench.closed(&lists.1, LIST_IN_FLIGHT), &mut || {
            bench.closed(&far, LIST_IN_FLIGHT)
        }])?;
        let ratio = rates(section, &["ListCases, first page again", "ListCases, 1,000th page"], &runs);
        section.verdict("P7", "ListCases: 1,000th page / first page", ratio, Target::AtLeast(0.8));
    }
    let most = section.figure("memory of case-query, many cases, under load", "MB", vec![megabytes(memory.finish()?)]);
    section.verdict("P11", "memory of case-query under load, in MB", most, Target::AtMost(256.0));
    stop([few, many])
}

/// Runs one kind of call against few and many cases in turns: many / few.
fn pair(
    bench: &Bench,
    section: &mut Section,
    what: &str,
    in_flight: usize,
    [few, many]: [&crate::load::Workload; 2],
) -> Result<f64, Error> {
    let runs = bench.in_turns(&mut [&mut || bench.closed(few, in_flight), &mut || bench.closed(many, in_flight)])?;
    Ok(rates(section, &[&format!("{what}, {FEW} cases"), &format!("{what}, many cases")], &runs))
}

/// Adds two rates: the second / the first.
fn rates(section: &mut Section, names: &[&str; 2], runs: &[Vec<Outcome>]) -> f64 {
    let rates = names.iter().zip(runs).map(|(name, runs)| section.rate(name, runs));
    rates.reduce(|first, second| second / first).unwrap_or(f64::NAN)
}

/// A read model that has to be made anew (P9), its start included.
fn rebuild(section: &mut Section, many: &System, command: &Server, cases: u64) -> Result<(), Error> {
    many.forget_read_model()?;
    let made = ask(&create_case_unused(command, cases))?;
    let begun = Instant::now();
    let query = many.start_query()?;
    wait_until_visible(query.address, &made)?;
    let rate = count(cases) / begun.elapsed().as_secs_f64();
    let rate = section.figure("events projected while the read model is rebuilt", "/s", vec![rate]);
    section.verdict("P9", "rebuild of the read model, events/s", rate, Target::AtLeast(50_000.0));
    query.stop()
}

/// From the start of a process until it is ready, with many cases (P12). Answers case-command, running.
fn starts(bench: &Bench, section: &mut Section, many: &System) -> Result<Server, Error> {
    let (mut commands, mut queries) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.repeats {
        let command = many.start_command()?;
        let query = many.start_query()?;
        commands.push(duration_ms(command.started_in));
        queries.push(duration_ms(query.started_in));
        stop([query, command])?;
    }
    for (name, samples) in [("case-command", commands), ("case-query", queries)] {
        let took = section.figure(format!("start of {name} with many cases"), "ms", samples);
        section.verdict("P12", format!("start of {name} to SERVING, in ms"), took, Target::AtMost(500.0));
    }
    let command = many.start_command()?;
    section.figure("memory of case-command, many cases, idle", "MB", vec![megabytes(command.memory())]);
    Ok(command)
}

/// `CreateCase` on top of few cases, which have to be new for each turn, and on top of many (P7, P11).
fn writes(bench: &Bench, section: &mut Section, shipped: &Telemetry, many: &Server) -> Result<(), Error> {
    let memory = MemoryWatch::start(many);
    let on_many = create_case_unused(many, 1 << 32);
    let few_turn = || {
        let command = bench.system("few", shipped.clone())?.start_command()?;
        let create = create_case(command.address);
        bench.fill(&create, FEW)?;
        let run = bench.closed(&create, PEAK_IN_FLIGHT)?;
        command.stop().map(|()| run)
    };
    let runs = bench.in_turns(&mut [&mut || few_turn(), &mut || bench.closed(&on_many, PEAK_IN_FLIGHT)])?;
    let ratio = rates(section, &["CreateCase on few cases", "CreateCase on many cases"], &runs);
    section.verdict("P7", "CreateCase: many cases / few", ratio, Target::AtLeast(0.8));
    let most =
        section.figure("memory of case-command, many cases, under load", "MB", vec![megabytes(memory.finish()?)]);
    section.verdict("P11", "memory of case-command under load, in MB", most, Target::AtMost(256.0));
    Ok(())
}

/// `CreateCase` whose keys begin beyond those that the store has seen: an old key would be answered as a replay.
fn create_case_unused(command: &Server, used: u64) -> crate::load::Workload {
    create_case(command.address).beyond(used)
}
