//! What people would pick instead, with the same payload from the same client.

use super::calls::{create_case, create_case_request, stop};
use super::disk;
use super::write::start_etcd;
use crate::bench::{Bench, PEAK_IN_FLIGHT};
use crate::error::Error;
use crate::report::{Section, Target};
use crate::server::Etcd;

pub(super) fn measure(bench: &Bench) -> Result<Section, Error> {
    let mut section = Section::new("peers: the same payload at a single node of etcd, default settings");
    disk::beside(bench, &mut section)?;
    let Some(etcd) = start_etcd(bench, &mut section)? else { return Ok(section) };
    let collector = bench.collector()?;
    let command = bench.system("command", Bench::shipped(&collector))?.start_command()?;
    let (ours, put) = (create_case(command.address), Etcd::puts(etcd.address, create_case_request));
    for (in_flight, target) in [(PEAK_IN_FLIGHT, Some(2.0)), (1, None)] {
        let runs =
            bench.in_turns(&mut [&mut || bench.closed(&ours, in_flight), &mut || bench.closed(&put, in_flight)])?;
        let mut rates = Vec::new();
        for (who, runs) in ["CreateCase", "etcd Put"].iter().zip(&runs) {
            let name = format!("{who}, {in_flight} in flight");
            rates.push(section.rate(&name, runs));
            section.percentile(&name, 50.0, runs);
            section.percentile(&name, 99.0, runs);
        }
        let ratio = rates.iter().copied().reduce(|ours, etcd| ours / etcd).unwrap_or(f64::NAN);
        let what = format!("CreateCase / etcd Put, {in_flight} in flight");
        match target {
            Some(least) => section.verdict("P1", what, ratio, Target::AtLeast(least)),
            None => {
                section.figure(what, "", vec![ratio]);
            }
        }
    }
    stop([command, collector, etcd])?;
    Ok(section)
}
