//! `CreateCase`: how many, how fast alone, how late at half of the peak, and both against load.

use super::calls::{create_case, create_case_request, record_answers, stop};
use super::disk;
use crate::bench::{Bench, PEAK_IN_FLIGHT};
use crate::error::Error;
use crate::load::{Outcome, Workload};
use crate::report::{Figure, Point, Section, Target, median};
use crate::server::{Echo, Etcd, Server};

/// Shares of the peak at which throughput and latency are measured.
const SHARES_OF_PEAK: [f64; 6] = [0.1, 0.25, 0.5, 0.75, 0.9, 1.0];

pub(super) fn measure(bench: &Bench) -> Result<Section, Error> {
    let mut section = Section::new("write: CreateCase, metrics and logs on, 1% of traces");
    let (_, sync_p99) = disk::beside(bench, &mut section)?;
    let answers = record_answers(bench)?;
    let collector = bench.collector()?;
    let command = bench.system("command", Bench::shipped(&collector))?.start_command()?;
    let echo = Echo::start(bench.new_folder("echo"), &answers, bench.server_cores.clone())?;
    let syncing = Echo::start_syncing(bench.new_folder("syncing-echo"), &answers, bench.server_cores.clone())?;
    let etcd = start_etcd(bench, &mut section)?;
    let ours = create_case(command.address);
    let rivals = Rivals {
        echo: ours.at(echo.address),
        syncing: ours.at(syncing.address),
        etcd: etcd.as_ref().map(|etcd| Etcd::puts(etcd.address, create_case_request)),
        ours,
    };
    let peaks = rivals.together(bench, &mut section)?;
    section.verdict("P1", "CreateCase / bare tonic echo, 256 in flight", peaks.ours / peaks.echo, Target::AtLeast(0.6));
    if let Some(etcd) = peaks.etcd {
        section.verdict("P1", "CreateCase / etcd Put, 256 in flight", peaks.ours / etcd, Target::AtLeast(2.0));
    }
    rivals.alone(bench, &mut section, peaks.ours)?;
    rivals.tail(bench, &mut section, peaks.ours / 2.0, sync_p99)?;
    against_load(bench, &mut section, &rivals.ours, peaks.ours)?;
    stop([command, echo, syncing, collector].into_iter().chain(etcd))?;
    Ok(section)
}

/// Starts etcd if it is there, and says so if it is not.
pub(super) fn start_etcd(bench: &Bench, section: &mut Section) -> Result<Option<Server>, Error> {
    let Some(program) = Etcd::find(bench.options.etcd.as_deref()) else {
        section.note("etcd is not on the PATH, and --etcd does not name it: nothing to compare with");
        return Ok(None);
    };
    Etcd::start(program, &bench.new_folder("etcd"), bench.server_cores.clone()).map(Some)
}

/// Who is measured in turns.
struct Rivals {
    ours: Workload,
    /// What the transport allows.
    echo: Workload,
    /// What transport and disk allow together, where no disk holds up the transport.
    syncing: Workload,
    etcd: Option<Workload>,
}

/// Medians, in calls a second.
struct Peaks {
    ours: f64,
    echo: f64,
    etcd: Option<f64>,
}

impl Rivals {
    /// With many calls in flight.
    fn together(&self, bench: &Bench, section: &mut Section) -> Result<Peaks, Error> {
        let name = |who: &str| format!("{who}, {PEAK_IN_FLIGHT} in flight");
        let turn = |rival| move || bench.closed(rival, PEAK_IN_FLIGHT);
        let (mut ours, mut echo, mut syncing) = (turn(&self.ours), turn(&self.echo), turn(&self.syncing));
        let mut etcd = self.etcd.as_ref().map(turn);
        let mut turns: Vec<&mut dyn FnMut() -> Result<Outcome, Error>> = vec![&mut ours, &mut echo, &mut syncing];
        if let Some(turn) = &mut etcd {
            turns.push(turn);
        }
        let runs = bench.in_turns(&mut turns)?;
        let mut rates = Vec::new();
        for (who, runs) in ["CreateCase", "bare tonic echo", "syncing echo", "etcd Put"].iter().zip(&runs) {
            rates.push(section.rate(&name(who), runs));
            section.percentile(&name(who), 50.0, runs);
            section.percentile(&name(who), 99.0, runs);
        }
        let rate = |number: usize| rates.get(number).copied();
        let missing = || Error::Unmeasurable("a bug: a rival did not run".to_owned());
        Ok(Peaks { ours: rate(0).ok_or_else(missing)?, echo: rate(1).ok_or_else(missing)?, etcd: rate(3) })
    }

    /// One client: what a write takes beyond the echo and the sync that it cannot do without, measured in the same turns.
    fn alone(&self, bench: &Bench, section: &mut Section, peak: f64) -> Result<(), Error> {
        let (mut created, mut echoed, mut synced) = (Vec::new(), Vec::new(), Vec::new());
        let (mut etcd, mut syncs) = (Vec::new(), Vec::new());
        for _ in 0..bench.options.repeats {
            created.push(bench.closed(&self.ours, 1)?);
            echoed.push(bench.closed(&self.echo, 1)?);
            synced.push(bench.closed(&self.syncing, 1)?);
            syncs.push(disk::append(bench)?.percentile_ms(50.0));
            if let Some(put) = &self.etcd {
                etcd.push(bench.closed(put, 1)?);
            }
        }
        let one = section.rate("CreateCase, 1 in flight", &created);
        let write_p50 = section.percentile("CreateCase, 1 in flight", 50.0, &created);
        section.percentile("CreateCase, 1 in flight", 99.0, &created);
        let echo_p50 = section.percentile("bare tonic echo, 1 in flight", 50.0, &echoed);
        let syncing_p50 = section.percentile("syncing echo, 1 in flight", 50.0, &synced);
        section.check("echoes, 1 in flight", &[echoed, synced].concat());
        let sync_p50 = section.figure("fdatasync of 4 KiB, appending, p50, in between", "ms", syncs);
        let least = echo_p50 + sync_p50;
        section.figure("one client: syncing echo p50 / (echo p50 + fdatasync p50)", "", vec![syncing_p50 / least]);
        section.figure("one client: write p50 / syncing echo p50", "", vec![write_p50 / syncing_p50]);
        let what = "one client: write p50 / (echo p50 + appending fdatasync p50)";
        section.verdict("P3", what, write_p50 / least, Target::AtMost(1.2));
        section.verdict("P4", "CreateCase, 256 in flight / 1 in flight", peak / one, Target::AtLeast(8.0));
        if !etcd.is_empty() {
            let etcd = section.rate("etcd Put, 1 in flight", &etcd);
            section.figure("CreateCase / etcd Put, 1 in flight", "", vec![one / etcd]);
        }
        Ok(())
    }

    /// The same calls a second for each, from an open loop.
    fn tail(&self, bench: &Bench, section: &mut Section, rate: f64, sync_p99: f64) -> Result<(), Error> {
        let runs =
            bench.in_turns(&mut [&mut || bench.open(&self.ours, rate), &mut || bench.open(&self.syncing, rate)])?;
        let mut p99s = Vec::new();
        for (who, runs) in ["CreateCase", "syncing echo"].iter().zip(&runs) {
            let name = format!("{who}, open loop at half of the peak of CreateCase");
            section.rate(&name, runs);
            section.percentile(&name, 50.0, runs);
            p99s.push(section.percentile(&name, 99.0, runs));
            section.percentile(&name, 99.9, runs);
        }
        let p99 = p99s.first().copied().unwrap_or(f64::NAN);
        let what = "p99 at half of the peak / appending fdatasync p99";
        section.verdict("P5", what, p99 / sync_p99, Target::AtMost(5.0));
        Ok(())
    }
}

fn against_load(bench: &Bench, section: &mut Section, ours: &Workload, peak: f64) -> Result<(), Error> {
    for share in SHARES_OF_PEAK {
        let offered = peak * share;
        let run = bench.open(ours, offered)?;
        section.check("CreateCase against load", std::slice::from_ref(&run));
        section.curve.push(Point {
            offered,
            completed: run.rate(),
            p50_ms: run.percentile_ms(50.0),
            p99_ms: run.percentile_ms(99.0),
        });
    }
    for point in section.curve.clone() {
        let Point { offered, completed, p50_ms, p99_ms } = point;
        section.note(format!(
            "against load: {offered:.0}/s offered, {completed:.0}/s done, p50 {p50_ms:.2} ms, p99 {p99_ms:.2} ms"
        ));
    }
    Ok(())
}

/// The peak of `CreateCase`, for measurements that need it only to know half of it.
pub(super) fn peak(bench: &Bench, ours: &Workload) -> Result<(f64, Figure, Vec<Outcome>), Error> {
    let runs = bench.in_turns(&mut [&mut || bench.closed(ours, PEAK_IN_FLIGHT)])?.concat();
    let samples: Vec<_> = runs.iter().map(Outcome::rate).collect();
    let figure = Figure { name: "CreateCase, 256 in flight".to_owned(), unit: "/s", samples };
    Ok((median(&figure.samples), figure, runs))
}
