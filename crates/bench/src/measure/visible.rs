//! How long after its acknowledgement a command shows in the read model.

use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use case_api::pb;
use hdrhistogram::Histogram;
use http::uri::PathAndQuery;
use prost::Message;

use super::calls::{
    CREATE_CASE, GET_CASE, ask, create_case, decode, fresh_get, stop, wait_until_recorded, wait_until_visible,
};
use super::{disk, write};
use crate::bench::Bench;
use crate::error::Error;
use crate::load::{Lane, Workload, block_on, histogram, millis, note};
use crate::report::{Section, Target};
use crate::server::Server;

/// Loads at which it is measured; the last one is what the target speaks of.
const PERCENTS_OF_PEAK: [u8; 3] = [10, 25, 50];

pub(super) fn measure(bench: &Bench) -> Result<Section, Error> {
    let mut section = Section::new("visible: acknowledged by case-command until answered by case-query");
    disk::beside(bench, &mut section)?;
    let collector = bench.collector()?;
    let system = bench.system("cases", Bench::shipped(&collector))?;
    let command = system.start_command()?;
    let (query, audit) = (system.start_query()?, system.start_audit()?);
    let create = create_case(command.address);
    let (peak, figure, runs) = write::peak(bench, &create)?;
    section.check(&figure.name, &runs);
    section.figure("CreateCase, 256 in flight, query and audit following", figure.unit, figure.samples);
    let mut at_half = f64::NAN;
    for percent in PERCENTS_OF_PEAK {
        let mut seen = Vec::new();
        for _ in 0..bench.options.repeats {
            // No load must begin behind the backlog of another one.
            let last = ask(&create)?;
            wait_until_visible(query.address, &last)?;
            wait_until_recorded(audit.address, &last)?;
            seen.push(under_load(bench, &mut section, &create, &query, peak * f64::from(percent) / 100.0)?);
        }
        let of = |percentile: f64| seen.iter().map(|seen| millis(seen.value_at_percentile(percentile))).collect();
        section.figure(format!("acknowledged to readable, p50, at {percent}% of the peak"), "ms", of(50.0));
        at_half = section.figure(format!("acknowledged to readable, p99, at {percent}% of the peak"), "ms", of(99.0));
    }
    let what = "acknowledged to readable at half of the peak, p99 in ms";
    section.verdict("P8", what, at_half, Target::AtMost(10.0));
    stop([audit, query, command, collector])?;
    Ok(section)
}

/// A load from an open loop, and beside it one caller who reads what it has written.
fn under_load(
    bench: &Bench,
    section: &mut Section,
    create: &Workload,
    query: &Server,
    rate: f64,
) -> Result<Histogram<u64>, Error> {
    let until = Instant::now() + bench.options.warm_up + bench.options.window;
    let (commands, queries, create_here) = (create.address, query.address, create.clone());
    let place = bench.place.clone();
    let reader = thread::spawn(move || {
        place.keep_to_cores()?;
        block_on(async {
            let (mut writes, mut reads) = (Lane::connect(commands).await?, Lane::connect(queries).await?);
            let mut seen = histogram()?;
            while Instant::now() < until {
                note(&mut seen, write_then_read(&mut writes, &mut reads, &create_here).await?);
            }
            Ok::<_, Error>(seen)
        })
    });
    let load = bench.open(create, rate)?;
    section.check(&format!("CreateCase, {rate:.0}/s"), std::slice::from_ref(&load));
    reader.join().map_err(|_| Error::Unmeasurable("a bug: the reader panicked".to_owned()))?
}

/// From the acknowledgement of a command to the answer that includes it.
async fn write_then_read(writes: &mut Lane, reads: &mut Lane, create: &Workload) -> Result<Duration, Error> {
    let answer = writes.call(create).await.map_err(Error::call(CREATE_CASE))?;
    let acknowledged = Instant::now();
    let made: pb::CreateCaseResponse = decode(&answer)?;
    let request: Bytes = fresh_get(&made).encode_to_vec().into();
    reads.send(PathAndQuery::from_static(GET_CASE), request).await.map_err(Error::call(GET_CASE))?;
    Ok(acknowledged.elapsed())
}
