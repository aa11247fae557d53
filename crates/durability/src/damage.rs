//! Flipped bits in the files of a store that lies still.

use std::path::Path;

use anyhow::Context;
use case_api::event_pb::RecordedEvent;
use test_support::SeededEntropy;

use crate::judge::broken_promises;
use crate::ledger::{Entry, create};
use crate::power_cuts;
use crate::report::{Report, complain};
use crate::system::{CONSUMER, Running};

/// How many commands are sent again to a store whose history is whole.
const SENT_AGAIN: usize = 10;

/// How much is tried.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// How many stores, each with one flipped bit
    #[arg(long, default_value_t = 400)]
    flips: usize,
    /// Begins all chance
    #[arg(long, default_value_t = 2_026)]
    seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { flips: 400, seed: 2_026 }
    }
}

/// What became of a store with a flipped bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The history is as it was: the bit was in room that is not used.
    Harmless,
    /// The service does not start, does not hand out the history, or refuses to answer again.
    Detected,
    /// The history is shorter, and commands are refused as soon as a consumer comes back.
    RefusedAsShorter,
    /// The history is shorter, and commands go on.
    SilentlyShorter,
    /// The history says something else than what was recorded.
    SilentlyChanged,
}

/// Flips one bit in each of many copies of a store.
pub(crate) fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("the runtime")?;
    runtime.block_on(async {
        let load = power_cuts::Options::small(options.seed);
        let (recording, ledger) = power_cuts::recorded(&load).await?;
        // What was synced, and nothing else: a database with a write-ahead log beside it.
        let image = recording.crashes().at(recording.operations().len(), || 0);
        let whole = tempfile::tempdir().context("a temporary folder")?;
        image.write_to(whole.path()).context("the store")?;
        let before = history(whole.path()).await?;
        let random = SeededEntropy::new(options.seed);
        let mut outcomes = Vec::new();
        for n in 0..options.flips {
            let folder = tempfile::tempdir().context("a temporary folder")?;
            image.write_to(folder.path()).context("a copy of the store")?;
            let file = folder.path().join(if n % 2 == 0 { "command.db" } else { "command.db-wal" });
            let bit = flip(&file, &random)?;
            let outcome = judge(folder.path(), &ledger, &before, &random).await?;
            if matches!(outcome, Outcome::SilentlyShorter | Outcome::SilentlyChanged) {
                complain(&format!("{outcome:?}: bit {bit} of {}", file.display()));
            }
            outcomes.push(outcome);
        }
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        report.told("flipped bits", outcomes.len());
        report.told("in room that is not used", count(Outcome::Harmless));
        report.control("detected at the start or at a read", count(Outcome::Detected));
        report.control("shorter history, refused when a consumer came back", count(Outcome::RefusedAsShorter));
        report.must_be_none("shorter history in silence", count(Outcome::SilentlyShorter));
        report.must_be_none("another history in silence", count(Outcome::SilentlyChanged));
        Ok(())
    })
}

async fn history(folder: &Path) -> anyhow::Result<Vec<RecordedEvent>> {
    let store = Running::start(folder).await?.map_err(|exit| anyhow::anyhow!("the whole store: {exit}"))?;
    let events = store.events().await?;
    store.stop().await?;
    Ok(events)
}

/// Flips one bit of a file: which.
fn flip(file: &Path, random: &SeededEntropy) -> anyhow::Result<u64> {
    let mut content = std::fs::read(file).context("a file of the store")?;
    let bit = random.next() % (u64::try_from(content.len())? * 8);
    content[usize::try_from(bit / 8)?] ^= 1 << (bit % 8);
    std::fs::write(file, content).context("a damaged file")?;
    Ok(bit)
}

async fn judge(
    folder: &Path,
    ledger: &[Entry],
    before: &[RecordedEvent],
    random: &SeededEntropy,
) -> anyhow::Result<Outcome> {
    let Ok(store) = Running::start(folder).await? else { return Ok(Outcome::Detected) };
    let outcome = match store.events().await {
        Err(_) => Outcome::Detected,
        Ok(events) if events == before => keys(&store, ledger, random).await,
        Ok(events) => {
            let promised: Vec<&Entry> = ledger.iter().collect();
            if broken_promises(&promised, &events).is_empty() || events.len() >= before.len() {
                Outcome::SilentlyChanged
            } else {
                shorter(&store, before.len()).await?
            }
        }
    };
    // A damaged store may also fail at its end.
    let _ = store.stop().await;
    Ok(outcome)
}

/// The history is whole; are the keys? Some acknowledged commands are sent again.
async fn keys(store: &Running, ledger: &[Entry], random: &SeededEntropy) -> Outcome {
    let mut outcome = Outcome::Harmless;
    for _ in 0..SENT_AGAIN {
        let entry = &ledger[usize::try_from(random.next()).unwrap_or_default() % ledger.len()];
        match entry.command.send(store.address).await {
            Ok(answer) if answer.replayed && answer.case_id == entry.case_id && answer.version == entry.version => {}
            Ok(_) => return Outcome::SilentlyChanged,
            Err(_) => outcome = Outcome::Detected,
        }
    }
    outcome
}

/// A consumer comes back that has seen more than the store has: from then on commands must be refused.
async fn shorter(store: &Running, seen: usize) -> anyhow::Result<Outcome> {
    let _feed = test_support::follow(store.address, CONSUMER, u64::try_from(seen)?, tokio_stream::pending()).await;
    let taken = create("after-the-damage".to_owned(), 1).send(store.address).await.is_ok();
    Ok(if taken { Outcome::SilentlyShorter } else { Outcome::RefusedAsShorter })
}
