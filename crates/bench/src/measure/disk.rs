//! What a sync costs on the disk of the data folder. Nothing that is durable can be faster.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::bench::Bench;
use crate::error::Error;
use crate::load::{histogram, millis, note};
use crate::report::Section;

/// A page, as databases write them.
const PAGE_BYTES: usize = 4_096;

/// Pages of the file that is overwritten, in turns.
const PAGES: u64 = 256;

/// Syncs of one measurement, unless the disk is too slow for them.
const SYNCS: u32 = 2_000;

/// The longest that a measurement takes.
const MEASUREMENT_MAX: Duration = Duration::from_secs(5);

/// How long syncs of one page take.
#[derive(Debug)]
pub(super) struct Syncs(Histogram<u64>);

impl Syncs {
    /// In milliseconds.
    pub(super) fn percentile_ms(&self, percentile: f64) -> f64 {
        millis(self.0.value_at_percentile(percentile))
    }
}

/// Writes a page at the end of a file that grows, and syncs it.
pub(super) fn append(bench: &Bench) -> Result<Syncs, Error> {
    syncs(bench, |_, _| Ok(()))
}

/// Writes a page over one that is there already, and syncs it.
pub(super) fn overwrite(bench: &Bench) -> Result<Syncs, Error> {
    syncs(bench, |file, number| {
        if number == 0 {
            file.write_all(&vec![0; PAGE_BYTES * usize::try_from(PAGES).unwrap_or(1)])?;
            file.sync_all()?;
        }
        let page = u64::from(number) % PAGES;
        file.seek(SeekFrom::Start(page * u64::try_from(PAGE_BYTES).unwrap_or(0))).map(|_| ())
    })
}

fn syncs(bench: &Bench, before: impl Fn(&mut File, u32) -> std::io::Result<()>) -> Result<Syncs, Error> {
    let path = bench.folder.join("sync");
    let mut file = File::create(&path).map_err(Error::path("create", &path))?;
    let mut taken = histogram()?;
    let begun = Instant::now();
    for number in 0..SYNCS {
        if begun.elapsed() > MEASUREMENT_MAX {
            break;
        }
        before(&mut file, number).map_err(Error::path("write", &path))?;
        let start = Instant::now();
        // On Linux this is fdatasync, as SQLite is built to call.
        let written = file.write_all(&[0x5a; PAGE_BYTES]).and_then(|()| file.sync_data());
        written.map_err(Error::path("sync", &path))?;
        note(&mut taken, start.elapsed());
    }
    std::fs::remove_file(&path).map_err(Error::path("remove", &path))?;
    Ok(Syncs(taken))
}

/// The raw limits that stand beside every result; answers p50 and p99 of an appending sync, in milliseconds.
pub(super) fn beside(bench: &Bench, section: &mut Section) -> Result<(f64, f64), Error> {
    let (appending, overwriting) = (append(bench)?, overwrite(bench)?);
    let p50 = section.figure("fdatasync of 4 KiB, appending, p50", "ms", vec![appending.percentile_ms(50.0)]);
    let p99 = section.figure("fdatasync of 4 KiB, appending, p99", "ms", vec![appending.percentile_ms(99.0)]);
    section.figure("fdatasync of 4 KiB, overwriting, p50", "ms", vec![overwriting.percentile_ms(50.0)]);
    section.figure("fdatasync of 4 KiB, overwriting, p99", "ms", vec![overwriting.percentile_ms(99.0)]);
    Ok((p50, p99))
}
