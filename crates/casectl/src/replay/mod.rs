//! Drives the real commands from a log of real cases, and checks what the queries say afterwards.
//!
//! Many cases at once, strictly in order within a case. Every command has a key made from the log, so a replay that was
//! cut off goes on where it stopped when it is begun again, and a command that may or may not have arrived can be sent
//! again. What is transient is tried again, so servers may be killed and started again meanwhile.

mod caller;
mod check;
mod drive;
mod history;
mod meter;
mod need;
mod plan;
mod retry;
mod summary;

use std::sync::Arc;
use std::time::Duration;

use case_api::{ConsistencyToken, pb};
use futures_util::{StreamExt, TryStreamExt, stream};
use service_kit::clock::Entropy;
use service_kit::exit::{Exit, ExitCode};
use tokio::time::Instant;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;

use crate::derive::{Counter, Counts};
use crate::log::CaseRecord;

pub use check::Check;
pub use meter::Progress;
pub use plan::Tally;
pub use retry::Backoff;
pub use summary::Summary;

use caller::Caller;
use drive::{Driven, Driver};
use meter::Meter;

/// How many cases are driven at once, if nobody says otherwise.
pub const CONCURRENCY_DEFAULT: usize = 64;
/// How many cases may be driven at once.
pub const CONCURRENCY_MAX: usize = 1_024;
/// How long the first answer may take: a wrong address should not look like a server that is being started again.
const GREETING_PATIENCE: Duration = Duration::from_secs(10);

/// Whom a replay talks to, and as whom.
#[derive(Debug, Clone)]
pub struct Targets {
    /// Where case-command listens.
    pub commands: Target,
    /// Where case-query listens.
    pub queries: Target,
    /// Where case-audit listens.
    pub audit: Target,
    /// Who reads. Every command is sent as the actor of its entry; servers that want a token take the token's instead.
    pub actor: String,
}

/// One service.
#[derive(Debug, Clone)]
pub struct Target {
    /// The way to it.
    pub channel: Channel,
    /// Where it is and who said so, as people read it: `127.0.0.1:50051 (the default)`.
    pub place: String,
    /// What shows it who calls: the whole `authorization`.
    pub authorization: Option<MetadataValue<Ascii>>,
}

/// How to replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How many cases at once: 1 to [`CONCURRENCY_MAX`].
    pub concurrency: usize,
    /// When to try again, and when to give up.
    pub backoff: Backoff,
    /// How much is read back.
    pub verify: Verify,
    /// What is shown meanwhile.
    pub progress: Progress,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency: CONCURRENCY_DEFAULT,
            backoff: Backoff::default(),
            verify: Verify::Standard,
            progress: Progress::Silent,
        }
    }
}

/// How much of what was replayed is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// Every case as case-query shows it, and every audit event.
    Standard,
    /// Also the timeline of every case.
    Full,
}

/// Replays a log and checks the outcome.
///
/// An error is a replay that did not come to its end: 1 where the server refused a command, 65 where the log holds what
/// cannot be sent, 69 where a service stayed away for longer than [`Backoff::patience`], 78 where the running lifecycle
/// lacks what the log needs (nothing has been sent then). A replay that came to its end and does not agree with what
/// was read back is an answer; [`Summary::verdict`] says so.
pub async fn run(
    records: &[CaseRecord],
    targets: Targets,
    options: Options,
    entropy: Arc<dyn Entropy>,
) -> Result<Summary, Exit> {
    plan::check_sendable(records)?;
    let counts = count(records);
    let meter = Meter::new(options.progress);
    let caller = Caller::new(targets, options.backoff, entropy, &meter)?;
    let lifecycle = lifecycle_in_force(&caller, options.backoff).await?;
    let reasons = need::compare(&counts, &lifecycle)?;

    let begun = Instant::now();
    meter.begin("replaying", counts.entries);
    let concurrency = options.concurrency.clamp(1, CONCURRENCY_MAX);
    let driven = drive_all(Driver { caller: &caller, reasons: &reasons, meter: &meter }, records, concurrency).await?;
    meter.end();
    let took = begun.elapsed();

    let mut tally = Tally::default();
    for case in &driven {
        tally.add(case.tally);
    }
    let token = highest_token(&driven)?;
    let scope = check::Scope { counts: &counts, tally, driven: &driven, token, concurrency, verify: options.verify };
    let check = check::check(&caller, &scope, &meter).await?;
    Ok(Summary { cases: counts.cases, commands: counts.entries, tally, retries: caller.retries(), took, check })
}

/// Replays every case, so many at once; the first one that cannot go on ends all of them.
async fn drive_all<'r>(
    driver: Driver<'_>,
    records: &'r [CaseRecord],
    concurrency: usize,
) -> Result<Vec<Driven<'r>>, Exit> {
    // One task for all: the work is waiting, and nothing needs to be shared or stopped when the first one fails. By
    // index, because a closure over references would make this future one that cannot be spawned.
    let cases = stream::iter(0..records.len()).map(|at| driver.drive(&records[at]));
    cases.buffer_unordered(concurrency).try_collect().await
}

fn count(records: &[CaseRecord]) -> Counts {
    let mut counter = Counter::default();
    for record in records {
        counter.add(record);
    }
    counter.finish()
}

async fn lifecycle_in_force(caller: &Caller<'_>, backoff: Backoff) -> Result<pb::Lifecycle, Exit> {
    let patience = backoff.patience.min(GREETING_PATIENCE);
    let place = caller.place_of_queries();
    let answer = caller.lifecycle(patience).await;
    let answer =
        answer.map_err(|stopped| stopped.exit(&format!("cannot ask case-query at {place} for the lifecycle")))?;
    answer.lifecycle.ok_or_else(|| Exit::new(ExitCode::Unavailable, "case-query answered without a lifecycle"))
}

/// The token of the last change of all.
fn highest_token(driven: &[Driven<'_>]) -> Result<String, Exit> {
    let mut highest: Option<ConsistencyToken> = None;
    for token in driven.iter().map(|case| case.token) {
        match highest {
            Some(other) if other.epoch != token.epoch => {
                let text = "the store was replaced by another one during the replay; replay into one store";
                return Err(Exit::new(ExitCode::DataCorrupt, text));
            }
            Some(other) if other.position >= token.position => {}
            Some(_) | None => highest = Some(token),
        }
    }
    Ok(highest.map(|token| token.encode()).unwrap_or_default())
}
