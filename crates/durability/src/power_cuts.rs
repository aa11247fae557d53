//! Power cuts at random moments of a run under load.

use std::path::Path;

use anyhow::{Context, anyhow};
use recording_vfs::{Image, Recording, install};
use test_support::SeededEntropy;

use crate::judge::{broken_promises, forgotten_keys};
use crate::ledger::{self, Entry};
use crate::report::{Report, complain};
use crate::system::Running;

/// How many images the controls look at: they must lose something, and do so at once.
const CONTROL_IMAGES: usize = 40;

/// How much is tried.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// How many power cuts
    #[arg(long, default_value_t = 1_000)]
    images: usize,
    /// How many commands are sent while the disk is recorded
    #[arg(long, default_value_t = 2_000)]
    commands: usize,
    /// How many clients send them at once
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Begins all chance: the same seed cuts at the same moments of a run
    #[arg(long, default_value_t = 2_026)]
    seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { images: 1_000, commands: 2_000, clients: 16, seed: 2_026 }
    }
}

impl Options {
    /// A short run, for those that need only its store.
    pub(crate) fn small(seed: u64) -> Self {
        Self { images: 0, commands: 300, clients: 4, seed }
    }
}

/// Runs the load, cuts the power, and judges what is left; then the controls.
pub(crate) fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("the runtime")?;
    runtime.block_on(async {
        let (recording, ledger) = recorded(options).await?;
        report.told("commands acknowledged while the disk was recorded", ledger.len());
        report.told("writes, truncations and syncs recorded", recording.operations().len());
        report.told("syncs among them", recording.syncs_before(recording.operations().len()));

        let found = cut(&recording, &ledger, options, options.images, |entry| entry.acknowledged).await?;
        report.told("power cuts", found.images);
        report.told("acknowledged commands that they put at risk, in all", found.promised);
        report.must_be_none("stores that cannot be opened, or broke a promise", found.broken);

        let never_synced = recording.without_syncs();
        let lost = cut(&never_synced, &ledger, options, CONTROL_IMAGES, |entry| entry.acknowledged).await?;
        report.control("stores that broke a promise on a disk that never syncs (synchronous=OFF)", lost.broken);
        let early = cut(&recording, &ledger, options, CONTROL_IMAGES, |entry| entry.sent).await?;
        report.control("stores that broke a promise, had it been given before the commit", early.broken);
        Ok(())
    })
}

/// Everything that was done to the disk while clients worked, and what they were told.
pub(crate) async fn recorded(options: &Options) -> anyhow::Result<(Recording, Vec<Entry>)> {
    let disk = install();
    let folder = tempfile::tempdir().context("a temporary folder")?;
    disk.start(folder.path());
    let service = Running::start(folder.path()).await?.map_err(|exit| anyhow!("the service does not start: {exit}"))?;
    let ledger = ledger::work(service.address, disk, (options.clients, options.commands), options.seed).await?;
    // Before the end: closing a store tidies up what a power cut would leave.
    let recording = disk.stop();
    service.stop().await?;
    Ok((recording, ledger))
}

/// What power cuts have left.
#[derive(Debug, Default)]
struct Found {
    images: usize,
    promised: usize,
    broken: usize,
}

async fn cut(
    recording: &Recording,
    ledger: &[Entry],
    options: &Options,
    images: usize,
    promised_at: impl Fn(&Entry) -> usize,
) -> anyhow::Result<Found> {
    let random = SeededEntropy::new(options.seed);
    let (mut crashes, mut found) = (recording.crashes(), Found::default());
    for moment in moments(recording, ledger, images, &random) {
        let image = crashes.at(moment, || random.next());
        let promised: Vec<&Entry> = ledger.iter().filter(|entry| promised_at(entry) <= moment).collect();
        let broken = judge(&image, &promised, &random).await?;
        found.images += 1;
        found.promised += promised.len();
        found.broken += usize::from(!broken.is_empty());
        if let (Some(first), true) = (broken.first(), found.broken == 1) {
            complain(&format!("moment {moment}: {first}"));
        }
    }
    Ok(found)
}

/// Half of the moments anywhere, half just after an acknowledgement, where most is at stake; in order.
fn moments(recording: &Recording, ledger: &[Entry], images: usize, random: &SeededEntropy) -> Vec<usize> {
    let below = |end: usize| usize::try_from(random.next()).unwrap_or_default() % end.max(1);
    let anywhere = |_| below(recording.operations().len() + 1);
    let after_an_answer = |_| ledger.get(below(ledger.len())).map_or(0, |entry| entry.acknowledged + below(3));
    let mut moments: Vec<usize> =
        (0..images / 2).map(after_an_answer).chain((images / 2..images).map(anywhere)).collect();
    moments.sort_unstable();
    moments
}

/// Opens what is left as the service does after the power is back, and compares.
async fn judge(image: &Image, promised: &[&Entry], random: &SeededEntropy) -> anyhow::Result<Vec<String>> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    image.write_to(folder.path()).context("writing an image")?;
    judge_folder(folder.path(), promised, random).await
}

async fn judge_folder(folder: &Path, promised: &[&Entry], random: &SeededEntropy) -> anyhow::Result<Vec<String>> {
    let store = match Running::start(folder).await? {
        Ok(store) => store,
        Err(exit) => return Ok(vec![format!("the store cannot be opened: {exit}")]),
    };
    let mut broken = match store.events().await {
        Ok(events) => broken_promises(promised, &events),
        Err(error) => vec![format!("the history cannot be read: {error:#}")],
    };
    if broken.is_empty() {
        broken = forgotten_keys(&store, promised, random).await;
    }
    store.stop().await?;
    Ok(broken)
}
